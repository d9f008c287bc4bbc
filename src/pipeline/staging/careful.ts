import type { Session, Value } from '../../warehouse/session.ts';
import { identifier, literal, qualified, timestamp } from '../../warehouse/sql.ts';
import type { Line } from '../lines.ts';
import { carefulColumn } from './columns.ts';
import { type Rejection, rejectionOf } from './rejection.ts';
import type { StagingTable } from './table.ts';

/**
 * The careful way to stage: one file, line by line. It takes any file: broken lines are rejected whole, values that do not
 * fit and fields that have no column are rescued, the rest is staged as the fast way would.
 */

/** Values that do not fit a column that must hold them all. The column is to be widened, and the file read again. */
export class ColumnTooNarrow extends Error {
  readonly columns: readonly string[];

  constructor(columns: readonly string[], path: string) {
    super(`values of ${columns.join(', ')} do not fit, in ${path}`);
    this.columns = columns;
  }
}

/** Lines of one file, with where they came from. */
export interface FileLines {
  fileId: number;
  path: string;
  /** Of the partition. */
  time: Date;
  /** Those that are not blank, in order. */
  lines: AsyncIterable<Line> | Iterable<Line>;
}

export interface CarefulResult {
  lines: number;
  staged: number;
  rejected: number;
  /** Fields that came without a column. */
  undeclared: string[];
}

const LINES = { schema: 'main', table: 'careful_lines' };

/**
 * Inserts the rows of a file's lines, and those lines that are rejected. Runs inside the caller's transaction.
 * @param mustFit columns whose values may not be rescued
 * @throws ColumnTooNarrow
 */
export async function insertCareful(
  session: Session,
  table: StagingTable,
  file: FileLines,
  mustFit: readonly string[],
  loadedAt: Date,
): Promise<CarefulResult> {
  const lines = await readInto(session, file);
  await session.run(CLASSIFY);
  const rejected = await rejectLines(session, file, loadedAt);
  await session.run(typedLines(table));
  await checkFit(session, file, mustFit);
  await session.run(rescuedLines(table));

  const names = table.columns.map(({ name }) => identifier(name));
  const targets = [...names, '_partition_ts', '_file_id', '_line', '_loaded_at', '_rescued'];
  await session.run(`INSERT INTO ${qualified(table)} (${targets.join(', ')})
SELECT ${[
    ...table.columns.map((_, index) => `v${index}`),
    timestamp(file.time),
    file.fileId,
    'line',
    timestamp(loadedAt),
    'rescued',
  ].join(', ')} FROM careful_typed LEFT JOIN careful_rescued USING (line) ORDER BY line`);
  const { staged } = await session.row<{ staged: number }>('SELECT count(*) AS staged FROM careful_typed');
  const undeclared = await session.rows<{ field: string }>(
    `SELECT DISTINCT field FROM (SELECT unnest(undeclared) AS field FROM careful_typed) ORDER BY field`,
  );
  for (const name of ['careful_lines', 'careful_text', 'careful_typed', 'careful_rescued']) {
    await session.run(`DROP TABLE IF EXISTS temp.main.${name}`);
  }
  return { lines, staged, rejected, undeclared: undeclared.map(({ field }) => field) };
}

/** @returns how many lines are not blank */
async function readInto(session: Session, file: FileLines): Promise<number> {
  await session.run('CREATE OR REPLACE TEMP TABLE careful_lines (line BIGINT, utf8 BIGINT, raw BLOB)');
  let count = 0;
  await session.append(LINES, async (row) => {
    for await (const line of file.lines) {
      row.bigint(line.number);
      row.bigint(line.utf8 ? 1 : 0);
      row.blob(line.bytes);
      row.endRow();
      count += 1;
    }
  });
  return count;
}

/** Whitespace that DuckDB's reader passes over at both ends of a line. */
const WHITESPACE = `E' \\t\\r\\f\\v'`;

/** Each line as text, with the reason that it cannot be staged for; NULL when it can. */
const CLASSIFY = `CREATE OR REPLACE TEMP TABLE careful_text AS
SELECT line, text, CASE
    WHEN text IS NULL THEN 'invalid_utf8'
    WHEN NOT json_valid(text) THEN 'invalid_json'
    WHEN json_type(text) <> 'OBJECT' THEN 'not_an_object'
    WHEN len(json_keys(text)) <> len(list_distinct(json_keys(text))) THEN 'duplicate_key'
  END AS reason
FROM (
  SELECT line, trim(CASE WHEN line = 1 THEN ltrim(decoded, chr(65279)) ELSE decoded END, ${WHITESPACE}) AS text
  FROM (SELECT line, CASE WHEN utf8 = 1 THEN decode(raw) END AS decoded FROM careful_lines))`;

/** How many broken lines are looked at in one go. */
const CHUNK = 1000;

async function rejectLines(session: Session, file: FileLines, now: Date): Promise<number> {
  let after = 0;
  let count = 0;
  for (;;) {
    const broken = await session.rows<{ line: number; text: string | null; reason: Rejection['reason'] }>(
      `SELECT line, text, reason FROM careful_text WHERE reason IS NOT NULL AND line > $1 ORDER BY line LIMIT ${CHUNK}`,
      [after],
    );
    const last = broken.at(-1);
    if (last === undefined) return count;
    for (const { line, text, reason } of broken) {
      const rejection = rejectionOf(reason, text ?? '');
      const values: Value[] = [file.fileId, rejection.reason, rejection.detail, now, line];
      await session.run(
        `INSERT INTO ops.rejected_rows (file_id, line, raw, reason, detail, rejected_at)
         SELECT $1, line, raw, $2, $3, $4 FROM careful_lines WHERE line = $5`,
        values,
      );
    }
    after = last.line;
    count += broken.length;
  }
}

/** Each good line's typed values, the names of those that do not fit, and the fields that have no column. */
function typedLines({ columns }: StagingTable): string {
  const rules = columns.map(carefulColumn);
  const structure = (type: (index: number) => string) =>
    literal(JSON.stringify(Object.fromEntries(columns.map(({ name }, index) => [name, type(index)]))));
  const field = (struct: string, name: string) => `struct_extract(${struct}, ${literal(name)})`;
  const values = columns.map(({ name }, index) => {
    const rule = rules[index] as (typeof rules)[number];
    return `${rule.value(field('j', name), field('s', name), 'text')} AS v${index}`;
  });
  const misfits = columns.map(
    ({ name }, index) =>
      `CASE WHEN ${field('j', name)} IS NOT NULL AND v${index} IS NULL THEN ${literal(name)} END`,
  );
  const declared = `[${columns.map(({ name }) => literal(name)).join(', ')}]::VARCHAR[]`;
  const parsed =
    columns.length === 0
      ? 'NULL AS j, NULL AS s'
      : `json_transform(text, ${structure(() => 'JSON')}) AS j,
    json_transform(text, ${structure((index) => rules[index]?.readAs ?? 'VARCHAR')}) AS s`;
  return `CREATE OR REPLACE TEMP TABLE careful_typed AS
SELECT * EXCLUDE (j, s), list_filter([${misfits.join(', ')}]::VARCHAR[], lambda x: x IS NOT NULL) AS misfits,
  list_filter(json_keys(text), lambda k: NOT list_contains(${declared}, k)) AS undeclared
FROM (SELECT line, text, j, s${values.map((value) => `, ${value}`).join('')}
  FROM (SELECT line, text, ${parsed} FROM careful_text WHERE reason IS NULL))`;
}

async function checkFit(session: Session, file: FileLines, mustFit: readonly string[]): Promise<void> {
  if (mustFit.length === 0) return;
  const misfits = await session.rows<{ name: string }>(
    'SELECT DISTINCT name FROM (SELECT unnest(misfits) AS name FROM careful_typed) ORDER BY name',
  );
  const narrow = misfits.map(({ name }) => name).filter((name) => mustFit.includes(name));
  if (narrow.length > 0) throw new ColumnTooNarrow(narrow, file.path);
}

/** `_rescued` of the lines that have one: its fields in the order of their names, so that it is the same each time. */
function rescuedLines(_table: StagingTable): string {
  return `CREATE OR REPLACE TEMP TABLE careful_rescued AS
SELECT line, CAST('{' || string_agg(CAST(to_json(field.key) AS VARCHAR) || ':' || CAST(field.value AS VARCHAR), ','
  ORDER BY field.key) || '}' AS JSON) AS rescued
FROM (SELECT line, text, misfits, undeclared FROM careful_typed WHERE len(misfits) + len(undeclared) > 0) AS typed,
  json_each(typed.text) AS field
WHERE (list_contains(typed.undeclared, field.key) AND field.type <> 'NULL') OR list_contains(typed.misfits, field.key)
GROUP BY line`;
}
