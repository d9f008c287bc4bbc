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
  return (await readFeeds(session, 'f.feed_group = $1', [group])).map(({ columns, ...row }) => {
    const listed = new Set(columns.map(({ name }) => name.toLowerCase()));
    const there = present.get(presentTableId(stagingTable(group, row.feed, row.version)))?.columns ?? [];
    const inferred = there
      .filter(({ name }) => !isStagingColumn(name) && !listed.has(name.toLowerCase()))
      .map(({ name, type }) => ({ name, type }));
    return knownFeed(row, columns, inferred);
  });
}

/** The documented feeds of every group that follows its documents. */
export async function followedFeeds(session: Session): Promise<Map<string, KnownFeed[]>> {
  const feeds = await readFeeds(session, 'f.state IS NOT NULL', []);
  const groups = groupBy(feeds, ({ feed_group }) => feed_group);
  return new Map(
    [...groups].map(([group, own]) => [group, own.map(({ columns, ...row }) => knownFeed(row, columns, []))]),
  );
}

/** Feeds, by group, name and version, with their documented columns. */
async function readFeeds(
  session: Session,
  where: string,
  parameters: readonly string[],
): Promise<(Feed & { columns: TypedColumn[] })[]> {
  // DuckDB hands out one long value faster than many small ones, and sorting here is faster than sorting there.
  const rows = await session.rows<Feed & { documented: string | null }>(
    `SELECT f.*, c.documented FROM ops.feeds AS f LEFT JOIN (
       SELECT feed_group, feed, version, CAST(to_json(list(c)) AS VARCHAR) AS documented
       FROM ops.columns AS c GROUP BY feed_group, feed, version) AS c USING (feed_group, feed, version)
     WHERE ${where} ORDER BY f.feed_group, f.feed, f.version`,
    parameters,
  );
  return rows.map(({ documented, ...row }) => ({
    ...row,
    columns: (JSON.parse(documented ?? '[]') as FollowedColumn[])
      .sort((a, b) => a.position - b.position)
      .map(typedColumn),
  }));
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
