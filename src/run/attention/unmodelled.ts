import type { Attention } from '../../attention.ts';
import type { StagingProgress } from '../../ledger/feeds.ts';
import { ledger } from '../../ledger/ledger.ts';
import type { BuildResult } from '../../models/build/build.ts';
import { type Delivering, isLeftOut } from '../../models/withdrawal.ts';
import type { Session } from '../../warehouse/session.ts';

/** A feed whose rows are staged, and that no model makes a table of. */
interface Unmodelled {
  feed_group: string;
  feed: string;
}

/**
 * Notes the feeds that come and that analysts see nothing of: nobody documents how their records are told apart, and
 * nobody has written a model. A model acknowledges its feed, also one that is disabled or broken; so does leaving the feed
 * out at `feeds:` of its source.
 */
export async function noteUnmodelled(
  session: Session,
  { project, inputs }: Pick<BuildResult, 'project' | 'inputs'>,
  sources: readonly Delivering[],
  now: Date,
): Promise<void> {
  const staged = feedsWithRows(inputs.feeds.values());
  const models = [...project.models.values(), ...project.broken.values(), ...project.disabled.values()];
  const read = new Set(
    models.flatMap((model) => [
      model.id,
      ...model.sources.flatMap(({ group, feed }) => [
        `${group}.${feed}`,
        `${group}.${feed.replace(/__v[^_]+$/, '')}`,
      ]),
    ]),
  );
  const found = staged.filter(
    ({ feed_group, feed }) => !read.has(`${feed_group}.${feed}`) && !isLeftOut(sources, feed_group, feed),
  );
  const known = await ledger(session).selectFrom('ops.unmodelled_feeds').selectAll().execute();
  const since = new Map(known.map((row) => [nameOf(row), row.since]));
  if (found.length === known.length && found.every((feed) => since.has(nameOf(feed)))) return;
  await session.transaction(async () => {
    await session.run('DELETE FROM ops.unmodelled_feeds');
    await session.insert(
      { schema: 'ops', table: 'unmodelled_feeds' },
      found.map((feed) => ({ ...feed, since: since.get(nameOf(feed)) ?? now })),
    );
  });
}

/** Feeds with rows, whichever version of them. */
function feedsWithRows(feeds: Iterable<StagingProgress>): Unmodelled[] {
  const named = [...feeds].flatMap(({ group, feed, rows }): [string, Unmodelled][] =>
    rows > 0 ? [[`${group}.${feed}`, { feed_group: group, feed }]] : [],
  );
  return [...new Map(named).values()];
}

/** An item for each: its rows are there, and a model is one command away. */
export async function unmodelledFeeds(session: Session): Promise<Attention[]> {
  const rows = await ledger(session)
    .selectFrom('ops.unmodelled_feeds')
    .selectAll()
    .orderBy('feed_group')
    .orderBy('feed')
    .execute();
  return rows.map((row) => ({
    kind: 'unmodelled_feed',
    severity: 'attention',
    feed: nameOf(row),
    message: `${nameOf(row)} comes, and no model makes a table of it: nobody documents how its records are told apart`,
    hint: `asapp-warehouse compile ${nameOf(row)} --starter writes one; or leave it out at feeds: of its source`,
  }));
}

function nameOf({ feed_group, feed }: Unmodelled): string {
  return `${feed_group}.${feed}`;
}
