import type { Session } from '../warehouse/session.ts';

/** A feed of a source, as listings go: one version of it. */
export interface ListedFeed {
  feed: string;
  version: string;
}

/** Notes that all which a source holds of some feeds was listed, and that everything found is loaded or noted. */
export async function recordListings(
  session: Session,
  source: string,
  feeds: readonly ListedFeed[],
  now: Date,
): Promise<void> {
  if (feeds.length === 0) return;
  await session.run(
    `DELETE FROM ops.listings WHERE source = $1 AND (feed, version) IN (
       SELECT (feed, version) FROM (SELECT unnest(from_json($2, '[{"feed":"VARCHAR","version":"VARCHAR"}]'), max_depth := 2)))`,
    [source, JSON.stringify(feeds)],
  );
  const rows = feeds.map(({ feed, version }) => ({ source, feed, version, listed_at: now }));
  await session.insert({ schema: 'ops', table: 'listings' }, rows);
}

/** Notes which of the feeds that the configuration names are not there; those that were looked for and are, are so no more. */
export async function recordAbsent(
  session: Session,
  source: string,
  lookedFor: readonly string[],
  absent: readonly string[],
  now: Date,
): Promise<void> {
  if (lookedFor.length === 0) return;
  await session.run(
    `DELETE FROM ops.listings WHERE source = $1 AND version IS NULL
       AND feed IN (SELECT unnest(from_json($2, '["VARCHAR"]')))`,
    [source, JSON.stringify(lookedFor)],
  );
  const rows = absent.map((feed) => ({ source, feed, version: null, listed_at: now }));
  await session.insert({ schema: 'ops', table: 'listings' }, rows);
}

/** Feeds that a source was looked through for, and of which nothing ever came from it. */
export async function absentFeeds(session: Session): Promise<{ source: string; feed: string }[]> {
  return session.rows(
    `SELECT DISTINCT source, feed FROM ops.listings
     ANTI JOIN (FROM ops.partitions WHERE state <> 'missing') AS come USING (source, feed)`,
  );
}
