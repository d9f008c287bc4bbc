import type { Session } from '../warehouse/session.ts';
import { identifier, qualified } from '../warehouse/sql.ts';
import { columnList, type PresentTable, presentSchemas, tableId } from '../warehouse/tables.ts';
import { COPY, copiedTables, inCopy, publicTables } from './catalogue.ts';
import { type HeldTable, isHeld } from './held.ts';

/**
 * Brings the copy's tables to what those of the loader's file are. The copy may be empty, or the one of an earlier run:
 * then a model that was not built since stays as it is, and of a dedup model that was only built incrementally since,
 * the rows that changed are taken over. So publishing takes time with what is new, not with what there is.
 */
export async function copyTables(session: Session, held: readonly HeldTable[]): Promise<void> {
  const copied = new Map((await copiedTables(session)).map((table) => [tableId(table), table]));
  const tables = (await publicTables(session)).filter((table) => !isHeld(held, table));
  const since = await builtSince(session, copied.has('ops.published_tables'));
  const kept = held.filter(({ there }) => there);
  await dropOthers(session, [...copied.values()], new Set([...tables, ...kept].map(tableId)));
  for (const table of tables) {
    const sameShape = columnList(copied.get(tableId(table))?.columns ?? []) === columnList(table.columns);
    const change = sameShape ? since.get(tableId(table)) : undefined;
    if (change === 'none') continue;
    if (change === 'some rows' && (await copyRows(session, table))) continue;
    await copyWhole(session, table);
  }
}

/** What the copy has and the loader's file has not any more, or not as a table. */
async function dropOthers(
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

/** What has become of a model's table since it was copied; anything else is not known to be like the copy in any row. */
type Change = 'none' | 'some rows';

/**
 * Compares what the ledger says that the copy is to have with what the copy says that it has. Only an incremental build of a
 * dedup model leaves rows as they are: they are told by their file and line, and what was staged does not change. Whoever
 * changes that has the model built from all of its rows (`rebuildReaders`).
 */
async function builtSince(session: Session, published: boolean): Promise<Map<string, Change>> {
  if (!published) return new Map();
  const rows = await session.rows<{ name: string; change: Change }>(
    `SELECT schema_name || '.' || table_name AS name,
       CASE WHEN own.run_id = copied.run_id THEN 'none' ELSE 'some rows' END AS change
     FROM ops.published_tables AS own JOIN ${COPY}.ops.published_tables AS copied
       USING (schema_name, table_name, rebuilt_in)
     WHERE change = 'none' OR (own.kind = 'dedup' AND copied.kind = 'dedup')`,
  );
  return new Map(rows.map(({ name, change }) => [name, change]));
}

/** Files of which the copy has other rows than the loader's file. */
const FILES = 'files_that_differ';

/**
 * Takes over the rows that differ. Which files they are from is told by their number and a hash of their lines: that
 * reads two columns, and leaves few files of which rows are to be compared one by one.
 * @returns false when that does not come to as many rows: the copy was not what the ledger said
 */
async function copyRows(session: Session, table: PresentTable): Promise<boolean> {
  const [own, copied] = [qualified(table), inCopy(table)];
  const files = (rows: string) =>
    `SELECT _file_id, count(*) AS rows, bit_xor(hash(_line)) AS lines FROM ${rows} GROUP BY _file_id`;
  const onlyIn = (rows: string, others: string) => `_file_id IN (FROM ${FILES}) AND NOT EXISTS (
  FROM ${others} AS other WHERE other._file_id = ${rows}._file_id AND other._line = ${rows}._line AND _file_id IN (FROM ${FILES}))`;
  await session.run(`CREATE OR REPLACE TEMP TABLE ${FILES} AS
SELECT DISTINCT _file_id FROM ((${files(own)} EXCEPT ${files(copied)}) UNION ALL (${files(copied)} EXCEPT ${files(own)}));
DELETE FROM ${copied} AS old WHERE ${onlyIn('old', own)};
INSERT INTO ${copied} FROM ${own} AS new WHERE ${onlyIn('new', copied)};
DROP TABLE ${FILES}`);
  const { equal } = await session.row<{ equal: boolean }>(
    `SELECT (SELECT count(*) FROM ${copied}) = (SELECT count(*) FROM ${own}) AS equal`,
  );
  return equal;
}

async function copyWhole(session: Session, table: PresentTable): Promise<void> {
  const columns = table.columns.map(({ name }) => identifier(name)).join(', ');
  await session.run(`CREATE SCHEMA IF NOT EXISTS ${COPY}.${identifier(table.schema)};
CREATE OR REPLACE TABLE ${inCopy(table)} AS SELECT ${columns} FROM ${qualified(table)}`);
}
