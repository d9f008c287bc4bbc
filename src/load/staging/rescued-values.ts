import { fieldName, foldCase, foldCaseSql } from '../../feeds/names.ts';
import { identifier, literal, qualified, type TableName } from '../../warehouse/sql.ts';
import { type Column, columnValue } from './columns.ts';
import { marked, mayRespell, unmarkedJson, unmarkedText } from './digits.ts';
import { fieldsOfPlain } from './rescued.ts';

/**
 * The statements that move values between a column and `_rescued`, in every row already staged. Pure, SQL as text.
 *
 * What fits a column is what staging says (`columns.ts`), so that a row staged before a change ends as
 * one staged after it. A row is found again by its file and line.
 *
 * DuckDB refuses to commit a table that was updated before it was altered: of the statements of one table, those that
 * read come first, then those that alter it, and last those that update it.
 */
export interface Moves {
  /** They read the table as it was, and keep what is needed. */
  read: string[];
  alter: string[];
  update: string[];
}

/** A condition on rows whose `_rescued` has a field for this column. */
export function isRescued(column: string): string {
  return `_rescued IS NOT NULL AND ${spelled(column)} IS NOT NULL`;
}

/**
 * The name of the field in `_rescued` that is for this column: its own, else the one that differs in nothing but case; NULL where
 * there is none, or several.
 */
function spelled(column: string): string {
  const field = fieldName(column);
  const alike = `list_filter(json_keys(_rescued), lambda name: ${foldCaseSql('name')} = ${literal(foldCase(field))})`;
  return `CASE WHEN list_contains(json_keys(_rescued), ${literal(field)}) THEN ${literal(field)}
    WHEN len(${alike}) = 1 THEN ${alike}[1] END`;
}

/**
 * The value that staging gives a column, from one field of a JSON object.
 * @param from a query with `_file_id`, `_line` and the object as `text`, and what else it carries along as `extra`
 * @returns a query with `_file_id`, `_line`, `original` (the field as JSON), `value` (NULL where it does not fit) and `extra`
 */
export function valued(column: Column, from: string, extra: readonly string[] = []): string {
  const name = literal(column.name);
  const carried = extra.map((other) => `, ${other}`).join('');
  const read = (as: string, unmarked: (value: string) => string) => {
    const structure = literal(JSON.stringify({ [column.name]: as }));
    const value = `struct_extract(json_transform(text, ${structure}), ${name})`;
    return `CASE WHEN marked THEN ${unmarked(value)} ELSE ${value} END`;
  };
  return `SELECT _file_id, _line, j AS original, ${columnValue(column, 's', 'j')} AS value${carried}
FROM (SELECT *, ${read('JSON', unmarkedJson)} AS j, ${read('VARCHAR', unmarkedText)} AS s
  FROM (SELECT * REPLACE (CASE WHEN marked THEN ${marked('text')} ELSE text END AS text)
    FROM (SELECT *, ${mayRespell('text')} AS marked FROM (${from}))))`;
}

/**
 * The rescued values of a column's field, each as an object of that one field, with the name it was `spelled` with.
 * @param condition on a row in which the field was spelled in another case than its own
 */
function rescuedOf(table: TableName, column: Column, condition = 'true'): string {
  const field = fieldName(column.name);
  const alone = `CAST(${fieldsOfPlain('_rescued', { where: 'field.key = spelled' })} AS VARCHAR)`;
  const value = `substr(${alone}, len(CAST(to_json(spelled) AS VARCHAR)) + 3)`;
  return `SELECT _file_id, _line, spelled, ${literal(`{${JSON.stringify(column.name)}:`)} || ${value} AS text
FROM (SELECT *, ${spelled(column.name)} AS spelled FROM ${qualified(table)} WHERE _rescued IS NOT NULL)
WHERE spelled = ${literal(field)} OR (spelled IS NOT NULL AND ${condition})`;
}

/** A query for how many values of a field are rescued, and how many of those a column would not take (`unfit`). */
export function rescuedValues(table: TableName, column: Column): string {
  return `SELECT count(*) AS rescued, count(*) FILTER (value IS NULL) AS unfit FROM (${valued(column, rescuedOf(table, column))})`;
}

/**
 * Moves the rescued values of a column that fit it into the column.
 * @param changeId names the temporary table
 * @param keep where the values are kept as they came, to undo it
 */
export function unrescue(
  table: TableName,
  column: Column,
  changeId: number,
  keep: TableName | undefined,
): Moves {
  const name = identifier(column.name);
  const moved = `moved_${changeId}`;
  // A field in another case takes no value's place.
  const from = rescuedOf(table, column, `${name} IS NULL`);
  return {
    read: [],
    alter: [],
    update: [
      `CREATE OR REPLACE TEMP TABLE ${moved} AS
SELECT _file_id, _line, original, value, spelled FROM (${valued(column, from, ['spelled'])}) WHERE value IS NOT NULL`,
      ...(keep
        ? [
            `CREATE TABLE IF NOT EXISTS ${qualified(keep)} (_file_id BIGINT, _line BIGINT, original JSON)`,
            `INSERT INTO ${qualified(keep)} SELECT _file_id, _line, original FROM ${moved}`,
          ]
        : []),
      `UPDATE ${qualified(table)} AS t SET ${name} = m.value, _rescued = ${without('t._rescued', 'm.spelled')}
FROM ${moved} AS m WHERE t._file_id = m._file_id AND t._line = m._line`,
      `DROP TABLE ${moved}`,
    ],
  };
}

/** `_rescued` without one field, whose name is given as SQL: NULL when nothing else is in it. */
function without(rescued: string, field: string): string {
  return fieldsOfPlain(rescued, { where: `field.key <> ${field}` });
}
