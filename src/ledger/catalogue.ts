import { type Catalogue, type FeedSpec, loadCatalogue } from '../feeds/catalogue.ts';
import type { Overrides } from '../feeds/documents/overrides.ts';
import { tableName } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import { hasDocumentTables } from './documents.ts';
import { followedFeeds } from './followed-feeds.ts';

/**
 * The feeds as they are known now: the bundled schema, and in place of it, for each group whose documents have been
 * applied, what the warehouse follows (`ops.feeds` and `ops.columns`).
 */
export async function currentCatalogue(
  session: Session,
  bundled: Catalogue,
  overrides: Overrides,
): Promise<Catalogue> {
  const followed = await specsByGroup(session, overrides);
  if (followed.size === 0) return bundled;
  const feeds = (group: string): readonly FeedSpec[] => followed.get(group) ?? bundled.feeds(group);
  const groups = [...new Set([...bundled.groups, ...followed.keys()])];
  return {
    groups,
    feeds,
    feed: (group, name, version) =>
      feeds(group).find((spec) => spec.feed === name && spec.version === version),
  };
}

async function specsByGroup(session: Session, overrides: Overrides): Promise<Map<string, FeedSpec[]>> {
  if (!(await hasDocumentTables(session))) return new Map();
  const found = new Map<string, FeedSpec[]>();
  for (const [group, feeds] of await followedFeeds(session)) {
    // What is followed has the corrections in it already, except for feeds without published columns: those have no
    // rows in `ops.columns` that a correction could have changed.
    const bare = new Set(
      feeds
        .filter(({ columns }) => columns.length === 0)
        .map(({ name, version }) => tableName(name, version)),
    );
    const corrected = [...(overrides.get(group) ?? [])].flatMap(([feed, { columns }]) =>
      bare.has(feed) ? [[feed, { columns }] as const] : [],
    );
    const catalogue = loadCatalogue([{ group, document: { feeds } }], new Map([[group, new Map(corrected)]]));
    const modelled = new Map(feeds.map((feed) => [JSON.stringify([feed.name, feed.version]), feed.modelled]));
    found.set(
      group,
      catalogue.feeds(group).map((spec) => ({
        ...spec,
        modelled: modelled.get(JSON.stringify([spec.feed, spec.version])) ?? false,
      })),
    );
  }
  return found;
}
