import { bundledCatalogue } from '../feeds/bundled.ts';
import { tableName } from '../feeds/names.ts';
import type { Workspace } from './workspace.ts';

/**
 * Every feed that a model may wait for, as `group.feed`: documented now or when the program was made, seen, or named at
 * `feeds:` of a source, which is how a person says that one is yet to come.
 */
export async function knownFeeds({ session, catalogue, config }: Workspace): Promise<Set<string>> {
  const seen = await session.rows<{ group: string; feed: string; version: string }>(
    `SELECT feed_group AS "group", feed, version FROM ops.feeds
     UNION SELECT feed_group, feed, version FROM ops.files`,
  );
  const documented = [catalogue, await bundledCatalogue()].flatMap((each) =>
    each.groups.flatMap((group) => [...each.feeds(group)]),
  );
  const named = config.sources.flatMap(({ group, feeds = [] }) =>
    feeds.map((feed) => ({ group, feed, version: '1' })),
  );
  const known = [...seen, ...documented, ...named];
  return new Set(
    known.flatMap(({ group, feed, version }) => [`${group}.${feed}`, `${group}.${tableName(feed, version)}`]),
  );
}
