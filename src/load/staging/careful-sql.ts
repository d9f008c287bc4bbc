import { fieldName, foldCase, foldCaseSql } from '../../feeds/names.ts';
import type { Limits } from '../../limits.ts';
import { identifier, literal, qualified, timestamp } from '../../warehouse/sql.ts';
import { type Column, columnValue, hasMoreDigits, takesAll } from './columns.ts';
import { unmarkedJson, unmarkedText } from './digits.ts';
import { type Reason, reasons } from './rejection.ts';
import { fieldsOf, objectOf } from './rescued.ts';
import type { StagingTable } from './table.ts';

/**
 * The statements of the careful way: each does one step for all lines of a chunk. Pure, SQL as text.
 *
 * Temporary tables carry the lines from step to step. A line is parsed as often as there are questions about it; nothing is
 * joined to its fields, which would copy it for each of them.
 */

/** Where lines are put, in the order of files and lines. */
export const LINES = { schema: 'main', table: 'careful_lines' };

/** Makes the tables that a chunk fills. */
export const BEGIN = `CREATE OR REPLACE TEMP TABLE careful_lines (file_id BIGINT, line BIGINT, length BIGINT, utf8 BIGINT, raw BLOB, odd_words BIGINT, marked BLOB);
CREATE OR REPLACE TEMP TABLE careful_rejected (file_id BIGINT, line BIGINT, reason VARCHAR, detail VARCHAR);`;

/** Without the white space that DuckDB's reader passes over at both ends of a line, and without a byte order mark. */
function trimmed(text: string): string {
  return `trim(CASE WHEN line = 1 THEN ltrim(${text}, chr(65279)) ELSE ${text} END, E' \\t\\r\\f\\v')`;
}

/**
 * Each line as text with the names of its fields; `fault` says of one that is no JSON object what it is instead. Lines with
 * numbers that DuckDB would spell otherwise are `marked`, by `line-scan.ts`.
 */
export const READ = `CREATE OR REPLACE TEMP TABLE careful_text AS
SELECT file_id, line, fault, CASE WHEN fault IS NULL THEN json_keys(text) END AS keys,
  fault IS NULL AND decoded_marked IS NOT NULL AS marked, CASE WHEN fault IS NULL AND decoded_marked IS NOT NULL THEN ${trimmed('decoded_marked')} ELSE text END AS text
FROM (
  SELECT *, CASE
      WHEN is_cut THEN ${reason('line_too_long')}
      WHEN text IS NULL THEN ${reason('invalid_utf8')}
      WHEN odd_words = 1 OR NOT json_valid(text) THEN ${reason('invalid_json')}
      WHEN NOT starts_with(text, '{') THEN ${reason('not_an_object')}
    END AS fault
  FROM (
    SELECT file_id, line, is_cut, odd_words, CASE WHEN octet_length(marked) > 0 THEN decode(marked) END AS decoded_marked,
      CASE WHEN starts_with(decoded, '{') AND ends_with(decoded, '}') THEN decoded ELSE ${trimmed('decoded')} END AS text
    FROM (SELECT *, CASE WHEN utf8 = 1 AND NOT is_cut THEN decode(raw) END AS decoded
      FROM (SELECT *, length > octet_length(raw) AS is_cut FROM careful_lines))))`;

/** Lines that DuckDB does not read, for `rejection.ts` to say why. */
export const UNREADABLE = `SELECT file_id, line, text FROM careful_text WHERE fault = ${reason('invalid_json')}`;

/** Takes what `rejection.ts` found: rows as JSON. */
export const REJECT_UNREADABLE = `INSERT INTO careful_rejected SELECT unnest(from_json($1,
  '[{"file_id":"BIGINT","line":"BIGINT","reason":"VARCHAR","detail":"VARCHAR"}]'), max_depth := 2)`;

/**
 * Most lines of a feed have the same fields: what is to be known of their names is asked once.
 *
 * A field whose name differs from a column's only in case `claims` that column, unless the line has a field of the very name:
 * then that one has it, and the other is as good as undeclared. Two that claim one column are one field twice.
 */
export function namesOf(columns: readonly Column[], limits: Limits): string {
  const fields = textList(columns.map(fieldOf));
  const folded = textList(columns.map((column) => foldCase(fieldOf(column))));
  const isOther = isNoField(columns, 'name');
  const place = `list_position(${folded}, ${foldCaseSql('name')})`;
  return `CREATE OR REPLACE TEMP TABLE careful_names AS
SELECT keys, claims, CASE
    WHEN len(keys) > ${limits.object_keys} THEN ${reason('too_many_fields')}
    WHEN list_unique(keys) < len(keys) OR list_unique(list_transform(claims, lambda claim: claim.field)) < len(claims)
      THEN ${reason('duplicate_key')}
  END AS fault, list_filter(keys, lambda name: ${isOther} AND ${claimOf('name')} IS NULL) AS undeclared
FROM (
  SELECT keys, list_filter(
      list_transform(list_filter(keys, lambda name: ${isOther} AND ${place} IS NOT NULL),
        lambda name: struct_pack(sent := name, field := list_extract(${fields}, ${place}))),
      lambda claim: NOT list_contains(keys, claim.field)) AS claims
  FROM (SELECT DISTINCT keys FROM careful_text WHERE fault IS NULL))`;
}

/** The field in whose place one of this name stands; NULL for one that stands for itself. */
function claimOf(name: string): string {
  return `CASE WHEN len(claims) > 0 THEN list_filter(claims, lambda claim: claim.sent = ${name})[1].field END`;
}

/** A line in which the fields that claim a column have that one's name. */
const RESPELLED = `'{' || array_to_string(list_transform(map_entries(from_json(text, '"MAP(VARCHAR, JSON)"')), lambda field:
  CAST(to_json(coalesce(${claimOf('field.key')}, field.key)) AS VARCHAR) || ':' || coalesce(CAST(field.value AS VARCHAR), 'null')), ',') || '}'`;

/** Rejects what is no object, and what cannot be read as one record. */
export function rejectOthers(limits: Limits): string {
  const detail = (fault: string) => {
    const said = Object.entries(reasons(limits)).map(
      ([name, text]) => `WHEN ${literal(name)} THEN ${literal(text)}`,
    );
    return `CASE ${fault} ${said.join(' ')} END`;
  };
  return `INSERT INTO careful_rejected
SELECT file_id, line, fault, ${detail('fault')} FROM careful_text WHERE fault <> ${reason('invalid_json')};
INSERT INTO careful_rejected
SELECT file_id, line, n.fault, ${detail('n.fault')}
FROM careful_text AS t JOIN careful_names AS n USING (keys) WHERE t.fault IS NULL AND n.fault IS NOT NULL`;
}

/** A column, with a condition on a row: that its value does not fit, or that some of it is cut. */
interface Condition {
  column: Column;
  index: number;
  when: string;
}

/**
 * Each good line's typed values, which of them are `misfits` (the numbers of their columns), and its `rescued`. A line whose
 * value of a key does not fit has the column's name as `key_misfit`.
 */
export function typed({ columns }: StagingTable, keyColumns: readonly string[]): string {
  const texts = columns.map((column, index) => {
    const text = `struct_extract(s, ${literal(fieldOf(column))})`;
    const own = column.type === 'JSON' ? unmarkedJson(text) : unmarkedText(text);
    return `CASE WHEN marked THEN ${own} ELSE ${text} END AS s${index}`;
  });
  const values = columns.map(
    (column, index) => `${columnValue(column, `s${index}`, jsonOf(column, `s${index}`))} AS v${index}`,
  );
  const misfits = columns.flatMap((column, index): Condition[] =>
    takesAll(column) ? [] : [{ column, index, when: `(s${index} IS NOT NULL AND v${index} IS NULL)` }],
  );
  const cut = columns.flatMap((column, index): Condition[] => {
    const when = hasMoreDigits(column, `s${index}`);
    return when ? [{ column, index, when: `(v${index} IS NOT NULL AND ${when})` }] : [];
  });
  const kept = [...misfits, ...cut];
  const names = `CASE WHEN (misfit OR cut) AND len(undeclared) + len(claims) > 0 THEN ${listWhere(kept)} ELSE []::VARCHAR[] END`;
  const keys = misfits
    .filter(({ column }) => keyColumns.includes(column.name))
    .map(({ column, when }) => `WHEN ${when} THEN ${literal(column.name)}`);
  const numbers = misfits.map(({ index, when }) => `CASE WHEN ${when} THEN '${index}' END`);
  return `CREATE OR REPLACE TEMP TABLE careful_typed AS
SELECT ${['file_id', 'line', ...columns.map((_, index) => `v${index}`)].join(', ')},
  CASE WHEN misfit THEN concat_ws(',', ${['NULL', ...numbers].join(', ')}) END AS misfits,
  ${keys.length === 0 ? 'NULL' : `CASE WHEN misfit THEN CASE ${keys.join(' ')} END END`} AS key_misfit,
  ${rescued(columns, kept)} AS rescued
FROM (
  SELECT *, ${names} AS kept, CASE WHEN (misfit OR cut) AND len(undeclared) + len(claims) = 0 THEN ${structure(kept, () => 'JSON')} END AS js
  FROM (
    SELECT *, ${anyOf(misfits)} AS misfit, ${anyOf(cut)} AS cut
    FROM (
      SELECT ${['*', ...values].join(',\n        ')}
      FROM (
        SELECT ${['file_id', 'line', 'text', 'named', 'marked', 'undeclared', 'claims', ...texts].join(',\n          ')}
        FROM (
          SELECT *, ${structure(
            columns.map((column) => ({ column })),
            ({ type }) => (type === 'JSON' ? 'JSON' : 'VARCHAR'),
          )} AS s
          FROM (
            SELECT t.*, undeclared, claims, CASE WHEN len(claims) > 0 THEN ${RESPELLED} ELSE text END AS named
            FROM careful_text AS t JOIN careful_names AS n USING (keys) WHERE t.fault IS NULL AND n.fault IS NULL))))))`;
}

/** Fields of a line, each read as some type; all in one go. */
function structure(
  columns: readonly { column: Column }[],
  as: (column: Column) => 'JSON' | 'VARCHAR',
): string {
  if (columns.length === 0) return 'NULL';
  const types = Object.fromEntries(columns.map(({ column }) => [fieldOf(column), as(column)]));
  return `json_transform(named, ${literal(JSON.stringify(types))})`;
}

/** A value as JSON; of a column that is not JSON, looked up in the line. */
function jsonOf(column: Column, text: string): string {
  if (column.type === 'JSON') return text;
  const json = `CAST(struct_extract(${structure([{ column }], () => 'JSON')}, ${literal(fieldOf(column))}) AS VARCHAR)`;
  return `CASE WHEN marked THEN ${unmarkedJson(json)} ELSE ${json} END`;
}

function fieldOf({ name }: { name: string }): string {
  return fieldName(name);
}

/** The names of the fields of those columns that meet their condition. */
function listWhere(conditions: readonly Condition[]): string {
  const names = conditions.map(
    ({ column, when }) => `CASE WHEN ${when} THEN ${literal(fieldOf(column))} END`,
  );
  return `[${names.join(', ')}]::VARCHAR[]`;
}

function anyOf(conditions: readonly Condition[]): string {
  return conditions.length === 0 ? 'false' : conditions.map(({ when }) => when).join(' OR ');
}

/**
 * The values that stay beside their columns, and fields that have no column, under the names they were sent with. Where there
 * are only the former, and those have their columns' names, they are put together from their columns (`js`); else all fields
 * of the line are looked through.
 */
function rescued(columns: readonly Column[], kept: readonly Condition[]): string {
  // A lambda copies what it refers to for each field of the line: of lists, only those that are short.
  const claimed = claimOf('field.key');
  const where = `(${isNoField(columns, 'field.key')} AND ${claimed} IS NULL)
      OR list_contains(kept, coalesce(${claimed}, field.key))`;
  const fields = kept.map(({ column, when }) => ({
    name: fieldOf(column),
    when,
    json: `struct_extract(js, ${literal(fieldOf(column))})`,
  }));
  return `CASE WHEN len(undeclared) > 0 OR len(kept) > 0 THEN ${fieldsOf('text', 'marked', { where })}
    ${fields.length === 0 ? '' : `WHEN misfit OR cut THEN ${objectOf(fields, 'marked')}`} END`;
}

/** Rejects lines whose key does not fit. The value is data: only its column and type are told. */
export function rejectKeys({ columns }: StagingTable, keyColumns: readonly string[]): string {
  const said = columns
    .filter(({ name }) => keyColumns.includes(name))
    .map(
      ({ name, type }) =>
        `WHEN ${literal(name)} THEN ${literal(`the value of ${name}, which identifies a record, is no ${type}`)}`,
    );
  return `INSERT INTO careful_rejected
SELECT file_id, line, ${reason('key_type')}, CASE key_misfit ${said.join(' ')} ELSE '' END
FROM careful_typed WHERE key_misfit IS NOT NULL`;
}

/** Puts the rows into the table. @param times of the partitions, by file */
export function insertRows(table: StagingTable, times: ReadonlyMap<number, Date>, loadedAt: Date): string {
  const names = table.columns.map(({ name }) => identifier(name));
  const targets = [...names, '_partition_ts', '_file_id', '_line', '_loaded_at', '_rescued'];
  const files = [...times].map(([id, time]) => `(${id}, ${timestamp(time)})`);
  return `INSERT INTO ${qualified(table)} (${targets.join(', ')})
SELECT ${[
    ...table.columns.map((_, index) => `v${index}`),
    'partition_ts',
    'file_id',
    'line',
    timestamp(loadedAt),
    'rescued',
  ].join(', ')}
FROM careful_typed JOIN (VALUES ${files.join(', ')}) AS files(file_id, partition_ts) USING (file_id)
WHERE key_misfit IS NULL`;
}

/** Keeps the rejected lines, byte for byte. */
export function keepRejected(now: Date): string {
  return `INSERT INTO ops.rejected_rows (file_id, line, raw, reason, detail, rejected_at)
SELECT file_id, line, raw, reason, detail, ${timestamp(now)}
FROM careful_lines JOIN careful_rejected USING (file_id, line) ORDER BY file_id, line`;
}

/** How many rows each file has got, and how many lines of it were rejected. */
export const COUNTS = `SELECT file_id, count(*) FILTER (staged) AS staged, count(*) FILTER (NOT staged) AS rejected
FROM (SELECT file_id, true AS staged FROM careful_typed WHERE key_misfit IS NULL
  UNION ALL SELECT file_id, false FROM careful_rejected)
GROUP BY file_id`;

/** Misfits of staged rows, by file and column. There are few sets of columns that do not fit together. */
export function misfits(columns: readonly Column[]): string {
  return `SELECT file_id, list_extract(${textList(columns.map(({ name }) => name))}, CAST(number AS BIGINT) + 1) AS column_name, CAST(sum(rows) AS BIGINT) AS misfits
FROM (
  SELECT file_id, rows, unnest(string_split(misfits, ',')) AS number
  FROM (SELECT file_id, misfits, count(*) AS rows FROM careful_typed
    WHERE key_misfit IS NULL AND misfits IS NOT NULL GROUP BY ALL))
GROUP BY ALL ORDER BY ALL`;
}

/** Columns of the key that rejected a line. */
export const KEY_MISFITS = `SELECT DISTINCT key_misfit AS name FROM careful_typed WHERE key_misfit IS NOT NULL ORDER BY name`;

export const UNDECLARED = `SELECT DISTINCT unnest(undeclared) AS field FROM careful_names WHERE fault IS NULL ORDER BY field`;

export const END = ['lines', 'rejected', 'text', 'names', 'typed']
  .map((name) => `DROP TABLE IF EXISTS temp.main.careful_${name};`)
  .join('\n');

/** Whether no column has a field of this name. */
function isNoField(columns: readonly Column[], name: string): string {
  const fields = columns.map((column) => literal(fieldOf(column)));
  return fields.length === 0 ? 'true' : `${name} NOT IN (${fields.join(', ')})`;
}

function textList(texts: readonly string[]): string {
  return `[${texts.map(literal).join(', ')}]::VARCHAR[]`;
}

function reason(name: Reason): string {
  return literal(name);
}
