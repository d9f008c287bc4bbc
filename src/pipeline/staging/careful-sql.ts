import { identifier, literal, qualified, timestamp } from '../../warehouse/sql.ts';
import { type Column, columnValue, hasMoreDigits, takesAll } from './columns.ts';
import { hasNoNumber, marked, mayRespell, unmarkedJson, unmarkedText } from './digits.ts';
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

/** Whitespace that DuckDB's reader passes over at both ends of a line. */
const WHITESPACE = `E' \\t\\r\\f\\v'`;

/**
 * Each line as text with the names of its fields; `fault` says of one that is no JSON object what it is instead. Numbers that
 * DuckDB would spell otherwise are `marked`.
 */
export const READ = `CREATE OR REPLACE TEMP TABLE careful_text AS
SELECT file_id, line, fault, keys, marked, CASE WHEN marked THEN ${marked('text')} ELSE text END AS text
FROM (
  SELECT *, CASE WHEN fault IS NULL THEN json_keys(text) END AS keys, fault IS NULL AND ${mayRespell('text')} AS marked
  FROM (
    SELECT *, CASE
        WHEN text IS NULL THEN ${reason('invalid_utf8')}
        WHEN NOT json_valid(text) OR ${hasNoNumber('text')} THEN ${reason('invalid_json')}
        WHEN NOT starts_with(text, '{') THEN ${reason('not_an_object')}
      END AS fault
    FROM (
      SELECT file_id, line, trim(CASE WHEN line = 1 THEN ltrim(decoded, chr(65279)) ELSE decoded END, ${WHITESPACE}) AS text
      FROM (SELECT file_id, line, CASE WHEN utf8 = 1 THEN decode(raw) END AS decoded FROM careful_lines))))`;

/** Lines that DuckDB does not read, for `rejection.ts` to say why. */
export const UNREADABLE = `SELECT file_id, line, text FROM careful_text WHERE fault = ${reason('invalid_json')}`;

/** Takes what `rejection.ts` found: rows as JSON. */
export const REJECT_UNREADABLE = `INSERT INTO careful_rejected SELECT unnest(from_json($1,
  '[{"file_id":"BIGINT","line":"BIGINT","reason":"VARCHAR","detail":"VARCHAR"}]'), max_depth := 2)`;

/** Most lines of a feed have the same fields: what is to be known of their names is asked once. */
export function namesOf(columns: readonly Column[]): string {
  return `CREATE OR REPLACE TEMP TABLE careful_names AS
SELECT keys, list_unique(keys) < len(keys) AS repeats,
  list_filter(keys, lambda name: NOT list_contains(${textList(columns)}, name)) AS undeclared
FROM (SELECT DISTINCT keys FROM careful_text WHERE fault IS NULL)`;
}

/** Rejects what is no object, and what has a field twice. */
export const REJECT_OTHERS = `INSERT INTO careful_rejected
SELECT file_id, line, fault, ${details('fault')} FROM careful_text WHERE fault <> ${reason('invalid_json')};
INSERT INTO careful_rejected
SELECT file_id, line, ${reason('duplicate_key')}, ${literal(REASONS.duplicate_key)}
FROM careful_text JOIN careful_names USING (keys) WHERE fault IS NULL AND repeats`;

/**
 * Each good line's typed values, the names of its `misfits`, and its `rescued`. A line whose value of a key does not fit has
 * the column's name as `key_misfit`.
 */
export function typed({ columns }: StagingTable, keyColumns: readonly string[]): string {
  const structure = Object.fromEntries(
    columns.map(({ name, type }) => [name, type === 'JSON' ? 'JSON' : 'VARCHAR']),
  );
  const read = columns.length === 0 ? 'NULL' : `json_transform(text, ${literal(JSON.stringify(structure))})`;
  const texts = columns.map(({ name, type }, index) => {
    const text = `struct_extract(s, ${literal(name)})`;
    const own = type === 'JSON' ? unmarkedJson(text) : unmarkedText(text);
    return `, CASE WHEN marked THEN ${own} ELSE ${text} END AS s${index}`;
  });
  const values = columns.map(
    (column, index) => `, ${columnValue(column, `s${index}`, jsonOf(column, `s${index}`))} AS v${index}`,
  );
  const misfits = columns.flatMap((column, index) =>
    takesAll(column) ? [] : [{ column, when: `(s${index} IS NOT NULL AND v${index} IS NULL)` }],
  );
  const cut = columns.flatMap((column, index) => {
    const when = hasMoreDigits(column, `s${index}`);
    return when ? [{ column, when: `(v${index} IS NOT NULL AND ${when})` }] : [];
  });
  const kept = Object.fromEntries([...misfits, ...cut].map(({ column }) => [column.name, 'JSON']));
  const asJson =
    misfits.length === 0
      ? 'NULL'
      : `CASE WHEN len(misfits) + len(cut) > 0 AND len(undeclared) = 0
      THEN json_transform(text, ${literal(JSON.stringify(kept))}) END`;
  const numbered = columns.map((_, index) => `v${index}, `).join('');
  return `CREATE OR REPLACE TEMP TABLE careful_typed AS
SELECT file_id, line, ${numbered}misfits, ${rescued(columns, [...misfits, ...cut])} AS rescued,
  list_filter(misfits, lambda name: list_contains(${textList(keyColumns.map((name) => ({ name })))}, name))[1] AS key_misfit
FROM (
  SELECT *, ${asJson} AS js
  FROM (SELECT *, ${namesWhere(misfits)} AS misfits, ${namesWhere(cut)} AS cut
  FROM (
    SELECT *${values.join('\n      ')}
    FROM (
      SELECT file_id, line, text, marked, undeclared${texts.join('\n        ')}
      FROM (SELECT t.*, undeclared, ${read} AS s FROM careful_text AS t JOIN careful_names USING (keys)
        WHERE fault IS NULL AND NOT repeats)))))`;
}

/** A value as JSON; of a column that is not JSON, looked up in the line. */
function jsonOf({ name, type }: Column, text: string): string {
  if (type === 'JSON') return text;
  return `struct_extract(json_transform(text, ${literal(JSON.stringify({ [name]: 'JSON' }))}), ${literal(name)})`;
}

function namesWhere(conditions: readonly Kept[]): string {
  if (conditions.length === 0) return '[]::VARCHAR[]';
  const names = conditions.map(({ column, when }) => `CASE WHEN ${when} THEN ${literal(column.name)} END`);
  return `CASE WHEN ${conditions.map(({ when }) => when).join(' OR ')}
    THEN list_filter([${names.join(', ')}], lambda name: name IS NOT NULL) ELSE []::VARCHAR[] END`;
}

/** A column, with the condition on a row that its value stays in `_rescued`. */
interface Kept {
  column: Column;
  when: string;
}

/** The values of columns that stay, and fields that have no column; `js` are the values of the columns as JSON. */
function rescued(columns: readonly Column[], kept: readonly Kept[]): string {
  const fields = kept.map(({ column: { name }, when }) => ({
    ...{ name, when },
    json: `struct_extract(js, ${literal(name)})`,
  }));
  // Whichever list is the shorter: of a line with a hundred thousand fields, hardly any has a column.
  const undeclared = `CASE WHEN len(undeclared) < ${columns.length + 10} THEN list_contains(undeclared, field.key)
      ELSE NOT list_contains(${textList(columns)}, field.key) END`;
  const where = `${undeclared} OR list_contains(misfits, field.key) OR list_contains(cut, field.key)`;
  return `CASE WHEN len(undeclared) > 0 THEN ${fieldsOf('text', 'marked', { where })}
    ${fields.length === 0 ? '' : `WHEN len(misfits) + len(cut) > 0 THEN ${objectOf(fields, 'marked')}`} END`;
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

/** Misfits of staged rows, by file and column. */
export const MISFITS = `SELECT file_id, name AS column_name, count(*) AS misfits
FROM (SELECT file_id, unnest(misfits) AS name FROM careful_typed WHERE key_misfit IS NULL AND len(misfits) > 0)
GROUP BY ALL ORDER BY ALL`;

export const UNDECLARED = `SELECT DISTINCT unnest(undeclared) AS field FROM careful_names WHERE NOT repeats ORDER BY field`;

export const END = ['lines', 'rejected', 'text', 'names', 'typed']
  .map((name) => `DROP TABLE IF EXISTS temp.main.careful_${name};`)
  .join('\n');

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
