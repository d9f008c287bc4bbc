import { isPersonal, type KnownFeed, type TypedColumn } from '../feeds/followed.ts';
import { isStagingColumn, stagingTable } from '../feeds/names.ts';
import type { ColumnType, EpochFormat } from '../feeds/types.ts';
import { groupBy } from '../group-by.ts';
import type { Session } from '../warehouse/session.ts';
import { literal, type TableName } from '../warehouse/sql.ts';
import { type PresentTable, presentTables, tableId } from '../warehouse/tables.ts';
import { ledger } from './ledger.ts';
import type { Feed, FeedState, FollowedColumn } from './tables.ts';

/** `ops.feeds` and `ops.columns`: the shape of the feeds as the warehouse follows it. */

/** The tables of a group, staged and deduped, by {@link presentTableId}. */
export type PresentTables = ReadonlyMap<string, PresentTable<ColumnType>>;

/** As DuckDB compares names. */
export function presentTableId(table: TableName): string {
  return tableId(table).toLowerCase();
}

export async function groupTables(session: Session, group: string): Promise<PresentTables> {
  const where = `schema IN (${literal(group)}, ${literal(`staging_${group}`)})`;
  const found = await presentTables<ColumnType>(session, { where });
  return new Map(found.flatMap((one) => (one.kind === 'table' ? [[presentTableId(one), one]] : [])));
}

/** The feeds of a group: those that are followed, and those that were only seen in the data. */
export async function knownFeeds(
  session: Session,
  group: string,
  present: PresentTables,
): Promise<KnownFeed[]> {
  const feeds = await ledger(session)
    .selectFrom('ops.feeds')
    .selectAll()
    .where('feed_group', '=', group)
    .orderBy('feed')
    .orderBy('version')
    .execute();
  const columns = await ledger(session)
    .selectFrom('ops.columns')
    .selectAll()
    .where('feed_group', '=', group)
    .orderBy('position')
    .execute();
  const byFeed = groupBy(columns, ({ feed, version }) => JSON.stringify([feed, version]));
  return feeds.map((row) => {
    const documented = (byFeed.get(JSON.stringify([row.feed, row.version])) ?? []).map(typedColumn);
    const listed = new Set(documented.map(({ name }) => name.toLowerCase()));
    const there = present.get(presentTableId(stagingTable(group, row.feed, row.version)))?.columns ?? [];
    const inferred = there
      .filter(({ name }) => !isStagingColumn(name) && !listed.has(name.toLowerCase()))
      .map(({ name, type }) => ({ name, type }));
    return knownFeed(row, documented, inferred);
  });
}

/** The documented feeds of every group that follows its documents. */
export async function followedFeeds(session: Session): Promise<Map<string, KnownFeed[]>> {
  const groups = await session.rows<{ feed_group: string }>(
    'SELECT DISTINCT feed_group FROM ops.feeds WHERE state IS NOT NULL ORDER BY 1',
  );
  const found = new Map<string, KnownFeed[]>();
  for (const { feed_group } of groups) {
    const feeds = await knownFeeds(session, feed_group, new Map());
    found.set(
      feed_group,
      feeds.filter(({ documented }) => documented),
    );
  }
  return found;
}

/**
 * Stores how the feeds of a group are followed from now on. Feeds that are as they were in `before` are not written.
 */
export async function storeKnownFeeds(
  session: Session,
  group: string,
  before: readonly KnownFeed[],
  feeds: readonly KnownFeed[],
  now: Date,
): Promise<void> {
  const unchanged = new Set(before.map(fingerprint));
  const rows = await ledger(session)
    .selectFrom('ops.feeds')
    .select(['feed', 'version', 'first_seen_at'])
    .where('feed_group', '=', group)
    .execute();
  const seen = new Map(rows.map((row) => [JSON.stringify([row.feed, row.version]), row.first_seen_at]));
  const changed = feeds.filter((feed) => feed.documented && !unchanged.has(fingerprint(feed)));
  const names = JSON.stringify(changed.map(({ name, version }) => ({ feed: name, version })));
  for (const table of ['feeds', 'columns']) {
    await session.run(
      `DELETE FROM ops.${table} WHERE feed_group = $1 AND (feed, version) IN (
         SELECT (f.feed, f.version) FROM (SELECT unnest(from_json($2, '[{"feed":"VARCHAR","version":"VARCHAR"}]')) AS f))`,
      [group, names],
    );
  }
  await session.insert(
    { schema: 'ops', table: 'feeds' },
    changed.map((feed) => feedRow(group, feed, seen.get(JSON.stringify([feed.name, feed.version])) ?? now)),
  );
  await session.insert(
    { schema: 'ops', table: 'columns' },
    changed.flatMap((feed) => columnRows(group, feed)),
  );
}

function fingerprint({ inferred: _, ...feed }: KnownFeed): string {
  return JSON.stringify(feed);
}

function knownFeed(row: Feed, columns: TypedColumn[], inferred: KnownFeed['inferred']): KnownFeed {
  return {
    name: row.feed,
    version: row.version,
    description: row.description,
    key: row.unique_condition,
    orderBy: row.order_by,
    cadenceMinutes: row.cadence_minutes ?? undefined,
    active: row.active_on ?? undefined,
    modified: row.modified_on ?? undefined,
    deprecated: row.deprecated_on ?? undefined,
    expectedEnd: row.expected_end_on ?? undefined,
    actualEnd: row.actual_end_on ?? undefined,
    replacement: row.replacement ?? '',
    columns,
    origin: row.origin ?? 'bundled',
    documented: row.state !== null,
    gone: row.gone_on ?? undefined,
    modelled: row.modelled ?? false,
    inferred,
  };
}

function typedColumn(row: FollowedColumn): TypedColumn {
  return {
    name: row.column_name,
    type: row.type as ColumnType,
    published: row.published_type,
    description: row.description,
    pii: row.pii,
    created: row.created_on ?? undefined,
    updated: row.updated_on ?? undefined,
    deleted: row.removed_on ?? undefined,
    format: (row.format ?? undefined) as EpochFormat | undefined,
  };
}

function feedRow(group: string, feed: KnownFeed, firstSeen: Date): Feed {
  return {
    feed_group: group,
    feed: feed.name,
    version: feed.version,
    description: feed.description,
    unique_condition: [...feed.key],
    order_by: [...feed.orderBy],
    cadence_minutes: feed.cadenceMinutes ?? null,
    first_seen_at: firstSeen,
    state: stateOf(feed),
    origin: feed.origin,
    modelled: feed.modelled,
    active_on: feed.active ?? null,
    modified_on: feed.modified ?? null,
    deprecated_on: feed.deprecated ?? null,
    expected_end_on: feed.expectedEnd ?? null,
    actual_end_on: feed.actualEnd ?? null,
    gone_on: feed.gone ?? null,
    replacement: feed.replacement,
  };
}

function stateOf(feed: KnownFeed): FeedState {
  if (feed.gone !== undefined) return 'gone';
  if (feed.actualEnd !== undefined) return 'ended';
  if (feed.expectedEnd !== undefined) return 'ending';
  return feed.deprecated === undefined ? 'active' : 'deprecated';
}

function columnRows(group: string, feed: KnownFeed): FollowedColumn[] {
  return feed.columns.map((column, index) => ({
    feed_group: group,
    feed: feed.name,
    version: feed.version,
    column_name: column.name,
    position: index + 1,
    type: column.type,
    published_type: column.published,
    description: column.description,
    pii: column.pii,
    personal_data: isPersonal(column.pii),
    created_on: column.created ?? null,
    updated_on: column.updated ?? null,
    removed_on: column.deleted ?? null,
    format: column.format ?? null,
  }));
}
