import { fieldName } from '../../feeds/names.ts';
import type { ColumnType } from '../../feeds/types.ts';
import type { Column } from '../../load/staging/columns.ts';
import { fieldsOfPlain } from '../../load/staging/rescued.ts';
import { type Moves, valued } from '../../load/staging/rescued-values.ts';
import { canonicalValue } from '../../warehouse/canonical-number.ts';
import { identifier, literal, qualified, type TableName } from '../../warehouse/sql.ts';

/** The statements that move values between a column and `_rescued` when the column changes. Pure, SQL as text. */

/**
 * The schema that keeps the values a change overwrites, so that it can be undone: one table for each change. It is
 * never published.
 */
export const UNDO_SCHEMA = 'staging_undo';

export function undoTable(changeId: number): TableName {
  return { schema: UNDO_SCHEMA, table: `change_${changeId}` };
}

function widenedValue(value: string, from: ColumnType, to: ColumnType): string {
  return to === 'VARCHAR' ? canonicalValue(value, from) : `CAST(${value} AS ${to})`;
}

/** A column whose type changes. */
export interface Retype {
  column: string;
  from: ColumnType;
  to: ColumnType;
}

/**
 * Casts all values of a column to a type that has them all. Numbers that become text get the canonical spelling, as
 * staging gives them.
 */
export function widen(table: TableName, { column, from, to }: Retype): Moves {
  return {
    read: [],
    alter: [setType(table, column, to, widenedValue(identifier(column), from, to))],
    update: [],
  };
}

/** What a conversion keeps for its own undo, or undoes. */
export interface ConvertOptions {
  /** The undo table, for values that a cast back would not restore exactly. */
  keep?: TableName;
  /** Set when an earlier change is undone, to restore values as they were. */
  undoes?: {
    /** The undo table of the earlier change; undefined where it kept nothing. */
    originals: TableName | undefined;
  };
}

/**
 * Changes a column's type. Values that do not fit the new type go to `_rescued`.
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
  ${oneFieldObject(column, asJson(`t.${name}`, from, originals))} AS text
FROM ${qualified(table)} AS t ${joinOriginals(originals)} WHERE t.${name} IS NOT NULL`;
  // The earlier change kept each original that a cast would not restore. So a value without a kept original can simply
  // be cast back, unless it arrived after that change and does not survive the cast: the last test finds those.
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
      addToRescued(table, column, `SELECT _file_id, _line, original FROM ${converted} WHERE value IS NULL`),
      `DROP TABLE ${converted}`,
    ],
  };
}

/**
 * Moves all values of a column into `_rescued`, and drops the column.
 * @param originals the values as they were sent, for rows where they were kept
 */
export function dropIntoRescued(
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
      addToRescued(table, column, `SELECT _file_id, _line, original FROM ${folded}`),
      `DROP TABLE ${folded}`,
    ],
  };
}

/** Moves values that a change took out of `_rescued` back into it, as they were sent. */
export function moveBackToRescued(table: TableName, column: string, originals: TableName): Moves {
  const kept = `SELECT _file_id, _line, original FROM ${qualified(originals)}`;
  return {
    read: [],
    alter: [],
    update: [
      `UPDATE ${qualified(table)} AS t SET ${identifier(column)} = NULL
FROM (${kept}) AS k WHERE t._file_id = k._file_id AND t._line = k._line`,
      addToRescued(table, column, kept),
    ],
  };
}

/**
 * A query that counts the values of a column that another type cannot hold (`unfit`), and those that a cast there and
 * back would change (`changed`, which includes the former).
 */
export function misfitCountQuery(table: TableName, retype: Retype): string {
  return `SELECT count(*) FILTER (value IS NULL) AS unfit,
  count(*) FILTER (value IS NULL OR try_cast(value AS ${retype.from}) IS DISTINCT FROM old) AS changed
FROM (${convertedValuesQuery(table, retype)})`;
}

/**
 * A query about the values that another type cannot hold: their number (`rows`), the partition `since` which they come,
 * and an `example`.
 */
export function misfitFactsQuery(table: TableName, retype: Retype): string {
  return `SELECT count(*) AS rows, min(_partition_ts) AS since,
  arg_min(left(CAST(old AS VARCHAR), 80), (_partition_ts, _file_id, _line)) AS example
FROM (${convertedValuesQuery(table, retype)}) WHERE value IS NULL`;
}

/** A query for the rows whose value another type cannot hold. */
export function unfitRowsQuery(table: TableName, retype: Retype): string {
  return `SELECT _file_id, _line FROM (${convertedValuesQuery(table, retype)}) WHERE value IS NULL`;
}

/** A query for the values of a column converted to another type (`value`), beside the present ones (`old`). */
function convertedValuesQuery(table: TableName, { column, from, to }: Retype): string {
  const objects = `SELECT _file_id, _line, _partition_ts, ${oneFieldObject(column, asJson(identifier(column), from, undefined))} AS text,
  ${identifier(column)} AS old FROM ${qualified(table)} WHERE ${identifier(column)} IS NOT NULL`;
  return valued({ name: column, type: to }, objects, ['old', '_partition_ts']);
}

/** A typed value as JSON: as it was sent where that was kept, otherwise as it could have been sent. */
export function asJson(value: string, type: ColumnType, originals: TableName | undefined): string {
  // As a JSON number, 9007199254740993.00 would pass through a double.
  const text = `CAST(${value} AS VARCHAR)`;
  const plain = `CASE WHEN contains(${text}, '.') THEN rtrim(rtrim(${text}, '0'), '.') ELSE ${text} END`;
  const json = type.startsWith('DECIMAL') ? `CAST(${plain} AS JSON)` : `to_json(${value})`;
  return originals ? `coalesce(k.original, ${json})` : json;
}

/** A JSON object with one field, as text. As a JSON value, DuckDB would write its numbers in another way. */
function oneFieldObject(column: string, json: string): string {
  return `${literal(`{${JSON.stringify(column)}:`)} || CAST(${json} AS VARCHAR) || '}'`;
}

function joinOriginals(originals: TableName | undefined): string {
  if (!originals) return '';
  return `LEFT JOIN ${qualified(originals)} AS k ON t._file_id = k._file_id AND t._line = k._line`;
}

function setType(table: TableName, column: string, type: ColumnType, using: string): string {
  return `ALTER TABLE ${qualified(table)} ALTER COLUMN ${identifier(column)} SET DATA TYPE ${type} USING ${using}`;
}

/**
 * Adds a field to `_rescued`.
 * @param values a query with `_file_id`, `_line` and the field's value as `original`
 */
function addToRescued(table: TableName, column: string, values: string): string {
  const name = fieldName(column);
  const others = fieldsOfPlain(`coalesce(t._rescued, '{}')`, {
    where: `field.key <> ${literal(name)}`,
    and: { name, json: 'r.original' },
  });
  return `UPDATE ${qualified(table)} AS t SET _rescued = ${others}
FROM (${values}) AS r WHERE t._file_id = r._file_id AND t._line = r._line`;
}
