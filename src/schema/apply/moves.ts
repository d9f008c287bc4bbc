import { fieldName } from '../../feeds/names.ts';
import type { ColumnType } from '../../feeds/types.ts';
import type { Column } from '../../load/staging/columns.ts';
import { fieldsOfPlain } from '../../load/staging/rescued.ts';
import { type Moves, valued } from '../../load/staging/rescued-values.ts';
import { spelledValue } from '../../warehouse/spelling.ts';
import { identifier, literal, qualified, type TableName } from '../../warehouse/sql.ts';

/** The statements by which a change of a column moves values between it and `_rescued`, and back. Pure, SQL as text. */

/** Where the values that a change overwrites are kept, to undo it: a table a change. Published nowhere. */
export const UNDO_SCHEMA = 'staging_undo';

export function undoTable(changeId: number): TableName {
  return { schema: UNDO_SCHEMA, table: `change_${changeId}` };
}

function widened(value: string, from: ColumnType, to: ColumnType): string {
  return to === 'VARCHAR' ? spelledValue(value, from) : `CAST(${value} AS ${to})`;
}

/** A column whose type changes. */
export interface Retype {
  column: string;
  from: ColumnType;
  to: ColumnType;
}

/** Every value of the old type is one of the new type: all are cast. Those that become text are spelled as staging spells them. */
export function widen(table: TableName, { column, from, to }: Retype): Moves {
  return {
    read: [],
    alter: [setType(table, column, to, widened(identifier(column), from, to))],
    update: [],
  };
}

/** What a conversion keeps, or goes by. */
export interface ConvertOptions {
  /** Where values are kept that the new type does not give back as they were, to undo it. */
  keep?: TableName;
  /** An earlier change is undone: a value goes back as it came, as far as it can be told. */
  undoes?: {
    /** The values that the earlier change kept; undefined where there were none. */
    originals: TableName | undefined;
  };
}

/**
 * Changes a column's type; values that do not fit the new one go to `_rescued`.
 * @param changeId names the temporary table
 */
export function convert(
  table: TableName,
  { column, from, to }: Retype,
  changeId: number,
  { keep, undoes }: ConvertOptions,
): Moves {
  const name = identifier(column);
  const converted = `converted_${changeId}`;
  const originals = undoes?.originals;
  const objects = `SELECT t._file_id, t._line, t.${name} AS old, ${originals ? 'k.original IS NOT NULL' : 'false'} AS was_kept,
  ${object(column, asJson(`t.${name}`, from, originals))} AS text
FROM ${qualified(table)} AS t ${joinOriginals(originals)} WHERE t.${name} IS NOT NULL`;
  // A value that was not kept is one that a cast gives back; a value that came since may not be.
  const cast = `try_cast(old AS ${to})`;
  const value = undoes
    ? `CASE WHEN NOT was_kept AND try_cast(${cast} AS ${from}) = old THEN ${cast} ELSE value END AS value`
    : 'value';
  const back = `try_cast(value AS ${from})`;
  return {
    read: [
      `CREATE OR REPLACE TEMP TABLE ${converted} AS SELECT _file_id, _line, old, original, ${value}
FROM (${valued({ name: column, type: to }, objects, ['old', 'was_kept'])})`,
      ...(keep
        ? [
            `CREATE TABLE ${qualified(keep)} AS
SELECT _file_id, _line, CAST(original AS JSON) AS original FROM ${converted} WHERE value IS NOT NULL AND ${back} IS DISTINCT FROM old`,
          ]
        : []),
    ],
    alter: [setType(table, column, to, `CAST(NULL AS ${to})`)],
    update: [
      `UPDATE ${qualified(table)} AS t SET ${name} = c.value
FROM ${converted} AS c WHERE t._file_id = c._file_id AND t._line = c._line AND c.value IS NOT NULL`,
      rescue(table, column, `SELECT _file_id, _line, original FROM ${converted} WHERE value IS NULL`),
      `DROP TABLE ${converted}`,
    ],
  };
}

/**
 * Moves all values of a column into `_rescued`, and takes the column away.
 * @param originals the values as they came, of rows where they are known
 */
export function foldAway(
  table: TableName,
  { name: column, type }: Column,
  changeId: number,
  originals: TableName | undefined,
): Moves {
  const name = identifier(column);
  const folded = `folded_${changeId}`;
  const value = asJson(`t.${name}`, type, originals);
  const joined = joinOriginals(originals);
  return {
    read: [
      `CREATE OR REPLACE TEMP TABLE ${folded} AS
SELECT t._file_id, t._line, ${value} AS original FROM ${qualified(table)} AS t ${joined} WHERE t.${name} IS NOT NULL`,
    ],
    alter: [`ALTER TABLE ${qualified(table)} DROP COLUMN ${name}`],
    update: [
      rescue(table, column, `SELECT _file_id, _line, original FROM ${folded}`),
      `DROP TABLE ${folded}`,
    ],
  };
}

/** Moves values that were read out of `_rescued` back into it, as they came. */
export function rescueAgain(table: TableName, column: string, originals: TableName): Moves {
  const kept = `SELECT _file_id, _line, original FROM ${qualified(originals)}`;
  return {
    read: [],
    alter: [],
    update: [
      `UPDATE ${qualified(table)} AS t SET ${identifier(column)} = NULL
FROM (${kept}) AS k WHERE t._file_id = k._file_id AND t._line = k._line`,
      rescue(table, column, kept),
    ],
  };
}

/**
 * A query for how many values of a column another type would not take (`unfit`), and how many it would not give back as
 * they are (`changed`; those that it does not take among them).
 */
export function misfits(table: TableName, retype: Retype): string {
  return `SELECT count(*) FILTER (value IS NULL) AS unfit,
  count(*) FILTER (value IS NULL OR try_cast(value AS ${retype.from}) IS DISTINCT FROM old) AS changed
FROM (${revalued(table, retype)})`;
}

/** A query for the values that another type would not take: how many `rows`, `since` which partition, and an `example`. */
export function misfitFacts(table: TableName, retype: Retype): string {
  return `SELECT count(*) AS rows, min(_partition_ts) AS since,
  arg_min(left(CAST(old AS VARCHAR), 80), (_partition_ts, _file_id, _line)) AS example
FROM (${revalued(table, retype)}) WHERE value IS NULL`;
}

/** A query for the rows with values that another type would not take. */
export function unfitRows(table: TableName, retype: Retype): string {
  return `SELECT _file_id, _line FROM (${revalued(table, retype)}) WHERE value IS NULL`;
}

/** The values of a column as another type would have them, beside what they are (`old`). */
function revalued(table: TableName, { column, from, to }: Retype): string {
  const objects = `SELECT _file_id, _line, _partition_ts, ${object(column, asJson(identifier(column), from, undefined))} AS text,
  ${identifier(column)} AS old FROM ${qualified(table)} WHERE ${identifier(column)} IS NOT NULL`;
  return valued({ name: column, type: to }, objects, ['old', '_partition_ts']);
}

/** A typed value as it could have come, or where that is known, as it came. */
export function asJson(value: string, type: ColumnType, originals: TableName | undefined): string {
  // As a JSON number, 9007199254740993.00 would pass through a double.
  const text = `CAST(${value} AS VARCHAR)`;
  const plain = `CASE WHEN contains(${text}, '.') THEN rtrim(rtrim(${text}, '0'), '.') ELSE ${text} END`;
  const json = type.startsWith('DECIMAL') ? `CAST(${plain} AS JSON)` : `to_json(${value})`;
  return originals ? `coalesce(k.original, ${json})` : json;
}

/** An object of one field, as text: as JSON, DuckDB would spell its numbers anew. */
function object(column: string, json: string): string {
  return `${literal(`{${JSON.stringify(column)}:`)} || CAST(${json} AS VARCHAR) || '}'`;
}

function joinOriginals(originals: TableName | undefined): string {
  if (!originals) return '';
  return `LEFT JOIN ${qualified(originals)} AS k ON t._file_id = k._file_id AND t._line = k._line`;
}

function setType(table: TableName, column: string, type: ColumnType, using: string): string {
  return `ALTER TABLE ${qualified(table)} ALTER COLUMN ${identifier(column)} SET DATA TYPE ${type} USING ${using}`;
}

/** Adds a field to `_rescued`. @param values a query with `_file_id`, `_line` and the field's value as `original` */
function rescue(table: TableName, column: string, values: string): string {
  const name = fieldName(column);
  const others = fieldsOfPlain(`coalesce(t._rescued, '{}')`, {
    where: `field.key <> ${literal(name)}`,
    and: { name, json: 'r.original' },
  });
  return `UPDATE ${qualified(table)} AS t SET _rescued = ${others}
FROM (${values}) AS r WHERE t._file_id = r._file_id AND t._line = r._line`;
}
