import { type Catalogue, type FeedSpec, loadCatalogue, type RuleOrigin } from '../feeds/catalogue.ts';
import { type ChangeKind, KEY_CHANGES, ORDER_CHANGES } from '../feeds/changes.ts';
import type { Overrides } from '../feeds/documents/overrides.ts';
import { feedId } from '../feeds/followed.ts';
import { tableName } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import { hasDocumentTables } from './documents.ts';
import { followedFeeds } from './followed-feeds.ts';
import { ruleChanges } from './schema-changes.ts';
import type { SchemaChange } from './tables.ts';

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
  const decided = await ruleChanges(session);
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
    const hasRules = ({ feed, version }: FeedSpec) => {
      const correction = overrides.get(group)?.get(tableName(feed, version));
      return correction?.key !== undefined || correction?.order_by !== undefined;
    };
    const asCorrected = loadCatalogue([{ group, document: { feeds } }], overrides);
    const modelled = new Map(feeds.map((feed) => [JSON.stringify([feed.name, feed.version]), feed.modelled]));
    found.set(
      group,
      catalogue.feeds(group).map((spec) => ({
        ...spec,
        ...ruleOrigins(
          spec,
          decided,
          hasRules(spec) ? asCorrected.feed(group, spec.feed, spec.version) : undefined,
        ),
        modelled: modelled.get(JSON.stringify([spec.feed, spec.version])) ?? false,
      })),
    );
  }
  return found;
}

type RuleOrigins = Pick<FeedSpec, 'keyFrom' | 'orderByFrom'>;

/**
 * What decided the key and the ordering that are followed: the change that was applied to it last; else a correction that
 * says the same.
 * @param decided changes that were applied to rules, in their order
 */
function ruleOrigins(
  spec: FeedSpec,
  decided: readonly SchemaChange[],
  corrected: FeedSpec | undefined,
): RuleOrigins {
  const id = feedId({ name: spec.feed, version: spec.version });
  const own = decided.filter(
    (row) => row.feed_group === spec.group && feedId({ name: row.feed, version: row.version ?? '1' }) === id,
  );
  const last = (kinds: readonly ChangeKind[]): RuleOrigin | undefined => {
    const row = own.findLast(({ kind }) => kinds.includes(kind as ChangeKind));
    return row?.applied_at ? { from: 'change', change: row.change_id, on: row.applied_at } : undefined;
  };
  const isSame = (names: 'key' | 'orderBy') => corrected?.[names].join() === spec[names].join();
  const keyFrom = last(KEY_CHANGES) ?? (isSame('key') ? corrected?.keyFrom : undefined);
  // No change leaves a feed without an ordering.
  const changed = spec.orderBy.length > 0 ? last(ORDER_CHANGES) : undefined;
  const orderByFrom = changed ?? (isSame('orderBy') ? corrected?.orderByFrom : undefined);
  return { ...(keyFrom && { keyFrom }), ...(orderByFrom && { orderByFrom }) };
}
