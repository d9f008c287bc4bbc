import { stagingTable, tableName } from '../feeds/names.ts';
import { knownFeeds, type Present, presentId, presentTables } from '../ledger/known-feeds.ts';
import { openChanges } from '../ledger/schema-changes.ts';
import type { SchemaChange } from '../ledger/tables.ts';
import type { Session } from '../warehouse/session.ts';
import { identifier, qualified, type TableName } from '../warehouse/sql.ts';
import { type KnownFeed, sameName, type TypedColumn } from './known.ts';
import type { ColumnType } from './types.ts';

/** One thing about a feed or a column in which what is published, what is present and what is in the data differ. */
export interface Difference {
  group: string;
  /** The feed's name within its group: version 2 of `calls` is `calls__v2`. */
  feed: string;
  column: string | undefined;
  finding: Finding;
  /** The type as the newest document spells it, as the table has it, and what the values are. */
  published: string | undefined;
  present: ColumnType | undefined;
  observed: string | undefined;
  /** How many rows show it, since which partition, and one value. */
  rows: number | undefined;
  since: Date | undefined;
  example: string | undefined;
}

export type Finding =
  /** In the data, in no document. */
  | 'not documented'
  /** In the documents, never in the data. */
  | 'never seen'
  /** Values that are not of the published type; they are in `_rescued`, or the column is text. */
  | 'type contradicted'
  /** A document asks for something that waits for a person: `held #12: …`. */
  | `held #${number}: ${string}`;

/**
 * Compares what is published, what is present in the warehouse, and what is in the data. Only reads.
 * @param only names feeds: `calls`, `calls__v2`, `messaging.calls`; left out: all
 */
export async function differences(
  session: Session,
  groups: readonly string[],
  only?: string,
): Promise<Difference[]> {
  const open = (await openChanges(session)).filter(({ decision }) => decision === 'held');
  const found: Difference[] = [];
  for (const group of groups) {
    const present = await presentTables(session, group);
    for (const feed of await knownFeeds(session, group, present)) {
      const name = tableName(feed.name, feed.version);
      if (only !== undefined && only !== name && only !== `${group}.${name}`) continue;
      const held = open.filter((row) => isOf(row, group, feed)).map((row) => heldBack(group, feed, row));
      found.push(...held, ...(await differencesOf(session, group, feed, present)));
    }
  }
  return found;
}

function isOf(row: SchemaChange, group: string, { name, version }: KnownFeed): boolean {
  return row.feed_group === group && sameName(row.feed, name) && row.version === version;
}

function heldBack(group: string, feed: KnownFeed, row: SchemaChange): Difference {
  const column = feed.columns.find(({ name }) => row.column_name !== null && sameName(name, row.column_name));
  const values = [row.before, row.after].filter(Boolean).join(' -> ');
  return {
    ...nothing(group, feed),
    column: row.column_name ?? undefined,
    finding: `held #${row.change_id}: ${row.kind.replaceAll('_', ' ')}${values && ` ${values}`}`,
    published: column?.published,
    present: column?.type,
  };
}

function nothing(group: string, { name, version }: KnownFeed): Omit<Difference, 'finding'> {
  return {
    ...{ group, feed: tableName(name, version), column: undefined, published: undefined, present: undefined },
    ...{ observed: undefined, rows: undefined, since: undefined, example: undefined },
  };
}

async function differencesOf(
  session: Session,
  group: string,
  feed: KnownFeed,
  present: Present,
): Promise<Difference[]> {
  const table = stagingTable(group, feed.name, feed.version);
  const there = present.get(presentId(table.schema, table.table));
  const base = nothing(group, feed);
  if (!there) return feed.documented ? [{ ...base, finding: 'never seen', rows: 0 }] : [];
  const types = new Map(there.columns.map(({ name, type }) => [name.toLowerCase(), type]));
  const rescued = await rescuedFields(session, table);
  const seen = await valuesSeen(session, table, there.columns);
  const found: Difference[] = [];
  if (!feed.documented) found.push({ ...base, finding: 'not documented', ...seen.all });
  if (seen.all.rows === 0) return [...found, { ...base, finding: 'never seen', rows: 0 }];
  for (const column of feed.columns) {
    const type = types.get(column.name.toLowerCase());
    const about = { ...base, column: column.name, published: column.published || column.type, present: type };
    const misfit = rescued.find(({ field }) => field === column.name);
    const values = seen.columns.get(column.name.toLowerCase());
    if (misfit) found.push({ ...about, finding: 'type contradicted', ...misfit.facts });
    else if (values?.rows === 0 && column.deleted === undefined) {
      found.push({ ...about, finding: 'never seen', rows: 0 });
    }
    const wider =
      type !== undefined && type !== column.type ? await beyond(session, table, column) : undefined;
    if (wider) found.push({ ...about, finding: 'type contradicted', ...wider });
  }
  for (const { name, type } of feed.documented ? feed.inferred : []) {
    const values = seen.columns.get(name.toLowerCase());
    const about = { ...base, column: name, present: type, observed: type };
    found.push({ ...about, finding: 'not documented', ...values });
  }
  for (const { field, facts } of rescued) {
    if (feed.columns.some(({ name }) => name === field)) continue;
    const { example: _, ...shape } = facts;
    found.push({ ...base, column: field, finding: 'not documented', ...shape });
  }
  return found;
}

interface Facts {
  observed: string;
  rows: number;
  since: Date;
  example: string;
}

/** The fields in `_rescued`, the most frequent first. */
async function rescuedFields(session: Session, table: TableName): Promise<{ field: string; facts: Facts }[]> {
  const rows = await session.rows<Facts & { field: string }>(
    `SELECT key AS field, mode(type ORDER BY type) AS observed, count(*) AS rows, min(_partition_ts) AS since,
       arg_min(left(value::VARCHAR, 80), (_partition_ts, _file_id, _line)) AS example
     FROM (SELECT s._partition_ts, s._file_id, s._line, field.key, field.value, field.type
       FROM (SELECT _partition_ts, _file_id, _line, _rescued FROM ${qualified(table)} WHERE _rescued IS NOT NULL) AS s,
         json_each(s._rescued) AS field)
     GROUP BY key ORDER BY rows DESC, key`,
  );
  return rows.map(({ field, ...facts }) => ({ field, facts }));
}

interface Seen {
  rows: number;
  since: Date | undefined;
}

/** In how many rows each column has a value, and since when. */
async function valuesSeen(
  session: Session,
  table: TableName,
  columns: readonly { name: string }[],
): Promise<{ all: Seen; columns: Map<string, Seen> }> {
  const counts = columns.flatMap(({ name }, index) => [
    `count(${identifier(name)}) AS n${index}`,
    `min(_partition_ts) FILTER (${identifier(name)} IS NOT NULL) AS t${index}`,
  ]);
  const row = await session.row<Record<string, number | Date | null>>(
    `SELECT count(*) AS n, min(_partition_ts) AS t, ${counts.join(', ')} FROM ${qualified(table)}`,
  );
  const seen = (id: string | number): Seen => ({
    rows: row[`n${id}`] as number,
    since: (row[`t${id}`] as Date | null) ?? undefined,
  });
  return {
    all: seen(''),
    columns: new Map(columns.map(({ name }, index) => [name.toLowerCase(), seen(index)])),
  };
}

/** Values of a column that staging made wider than what is published, since they did not fit. */
async function beyond(
  session: Session,
  table: TableName,
  { name, type }: TypedColumn,
): Promise<Facts | undefined> {
  const column = identifier(name);
  const back = `try_cast(try_cast(${column} AS ${type}) AS VARCHAR)`;
  const [facts] = await session.rows<Facts>(
    `SELECT 'VARCHAR' AS observed, count(*) AS rows, min(_partition_ts) AS since,
       arg_min(left(CAST(${column} AS VARCHAR), 80), (_partition_ts, _file_id, _line)) AS example
     FROM ${qualified(table)} WHERE ${column} IS NOT NULL AND ${back} IS DISTINCT FROM CAST(${column} AS VARCHAR)
     HAVING count(*) > 0`,
  );
  return facts;
}
