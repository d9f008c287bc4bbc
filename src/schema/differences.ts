import { type KnownFeed, sameName, type TypedColumn } from '../feeds/followed.ts';
import { fieldName, stagingTable, tableName } from '../feeds/names.ts';
import type { ColumnType } from '../feeds/types.ts';
import { groupTables, knownFeeds, type PresentTables, presentTableId } from '../ledger/followed-feeds.ts';
import { openChanges } from '../ledger/schema-changes.ts';
import type { SchemaChange } from '../ledger/tables.ts';
import type { Session } from '../warehouse/session.ts';
import { identifier, literal, qualified, type TableName } from '../warehouse/sql.ts';
import { misfitFactsQuery } from './apply/moves.ts';
import type { KeptRuleNote } from './kept-rules.ts';

/** One difference between what is published, what the table has, and what the data show, about a feed or a column. */
export interface Difference {
  group: string;
  /** The feed's name within its group: version 2 of `calls` is `calls__v2`. `''`: about the group's document. */
  feed: string;
  column: string | undefined;
  finding: DifferenceKind;
  /** The type as the newest document spells it. `present` is the type in the table, `observed` that of the values. */
  published: string | undefined;
  present: ColumnType | undefined;
  observed: string | undefined;
  /** How many rows show it, since which partition, and one value. */
  rows: number | undefined;
  since: Date | undefined;
  example: string | undefined;
}

export type DifferenceKind =
  /** In the data, in no document. */
  | 'not documented'
  /** In the documents, never in the data. */
  | 'never seen'
  /** Values that do not fit the published type. They are in `_rescued`, or the column is text. */
  | 'type contradicted'
  /** A change is held. If it is of a type, `rows` counts the values that would not fit it. */
  | `held #${number}: ${string}`
  /** A change was applied that a person should see. */
  | `to be seen #${number}: ${string}`;

/**
 * Compares what is published, what the warehouse has and what the data show. Only reads.
 * @param only names of feeds: `calls`, `calls__v2`, `messaging.calls`; left out: all
 * @param kept what is said of models that take no notice of a change that waits
 */
export async function differences(
  session: Session,
  groups: readonly string[],
  only?: readonly string[],
  kept: KeptRuleNote = () => '',
): Promise<Difference[]> {
  const open = await openChanges(session);
  const found: Difference[] = [];
  for (const group of groups) {
    const isChosen = (name: string) =>
      only === undefined || only.includes(name) || only.includes(`${group}.${name}`);
    const waiting = open.filter(({ feed_group }) => feed_group === group);
    const present = await groupTables(session, group);
    const feeds = await knownFeeds(session, group, present);
    for (const row of waiting) {
      // Changes of the document itself, or of a feed that is not followed yet.
      const isKnown = feeds.some((feed) => isOf(row, feed));
      const name = tableName(row.feed, row.version ?? '1');
      if (!isKnown && isChosen(name))
        found.push({ ...emptyDifference(group, name), finding: describeWaiting(row, kept(group, row)) });
    }
    for (const feed of feeds) {
      const name = tableName(feed.name, feed.version);
      if (!isChosen(name)) continue;
      for (const row of waiting.filter((each) => isOf(each, feed))) {
        found.push(
          await waitingChange(session, group, feed, row, describeWaiting(row, kept(group, row)), present),
        );
      }
      found.push(...(await differencesOf(session, group, feed, present)));
    }
  }
  return found;
}

function isOf(row: SchemaChange, { name, version }: KnownFeed): boolean {
  return sameName(row.feed, name) && row.version === version;
}

function describeWaiting(
  { change_id, kind, before, after, decision }: SchemaChange,
  kept: string,
): DifferenceKind {
  const values = [before, after].filter(Boolean).join(' -> ');
  const what = kind === 'document_held' ? 'the document' : kind.replaceAll('_', ' ');
  return `${decision === 'held' ? 'held' : 'to be seen'} #${change_id}: ${what}${values && ` ${values}`}${kept}`;
}

async function waitingChange(
  session: Session,
  group: string,
  feed: KnownFeed,
  row: SchemaChange,
  finding: DifferenceKind,
  present: PresentTables,
): Promise<Difference> {
  const base = {
    ...emptyDifference(group, tableName(feed.name, feed.version)),
    finding,
  };
  const name = row.column_name;
  if (name === null) return base;
  const table = stagingTable(group, feed.name, feed.version);
  const column = feed.columns.find((each) => sameName(each.name, name));
  const type = present.get(presentTableId(table))?.columns.find((each) => sameName(each.name, name))?.type;
  const about = {
    ...base,
    column: name,
    published: column?.published,
    present: type ?? column?.type,
  };
  if (type === undefined || row.decision !== 'held' || !row.kind.startsWith('type_')) return about;
  if (row.found_in === 'data') return { ...about, ...(await rejectedLines(session, row)) };
  const retype = { column: name, from: type, to: row.after as ColumnType };
  const facts = await session.row<{ rows: number; since: Date | null; example: string | null }>(
    misfitFactsQuery(table, retype),
  );
  return { ...about, rows: facts.rows, since: facts.since ?? undefined, example: facts.example ?? undefined };
}

/** How many rejected lines of a feed have a key that does not fit, and since when. */
async function rejectedLines(
  session: Session,
  { feed_group, feed, version }: SchemaChange,
): Promise<Pick<Difference, 'rows' | 'since'>> {
  const { rows, since } = await session.row<{ rows: number; since: Date | null }>(
    `SELECT count(*) AS rows, min(f.partition_ts) AS since FROM ops.rejected_rows r JOIN ops.files f USING (file_id)
     WHERE r.reason = 'key_type' AND r.resolved_at IS NULL AND f.feed_group = $1 AND f.feed = $2 AND f.version = $3`,
    [feed_group ?? null, feed, version ?? '1'],
  );
  return { rows, since: since ?? undefined };
}

function emptyDifference(group: string, feed: string): Omit<Difference, 'finding'> {
  return {
    group,
    feed,
    column: undefined,
    published: undefined,
    present: undefined,
    observed: undefined,
    rows: undefined,
    since: undefined,
    example: undefined,
  };
}

async function differencesOf(
  session: Session,
  group: string,
  feed: KnownFeed,
  present: PresentTables,
): Promise<Difference[]> {
  const table = stagingTable(group, feed.name, feed.version);
  const there = present.get(presentTableId(table));
  const base = emptyDifference(group, tableName(feed.name, feed.version));
  if (!there) return feed.documented ? [{ ...base, finding: 'never seen', rows: 0 }] : [];
  const types = new Map(there.columns.map(({ name, type }) => [name.toLowerCase(), type]));
  const rescued = await rescuedFields(session, table, there.columns);
  const seen = await valuesSeen(session, table, there.columns);
  const found: Difference[] = [];
  if (!feed.documented) found.push({ ...base, finding: 'not documented', ...seen.all });
  if (seen.all.rows === 0) return [...found, { ...base, finding: 'never seen', rows: 0 }];
  for (const column of feed.columns) {
    const type = types.get(column.name.toLowerCase());
    const about = { ...base, column: column.name, published: column.published || column.type, present: type };
    const misfit = rescued.find(({ field }) => field === fieldName(column.name));
    const values = seen.columns.get(column.name.toLowerCase());
    if (misfit) found.push({ ...about, finding: 'type contradicted', ...misfit.facts });
    else if (values?.rows === 0 && column.deleted === undefined) {
      found.push({ ...about, finding: 'never seen', rows: 0 });
    }
    const wider =
      type !== undefined && type !== column.type
        ? await valuesWiderThanPublished(session, table, column)
        : undefined;
    if (wider) found.push({ ...about, finding: 'type contradicted', ...wider });
  }
  for (const { name, type } of feed.documented ? feed.inferred : []) {
    const values = seen.columns.get(name.toLowerCase());
    const about = { ...base, column: name, present: type, observed: type };
    found.push({ ...about, finding: 'not documented', ...values });
  }
  for (const { field, facts } of rescued) {
    if (feed.columns.some(({ name }) => fieldName(name) === field)) continue;
    const { example: _, ...shape } = facts;
    found.push({ ...base, column: field, finding: 'not documented', ...shape });
  }
  return found;
}

interface ValueFacts {
  observed: string;
  rows: number;
  since: Date;
  example: string;
}

/** The fields in `_rescued`, the most frequent first. */
async function rescuedFields(
  session: Session,
  table: TableName,
  columns: readonly { name: string }[],
): Promise<{ field: string; facts: ValueFacts }[]> {
  // A time with more digits than its column keeps is in `_rescued` too, though its value fits.
  const fits = columns.map(({ name }) => `WHEN ${literal(name)} THEN s.${identifier(name)} IS NOT NULL`);
  const misfit = fits.length === 0 ? 'true' : `NOT CASE field.key ${fits.join(' ')} ELSE false END`;
  const rows = await session.rows<ValueFacts & { field: string }>(
    // An unsigned number is just a number without a minus.
    `SELECT key AS field, mode(replace(type, 'UBIGINT', 'BIGINT') ORDER BY type) AS observed, count(*) AS rows, min(_partition_ts) AS since,
       arg_min(left(value::VARCHAR, 80), (_partition_ts, _file_id, _line)) AS example
     FROM (SELECT s._partition_ts, s._file_id, s._line, field.key, field.value, field.type
       FROM (FROM ${qualified(table)} WHERE _rescued IS NOT NULL) AS s,
         json_each(s._rescued) AS field WHERE ${misfit})
     GROUP BY key ORDER BY rows DESC, key`,
  );
  return rows.map(({ field, ...facts }) => ({ field, facts }));
}

interface ValuesSeen {
  rows: number;
  since: Date | undefined;
}

/** In how many rows each column has a value, and since when. */
async function valuesSeen(
  session: Session,
  table: TableName,
  columns: readonly { name: string }[],
): Promise<{ all: ValuesSeen; columns: Map<string, ValuesSeen> }> {
  const counts = columns.flatMap(({ name }, index) => [
    `count(${identifier(name)}) AS n${index}`,
    `min(_partition_ts) FILTER (${identifier(name)} IS NOT NULL) AS t${index}`,
  ]);
  const row = await session.row<Record<string, number | Date | null>>(
    `SELECT count(*) AS n, min(_partition_ts) AS t, ${counts.join(', ')} FROM ${qualified(table)}`,
  );
  const seen = (id: string | number): ValuesSeen => ({
    rows: row[`n${id}`] as number,
    since: (row[`t${id}`] as Date | null) ?? undefined,
  });
  return {
    all: seen(''),
    columns: new Map(columns.map(({ name }, index) => [name.toLowerCase(), seen(index)])),
  };
}

/** The values that do not fit the published type of a column that staging has made wider for them. */
async function valuesWiderThanPublished(
  session: Session,
  table: TableName,
  { name, type }: TypedColumn,
): Promise<ValueFacts | undefined> {
  const column = identifier(name);
  const back = `try_cast(try_cast(${column} AS ${type}) AS VARCHAR)`;
  const [facts] = await session.rows<ValueFacts>(
    `SELECT 'VARCHAR' AS observed, count(*) AS rows, min(_partition_ts) AS since,
       arg_min(left(CAST(${column} AS VARCHAR), 80), (_partition_ts, _file_id, _line)) AS example
     FROM ${qualified(table)} WHERE ${column} IS NOT NULL AND ${back} IS DISTINCT FROM CAST(${column} AS VARCHAR)
     HAVING count(*) > 0`,
  );
  return facts;
}
