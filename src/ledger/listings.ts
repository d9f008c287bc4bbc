import type { FeedVersion } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';

/** Records that everything a source holds of some feeds was listed, and that all of it is loaded or recorded. */
export async function recordListings(
  session: Session,
  source: string,
  feeds: readonly FeedVersion[],
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

/**
 * Records which of the feeds that the configuration names do not exist in a source.
 * @param lookedFor those that were looked for; of these, the ones not in `absent` are no longer absent
 */
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

/** Feeds that were looked for in a source and never came from it. */
export async function absentFeeds(session: Session): Promise<{ source: string; feed: string }[]> {
  return session.rows(
    `SELECT DISTINCT source, feed FROM ops.listings
     ANTI JOIN (FROM ops.partitions WHERE state <> 'missing') AS come USING (source, feed)`,
  );
}
