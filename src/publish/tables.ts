import type { Session } from '../warehouse/session.ts';
import { identifier, qualified } from '../warehouse/sql.ts';
import { columnList, type PresentTable, presentSchemas, tableId } from '../warehouse/tables.ts';
import { COPY, copiedTables, inCopy, publicTables } from './catalogue.ts';
import { type HeldTable, isHeld } from './held-tables.ts';

/**
 * Brings the tables of the copy in line with those of the loader's file. The copy may be empty or of an earlier run. In
 * the latter case, models that were not built since are left as they are, and of dedup models that were only built
 * incrementally since, only the changed rows are copied. So the time that publishing takes depends on what is new, not
 * on what there is.
 */
export async function copyTables(session: Session, held: readonly HeldTable[]): Promise<void> {
  const copied = new Map((await copiedTables(session)).map((table) => [tableId(table), table]));
  const tables = (await publicTables(session)).filter((table) => !isHeld(held, table));
  const sizes = await tableSizes(session);
  const since = await changedSince(session, copied.has('ops.published_tables'));
  const kept = held.filter(({ there }) => there);
  await dropGoneTables(session, [...copied.values()], new Set([...tables, ...kept].map(tableId)));
  const fewRows: PresentTable[] = [];
  for (const table of tables) {
    const sameShape = columnList(copied.get(tableId(table))?.columns ?? []) === columnList(table.columns);
    const change = sameShape ? since.get(tableId(table)) : undefined;
    if (change === 'none') continue;
    if (sameShape && (sizes.get(tableId(table)) ?? 0) <= FEW) {
      fewRows.push(table);
      continue;
    }
    if (change === 'some rows' && (await copyRows(session, table))) continue;
    const part = sameShape ? PARTS.get(tableId(table)) : undefined;
    if (part && (await copyParts(session, table, part))) continue;
    if (sameShape && (sizes.get(tableId(table)) ?? 0) <= SMALL) await refill(session, [table]);
    else await copyWhole(session, table);
  }
  // What a model made anew has other rows, most likely; and values that are equal to DuckDB may be spelled otherwise.
  const ofLedger = fewRows.filter(({ schema }) => schema === 'ops');
  const differing = new Set(await differingTables(session, ofLedger));
  await refill(
    session,
    fewRows.filter((table) => !ofLedger.includes(table) || differing.has(table)),
  );
}

/** Drops tables that the loader's file no longer has, or that are not tables any more. */
async function dropGoneTables(
  session: Session,
  copied: readonly PresentTable[],
  wanted: ReadonlySet<string>,
): Promise<void> {
  for (const table of copied)
    if (!wanted.has(tableId(table))) await session.run(`DROP TABLE ${inCopy(table)}`);
  const own = await presentSchemas(session);
  for (const name of await presentSchemas(session, COPY))
    if (!own.has(name)) await session.run(`DROP SCHEMA ${COPY}.${identifier(name)}`);
}

/** How much of a model's table has changed since it was copied. For tables not in this map any row may have. */
type RowsChanged = 'none' | 'some rows';

/**
 * Compares the plan for the copy with the plan that the copy was made by. Only an incremental build of a dedup model
 * leaves other rows as they are: these are identified by file and line, and staged rows do not change. Whatever changes
 * staged rows makes the model rebuild all of its rows (`rebuildModelsReading`).
 */
async function changedSince(session: Session, published: boolean): Promise<Map<string, RowsChanged>> {
  if (!published) return new Map();
  const rows = await session.rows<{ name: string; change: RowsChanged }>(
    `SELECT schema_name || '.' || table_name AS name,
       CASE WHEN own.run_id = copied.run_id THEN 'none' ELSE 'some rows' END AS change
     FROM ops.published_tables AS own JOIN ${COPY}.ops.published_tables AS copied
       USING (schema_name, table_name, rebuilt_in)
     WHERE change = 'none' OR (own.kind = 'dedup' AND copied.kind = 'dedup')`,
  );
  return new Map(rows.map(({ name, change }) => [name, change]));
}

/** Up to so many rows are all copied sooner than it is found out which of them differ. */
const FEW = 10_000;

/** Of a table with more rows, to mark each as deleted takes longer than to set the comments of a new one. */
const SMALL = 122_880;

/** About how many rows each table has, as `schema.table`. */
async function tableSizes(session: Session): Promise<Map<string, number>> {
  const rows = await session.rows<{ name: string; size: number }>(
    `SELECT schema_name || '.' || table_name AS name, estimated_size AS size FROM duckdb_tables()
     WHERE database_name = current_database()`,
  );
  return new Map(rows.map(({ name, size }) => [name, size]));
}

/** Which of these tables of the ledger have other rows in the copy: what is the same need not be written again. */
async function differingTables(session: Session, tables: readonly PresentTable[]): Promise<PresentTable[]> {
  if (tables.length === 0) return [];
  const content = (table: PresentTable, rows: string) =>
    `(SELECT ROW(count(*), sum(hash(${columnNames(table)}))) FROM ${rows})`;
  const queries = tables.map(
    (table, place) =>
      `SELECT ${place} AS place WHERE ${content(table, qualified(table))} IS DISTINCT FROM ${content(table, inCopy(table))}`,
  );
  const rows = await session.rows<{ place: number }>(queries.join(' UNION ALL '));
  return rows.map(({ place }) => tables[place] as PresentTable);
}

/** Copies all rows into tables that are there already, which keep their comments: to set these takes longer than the rows. */
async function refill(session: Session, tables: readonly PresentTable[]): Promise<void> {
  const statements = tables.map(
    (table) => `DELETE FROM ${inCopy(table)};
INSERT INTO ${inCopy(table)} SELECT ${columnNames(table)} FROM ${qualified(table)}`,
  );
  if (statements.length > 0) await session.run(statements.join(';\n'));
}

function columnNames({ columns }: PresentTable): string {
  return columns.map(({ name }) => identifier(name)).join(', ');
}

/** Files whose rows differ between the copy and the loader's file. */
const FILES = 'files_that_differ';

/**
 * Copies the rows that differ. The files with such rows are found by their number of rows and a hash of the line
 * numbers: that reads only two columns, and only the rows of few files remain to be compared one by one.
 * @returns false when the copy then has another number of rows: it was not what the ledger said
 */
async function copyRows(session: Session, table: PresentTable): Promise<boolean> {
  const [own, copied] = [qualified(table), inCopy(table)];
  const files = (rows: string) =>
    `SELECT _file_id, count(*) AS rows, bit_xor(hash(_line)) AS lines FROM ${rows} GROUP BY _file_id`;
  const onlyIn = (rows: string, others: string) => `_file_id IN (FROM ${FILES}) AND NOT EXISTS (
  FROM ${others} AS other WHERE other._file_id = ${rows}._file_id AND other._line = ${rows}._line AND _file_id IN (FROM ${FILES}))`;
  await session.run(`CREATE OR REPLACE TEMP TABLE ${FILES} AS
SELECT _file_id FROM (${files(own)}) AS own FULL JOIN (${files(copied)}) AS copied USING (_file_id)
WHERE (own.rows, own.lines) IS DISTINCT FROM (copied.rows, copied.lines);
DELETE FROM ${copied} AS old WHERE ${onlyIn('old', own)};
INSERT INTO ${copied} FROM ${own} AS new WHERE ${onlyIn('new', copied)};
DROP TABLE ${FILES}`);
  return isAsLong(session, own, copied);
}

/**
 * Ledger tables that grow for years, with what parts them, so that a run changes few parts: by columns that are never
 * NULL.
 */
const PARTS: ReadonlyMap<string, string> = new Map([
  ['ops.files', 'file_id // 10000'],
  ['ops.rejected_rows', 'file_id // 10000'],
  ['ops.column_misfits', 'file_id // 10000'],
  ['ops.partitions', "date_trunc('week', partition_ts)"],
  ['ops.model_runs', 'run_id // 1000'],
  ['ops.test_results', 'run_id // 1000'],
]);

/** Parts of a table that differ between the copy and the loader's file. */
const DIFFERING = 'parts_that_differ';

/**
 * Copies the parts that differ, which are found by their number of rows and a hash of these: to read all rows costs far
 * less than to write them.
 * @param part an SQL expression for the part that a row belongs to
 * @returns false when the copy then has another number of rows
 */
async function copyParts(session: Session, table: PresentTable, part: string): Promise<boolean> {
  const [own, copied] = [qualified(table), inCopy(table)];
  const columns = columnNames(table);
  const parts = (rows: string) =>
    `SELECT ${part} AS part, count(*) AS rows, sum(hash(${columns})) AS content FROM ${rows} GROUP BY part`;
  await session.run(`CREATE OR REPLACE TEMP TABLE ${DIFFERING} AS
SELECT part FROM (${parts(own)}) AS own FULL JOIN (${parts(copied)}) AS copied USING (part)
WHERE (own.rows, own.content) IS DISTINCT FROM (copied.rows, copied.content);
DELETE FROM ${copied} WHERE ${part} IN (FROM ${DIFFERING});
INSERT INTO ${copied} SELECT ${columns} FROM ${own} WHERE ${part} IN (FROM ${DIFFERING});
DROP TABLE ${DIFFERING}`);
  return isAsLong(session, own, copied);
}

async function isAsLong(session: Session, own: string, copied: string): Promise<boolean> {
  const { equal } = await session.row<{ equal: boolean }>(
    `SELECT (SELECT count(*) FROM ${copied}) = (SELECT count(*) FROM ${own}) AS equal`,
  );
  return equal;
}

async function copyWhole(session: Session, table: PresentTable): Promise<void> {
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${COPY}.${identifier(table.schema)};
CREATE OR REPLACE TABLE ${inCopy(table)} AS SELECT ${columnNames(table)} FROM ${qualified(table)}`);
}
