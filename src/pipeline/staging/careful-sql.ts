import { identifier, literal, qualified, timestamp } from '../../warehouse/sql.ts';
import { type Column, columnValue, hasMoreDigits, takesAll } from './columns.ts';
import { hasNoNumber, isSuspicious, marked, mayRespell, unmarkedJson, unmarkedText } from './digits.ts';
import { REASONS, type Reason } from './rejection.ts';
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
export const BEGIN = `CREATE OR REPLACE TEMP TABLE careful_lines (file_id BIGINT, line BIGINT, utf8 BIGINT, raw BLOB);
CREATE OR REPLACE TEMP TABLE careful_rejected (file_id BIGINT, line BIGINT, reason VARCHAR, detail VARCHAR);`;

/** Without the white space that DuckDB's reader passes over at both ends of a line, and without a byte order mark. */
const trimmed = `trim(CASE WHEN line = 1 THEN ltrim(decoded, chr(65279)) ELSE decoded END, E' \\t\\r\\f\\v')`;

/**
 * Each line as text with the names of its fields; `fault` says of one that is no JSON object what it is instead. Numbers that
 * DuckDB would spell otherwise are `marked`.
 */
export const READ = `CREATE OR REPLACE TEMP TABLE careful_text AS
SELECT file_id, line, fault, keys, marked, CASE WHEN marked THEN ${marked('text')} ELSE text END AS text
FROM (
  SELECT *, CASE WHEN fault IS NULL THEN json_keys(text) END AS keys,
    CASE WHEN fault IS NULL AND suspicious THEN ${mayRespell('text')} ELSE false END AS marked
  FROM (
    SELECT *, CASE
        WHEN text IS NULL THEN ${reason('invalid_utf8')}
        WHEN NOT json_valid(text) THEN ${reason('invalid_json')}
        WHEN NOT starts_with(text, '{') THEN ${reason('not_an_object')}
        WHEN suspicious THEN CASE WHEN ${hasNoNumber('text')} THEN ${reason('invalid_json')} END
      END AS fault
    FROM (
      SELECT *, ${isSuspicious('text')} AS suspicious
      FROM (
        SELECT file_id, line, CASE WHEN starts_with(decoded, '{') AND ends_with(decoded, '}') THEN decoded ELSE ${trimmed} END AS text
        FROM (SELECT file_id, line, CASE WHEN utf8 = 1 THEN decode(raw) END AS decoded FROM careful_lines)))))`;

/** Lines that DuckDB does not read, for `rejection.ts` to say why. */
export const UNREADABLE = `SELECT file_id, line, text FROM careful_text WHERE fault = ${reason('invalid_json')}`;

/** Takes what `rejection.ts` found: rows as JSON. */
export const REJECT_UNREADABLE = `INSERT INTO careful_rejected SELECT unnest(from_json($1,
  '[{"file_id":"BIGINT","line":"BIGINT","reason":"VARCHAR","detail":"VARCHAR"}]'), max_depth := 2)`;

/** Most lines of a feed have the same fields: what is to be known of their names is asked once. */
export function namesOf(columns: readonly Column[]): string {
  return `CREATE OR REPLACE TEMP TABLE careful_names AS
SELECT keys, list_unique(keys) < len(keys) AS repeats,
  list_filter(keys, lambda name: ${isUndeclared(columns, 'name')}) AS undeclared
FROM (SELECT DISTINCT keys FROM careful_text WHERE fault IS NULL)`;
}

/** Rejects what is no object, and what has a field twice. */
export const REJECT_OTHERS = `INSERT INTO careful_rejected
SELECT file_id, line, fault, ${details('fault')} FROM careful_text WHERE fault <> ${reason('invalid_json')};
INSERT INTO careful_rejected
SELECT file_id, line, ${reason('duplicate_key')}, ${literal(REASONS.duplicate_key)}
FROM careful_text JOIN careful_names USING (keys) WHERE fault IS NULL AND repeats`;

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
  const texts = columns.map(({ name, type }, index) => {
    const text = `struct_extract(s, ${literal(name)})`;
    const own = type === 'JSON' ? unmarkedJson(text) : unmarkedText(text);
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
  const names = `CASE WHEN (misfit OR cut) AND len(undeclared) > 0 THEN ${listWhere(kept)} ELSE []::VARCHAR[] END`;
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
  SELECT *, ${names} AS kept, CASE WHEN (misfit OR cut) AND len(undeclared) = 0 THEN ${structure(kept, () => 'JSON')} END AS js
  FROM (
    SELECT *, ${anyOf(misfits)} AS misfit, ${anyOf(cut)} AS cut
    FROM (
      SELECT ${['*', ...values].join(',\n        ')}
      FROM (
        SELECT ${['file_id', 'line', 'text', 'marked', 'undeclared', ...texts].join(',\n          ')}
        FROM (
          SELECT t.*, undeclared, ${structure(
            columns.map((column) => ({ column })),
            ({ type }) => (type === 'JSON' ? 'JSON' : 'VARCHAR'),
          )} AS s
          FROM careful_text AS t JOIN careful_names USING (keys) WHERE fault IS NULL AND NOT repeats)))))`;
}

/** Fields of a line, each read as some type; all in one go. */
function structure(
  columns: readonly { column: Column }[],
  as: (column: Column) => 'JSON' | 'VARCHAR',
): string {
  if (columns.length === 0) return 'NULL';
  const types = Object.fromEntries(columns.map(({ column }) => [column.name, as(column)]));
  return `json_transform(text, ${literal(JSON.stringify(types))})`;
}

/** A value as JSON; of a column that is not JSON, looked up in the line. */
function jsonOf(column: Column, text: string): string {
  if (column.type === 'JSON') return text;
  const json = `CAST(struct_extract(${structure([{ column }], () => 'JSON')}, ${literal(column.name)}) AS VARCHAR)`;
  return `CASE WHEN marked THEN ${unmarkedJson(json)} ELSE ${json} END`;
}

function listWhere(conditions: readonly Condition[]): string {
  const names = conditions.map(({ column, when }) => `CASE WHEN ${when} THEN ${literal(column.name)} END`);
  return `[${names.join(', ')}]::VARCHAR[]`;
}

function anyOf(conditions: readonly Condition[]): string {
  return conditions.length === 0 ? 'false' : conditions.map(({ when }) => when).join(' OR ');
}

/**
 * The values that stay beside their columns, and fields that have no column. Where there are only the former, they are put
 * together from their columns (`js`); else all fields of the line are looked through.
 */
function rescued(columns: readonly Column[], kept: readonly Condition[]): string {
  // A lambda copies what it refers to for each field of the line: of lists, only those that are short.
  const where = `${isUndeclared(columns, 'field.key')} OR list_contains(kept, field.key)`;
  const fields = kept.map(({ column: { name }, when }) => ({
    ...{ name, when },
    json: `struct_extract(js, ${literal(name)})`,
  }));
  return `CASE WHEN len(undeclared) > 0 THEN ${fieldsOf('text', 'marked', { where })}
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
    ...['partition_ts', 'file_id', 'line', timestamp(loadedAt), 'rescued'],
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
  return `SELECT file_id, list_extract(${textList(columns)}, CAST(number AS BIGINT) + 1) AS column_name, CAST(sum(rows) AS BIGINT) AS misfits
FROM (
  SELECT file_id, rows, unnest(string_split(misfits, ',')) AS number
  FROM (SELECT file_id, misfits, count(*) AS rows FROM careful_typed
    WHERE key_misfit IS NULL AND misfits IS NOT NULL GROUP BY ALL))
GROUP BY ALL ORDER BY ALL`;
}

/** Columns of the key that rejected a line. */
export const KEY_MISFITS = `SELECT DISTINCT key_misfit AS name FROM careful_typed WHERE key_misfit IS NOT NULL ORDER BY name`;

export const UNDECLARED = `SELECT DISTINCT unnest(undeclared) AS field FROM careful_names WHERE NOT repeats ORDER BY field`;

export const END = ['lines', 'rejected', 'text', 'names', 'typed']
  .map((name) => `DROP TABLE IF EXISTS temp.main.careful_${name};`)
  .join('\n');

function isUndeclared(columns: readonly { name: string }[], name: string): string {
  return columns.length === 0
    ? 'true'
    : `${name} NOT IN (${columns.map((column) => literal(column.name)).join(', ')})`;
}

function textList(columns: readonly { name: string }[]): string {
  return `[${columns.map(({ name }) => literal(name)).join(', ')}]::VARCHAR[]`;
}

function reason(name: Reason): string {
  return literal(name);
}

function details(column: string): string {
  const said = Object.entries(REASONS).map(
    ([name, detail]) => `WHEN ${literal(name)} THEN ${literal(detail)}`,
  );
  return `CASE ${column} ${said.join(' ')} END`;
}
