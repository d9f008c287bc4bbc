import { bundledSchemas } from '../feeds/bundled.ts';
import { tableName } from '../feeds/names.ts';
import type { StagingProgress } from '../ledger/feeds.ts';
import type { Workspace } from './workspace.ts';

/**
 * Every feed that a model may wait for, as `group.feed`: documented now or when the program was made, seen, or named at
 * `feeds:` of a source, which is how a person says that one is yet to come.
 * @param staged feeds that something came of
 */
export async function knownFeeds(
  { session, catalogue, config }: Workspace,
  staged: Iterable<StagingProgress>,
): Promise<Set<string>> {
  const seen = await session.rows<{ group: string; feed: string; version: string }>(
    'SELECT feed_group AS "group", feed, version FROM ops.feeds',
  );
  const documented = catalogue.groups.flatMap((group) => [...catalogue.feeds(group)]);
  const bundled = (await bundledSchemas()).documents.flatMap(({ group, document }) =>
    document.feeds.map(({ name: feed, version }) => ({ group, feed, version })),
  );
  const named = config.sources.flatMap(({ group, feeds = [] }) =>
    feeds.map((feed) => ({ group, feed, version: '1' })),
  );
  const known = [...seen, ...staged, ...documented, ...bundled, ...named];
  return new Set(
    known.flatMap(({ group, feed, version }) => [`${group}.${feed}`, `${group}.${tableName(feed, version)}`]),
  );
}
