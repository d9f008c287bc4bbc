import { fixedType } from '../../feeds/counts.ts';
import { columnName, fieldName, isPlainName, nameId } from '../../feeds/names.ts';
import type { ColumnType } from '../../feeds/types.ts';
import { recountMisfits } from '../../ledger/column-misfits.ts';
import { forgetUndeclaredFields } from '../../ledger/files.ts';
import type { Limits } from '../../limits.ts';
import { canonicalValue } from '../../warehouse/canonical-number.ts';
import { isDateTime } from '../../warehouse/instant.ts';
import type { Session } from '../../warehouse/session.ts';
import { fileList, identifier, qualified } from '../../warehouse/sql.ts';
import type { LandedFile } from '../file.ts';
import { type Column, columnValue, MAX_SAFE } from './columns.ts';
import { marked, mayRespell, unmarkedJson } from './digits.ts';
import { textOfJson } from './rescued.ts';
import { type Moves, rescuedValues, unrescue } from './rescued-values.ts';
import { spellingOf } from './spelled.ts';
import { addColumns, type StagingTable } from './table.ts';

/**
 * Columns for a feed that nobody documents, from its data: every value of every file looked at, never a sample, and the
 * narrowest type that holds each of them exactly.
 */

/**
 * Gives the table a column for each field that it lacks and that has a value somewhere in the files. Fields that cannot be
 * one, or beyond `limits.table_columns`, stay in `_rescued`.
 */
export async function addInferredColumns(
  session: Session,
  table: StagingTable,
  files: readonly LandedFile[],
  limits: Limits,
): Promise<StagingTable> {
  const taken = new Set(table.columns.map(({ name }) => nameId(name)));
  const added: Column[] = [];
  for (const column of await inferColumns(session, { files, limits })) {
    const id = nameId(column.name);
    if (!isPlainName(column.name) || taken.has(id)) continue;
    if (table.columns.length + added.length >= limits.table_columns) break;
    taken.add(id);
    added.push({ ...column, type: fixedType(table.spec, column.name) ?? column.type });
  }
  if (added.length === 0) return table;
  const { group: feed_group, feed, version } = table.spec;
  const spelling = await spellingOf(session, table.spec);
  const columns: Column[] = [];
  const moves: Moves[] = [];
  for (const column of added) {
    const { column: fitting, rescued } = await fitToRescued(session, table, column, spelling);
    columns.push(fitting);
    if (rescued > 0) moves.push(unrescue(table, fitting, columns.length, undefined));
  }
  await session.transaction(async () => {
    await addColumns(session, table, columns);
    for (const { update } of moves) for (const sql of update) await session.run(sql);
    const names = added.map(({ name }) => name);
    if (moves.length > 0)
      await recountMisfits(
        session,
        table,
        table.spec,
        names.map((name) => ({ name, exists: true })),
      );
    await forgetUndeclaredFields(session, { feed_group, feed, version }, names.map(fieldName));
  });
  return { ...table, columns: [...table.columns, ...columns] };
}

/**
 * A field may have come before it had a column: its values are rescued, and move into the column. It is text where one of
 * them would not fit otherwise.
 */
async function fitToRescued(
  session: Session,
  table: StagingTable,
  column: Column,
  spelling: (column: Column) => Column,
): Promise<{ column: Column; rescued: number }> {
  const narrow = spelling(column);
  const { rescued, unfit } = await session.row<{ rescued: number; unfit: number }>(
    rescuedValues(table, narrow),
  );
  const widens = unfit > 0 && fixedType(table.spec, column.name) === undefined;
  return { column: widens ? spelling({ name: column.name, type: 'VARCHAR' }) : narrow, rescued };
}

/** Widens columns so that they hold what is there and what the files bring. */
export async function widenColumns(
  session: Session,
  table: StagingTable,
  incomingFiles: Incoming,
  names: readonly string[],
): Promise<StagingTable> {
  const inferred = await inferColumns(session, incomingFiles);
  const incoming = new Map(inferred.map(({ name, type }) => [name, type]));
  const spelling = await spellingOf(session, table.spec);
  const columns: Column[] = [];
  for (const column of table.columns) {
    if (!names.includes(column.name)) {
      columns.push(column);
      continue;
    }
    const type = await widerType(session, table, column, incoming.get(column.name) ?? 'VARCHAR');
    await alterType(session, table, column, type);
    columns.push(spelling({ name: column.name, type }));
  }
  return { ...table, columns };
}

/** Changes a column's type to a wider one; `JSON` wraps what is there. */
async function alterType(
  session: Session,
  table: StagingTable,
  column: Column,
  type: ColumnType,
): Promise<void> {
  const name = identifier(column.name);
  const using =
    type === 'JSON'
      ? `to_json(${name})`
      : type === 'VARCHAR'
        ? canonicalValue(name, column.type)
        : `CAST(${name} AS ${type})`;
  await session.run(
    `ALTER TABLE ${qualified(table)} ALTER COLUMN ${name} SET DATA TYPE ${type} USING ${using}`,
  );
}

async function widerType(
  session: Session,
  table: StagingTable,
  column: Column,
  incoming: ColumnType,
): Promise<ColumnType> {
  if (incoming === 'JSON') return 'JSON';
  if (column.type === 'BIGINT' && incoming === 'DOUBLE') {
    const x = identifier(column.name);
    const { exact } = await session.row<{ exact: boolean }>(
      `SELECT coalesce(bool_and(abs(${x}::HUGEINT) <= ${MAX_SAFE}), true) AS exact FROM ${qualified(table)}`,
    );
    if (exact) return 'DOUBLE';
  }
  return 'VARCHAR';
}

interface Incoming {
  files: readonly LandedFile[];
  limits: Limits;
}

/**
 * Columns for the fields that have a value in the files, in the order they are first met, with the type that holds all of
 * them. Lines that will be rejected for their fields do not count.
 */
async function inferColumns(session: Session, { files, limits }: Incoming): Promise<Column[]> {
  const withLines = files.filter(({ lines }) => lines > 0);
  if (withLines.length === 0) return [];
  const read = `read_ndjson_objects(${fileList(withLines.map(({ text }) => text))}, hive_partitioning = false, ignore_errors = true)`;
  // A field is taken out of its line before the next step, which would else carry the line along for each of them.
  const keys = 'json_keys(json)';
  const isRecord = `json_type(json) = 'OBJECT' AND len(${keys}) <= ${limits.object_keys} AND list_unique(${keys}) = len(${keys})`;
  const rows = await session.rows<{ field: string; type: ColumnType }>(`
SELECT key AS field, CASE
    WHEN bool_or(type IN ('OBJECT', 'ARRAY')) THEN 'JSON'
    WHEN bool_and(type = 'BOOLEAN') THEN 'BOOLEAN'
    WHEN bool_and(type IN ('BIGINT', 'UBIGINT') AND try_cast(text AS BIGINT) IS NOT NULL) THEN 'BIGINT'
    WHEN bool_and(type IN ('DOUBLE', 'BIGINT', 'UBIGINT')
      AND ${columnValue({ name: '', type: 'DOUBLE' }, 'text', "CAST('null' AS JSON)")} IS NOT NULL) THEN 'DOUBLE'
    WHEN bool_and(type = 'VARCHAR' AND ${isDateTime('text')}) THEN 'TIMESTAMP'
    ELSE 'VARCHAR'
  END AS type
FROM (
  SELECT key, position, json_type(value) AS type, ${textOfJson('value')} AS text
  FROM (
    SELECT field.key AS key, position, CAST(${unmarkedJson('CAST(field.value AS VARCHAR)')} AS JSON) AS value
    FROM (
      SELECT unnest(fields) AS field, generate_subscripts(fields, 1) AS position
      FROM (
        SELECT map_entries(from_json(CASE WHEN ${mayRespell('line')} THEN ${marked('line')} ELSE line END,
          '"MAP(VARCHAR, JSON)"')) AS fields
        FROM (SELECT CAST(json AS VARCHAR) AS line FROM ${read} WHERE json IS NOT NULL AND ${isRecord})))
    WHERE field.value IS NOT NULL))
GROUP BY key ORDER BY min(position), key`);
  return rows.map(({ field, type }) => ({ name: columnName(field), type }));
}
