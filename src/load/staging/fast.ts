import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fieldName } from '../../feeds/names.ts';
import type { Session } from '../../warehouse/session.ts';
import { fileList, identifier, qualified, timestamp } from '../../warehouse/sql.ts';
import type { LandedFile } from '../file.ts';
import type { FitRules } from './careful.ts';
import { type Column, takesAll } from './columns.ts';
import { mayBeRespelled } from './digits.ts';
import { type FastColumn, fastColumn, type Modes, rescuingColumn } from './fast-columns.ts';
import { objectOf } from './rescued.ts';
import type { StagingTable } from './table.ts';

/**
 * The fast way to stage: DuckDB reads whole files, in parallel, into typed columns. It takes clean files only, and says
 * why when one is not.
 *
 * DuckDB's reader complains about a field it has no column for only when it has inferred the columns itself. So it is
 * given a first file of one line, our own, from which it infers exactly the columns and types that we want, and whose
 * row is left out. That makes the check for undeclared fields free; asking each line for its keys costs 0.45 of the
 * whole load.
 */

/** What the fast way assumes of the files; a refusal says which assumption did not hold. */
export interface Assumptions extends Modes {
  /** Fields known to come without a column of their own: read as JSON into `_rescued`. */
  undeclared: readonly string[];
  /** Columns known to come with values that do not fit: read as JSON, so that those can be rescued. */
  misfits: ReadonlySet<string>;
}

/** Why files were not staged the fast way. Nothing is lost by it: they are read another way. */
export class Refusal extends Error {
  readonly reason: keyof Modes | 'undeclared' | 'misfit' | 'respelled' | 'doubtful';
  /** The file to blame; undefined when it cannot be told. */
  readonly file: LandedFile | undefined;
  /** Of a misfit. */
  readonly column: string | undefined;

  constructor(
    reason: Refusal['reason'],
    file: LandedFile | undefined,
    { cause, column }: { cause?: unknown; column?: string } = {},
  ) {
    super(`${reason}: ${file?.path ?? 'some file'}`, { cause });
    this.reason = reason;
    this.file = file;
    this.column = column;
  }
}

/** DuckDB's name for the position of a file in the list it reads. */
const FILE_INDEX = 'file_index';

/** Whether the fast way can read these columns at all: not when a field has the name of the reader's own, or none. */
export function canReadFast(columns: readonly { name: string }[]): boolean {
  const reserved: readonly string[] = [FILE_INDEX, 'filename', ''];
  const fields = columns.map(({ name }) => fieldName(name));
  return !fields.some((field) => reserved.includes(field.toLowerCase()) || field.includes('\0'));
}

export interface FastOptions {
  /** Which columns may have no misfit here. */
  rules: FitRules;
  /** Files whose numbers DuckDB gives as they were sent: `exact-file.ts`. */
  exact: ReadonlySet<LandedFile>;
  loadedAt: Date;
  /** Where the file of one line goes while it is needed. */
  folder: string;
  /** Whether `_line` is filled at once: only one thread reads then. Else it is NULL, see `ledger/numbering.ts`. */
  numbered: boolean;
}

/**
 * Inserts all rows of the files, in order. Runs inside the caller's transaction, which is to be
 * rolled back when this throws.
 * @throws Refusal
 */
export async function insertFast(
  session: Session,
  table: StagingTable,
  files: readonly LandedFile[],
  assumptions: Assumptions,
  { rules, exact, loadedAt, folder, numbered }: FastOptions,
): Promise<void> {
  const firm = new Set([...rules.keyColumns, ...rules.mustFit]);
  const mayRescue = (column: Column) => !takesAll(column) && !column.strict && !firm.has(column.name);
  const columns = table.columns.map((column, index) => {
    const names = { field: `x${index}`, value: `v${index}` };
    return assumptions.misfits.has(column.name) && mayRescue(column)
      ? rescuingColumn(column, names)
      : fastColumn(column, names, assumptions);
  });
  const undeclared = assumptions.undeclared.map((name, index) => ({ name, field: `u${index}` }));
  const samples = [
    ...columns.map(({ column, sample }) => [fieldName(column.name), sample] as const),
    ...undeclared.map(({ name }) => [name, null] as const),
  ];
  const sampleFile = join(folder, `columns-${process.pid}.jsonl`);
  await writeFile(sampleFile, `${JSON.stringify(Object.fromEntries(samples))}\n`);

  const targets = [
    ...table.columns.map(({ name }) => name),
    '_partition_ts',
    '_file_id',
    '_loaded_at',
    '_rescued',
    ...(numbered ? ['_line'] : []),
  ];
  const perFile = (values: string[]) => `list_extract([${values.join(', ')}], file)`;
  const fields = [
    ...columns.map(({ column, field }) => `${identifier(fieldName(column.name))} AS ${field}`),
    ...undeclared.map(({ name, field }) => `${identifier(name)} AS ${field}`),
    `CAST(${FILE_INDEX} AS BIGINT) AS file`,
  ];
  const inexact = files.flatMap((file, index) => (exact.has(file) ? [] : [index + 1]));
  const sql = `INSERT INTO ${qualified(table)} (${targets.map(identifier).join(', ')})
SELECT ${[
    ...columns.map(({ value }) => value),
    perFile(files.map(({ partition }) => timestamp(partition.time))),
    perFile(files.map(({ fileId }) => String(fileId))),
    timestamp(loadedAt),
    `CASE WHEN refused IS NOT NULL THEN error('refused:' || refused || ':' || file) ${rescued(columns, undeclared)} END`,
    ...(numbered ? [`row_number() OVER () - ${perFile(linesBefore(files).map(String))}`] : []),
  ].join(', ')}
FROM (SELECT *, ${refusedFor(columns, undeclared, {
    mayRescue,
    inexact: inexact.length === files.length ? 'all' : inexact,
  })} AS refused
FROM (SELECT ${['*', ...columns.map(({ expression, value }) => `${expression} AS ${value}`)].join(', ')}
FROM (SELECT ${fields.join(', ')}
FROM read_json(${fileList([sampleFile, ...files.map(({ text }) => text)])}, format = 'newline_delimited',
  records = true, hive_partitioning = false, sample_size = 1, maximum_sample_files = 1, map_inference_threshold = -1)
WHERE ${FILE_INDEX} > 0)))`;
  try {
    await session.run(sql);
  } catch (error) {
    throw refusal(error as Error, files, table.columns);
  } finally {
    await rm(sampleFile, { force: true });
  }
}

/** Of each file, how many lines the files before it have. */
function linesBefore(files: readonly LandedFile[]): number[] {
  let sum = 0;
  return files.map(({ lines }) => {
    sum += lines;
    return sum - lines;
  });
}

/** A field without a column: its name in the feed and in SQL. */
interface UndeclaredField {
  name: string;
  field: string;
}

/**
 * Why this way cannot decide a row, which then stops the statement; NULL where it can.
 * @param mayRescue whether a column's misfits could be rescued, were it known that it has some
 * @param inexact the indexes of files whose numbers may not be as they were sent
 */
function refusedFor(
  columns: readonly FastColumn[],
  undeclared: readonly UndeclaredField[],
  { mayRescue, inexact }: { mayRescue: (column: Column) => boolean; inexact: 'all' | readonly number[] },
): string {
  const modes = new Map<keyof Modes, string[]>();
  // A line that is `null` reads as a row without a value, which an empty object does too.
  const nothing = [...columns, ...undeclared].map(({ field }) => `${field} IS NULL`).join(' AND ');
  const doubts = [`(${nothing || 'true'})`];
  const misfits: string[] = [];
  for (const [index, { column, doubtful, mode }] of columns.entries()) {
    if (!doubtful) continue;
    if (mode) modes.set(mode, [...(modes.get(mode) ?? []), doubtful]);
    else if (mayRescue(column)) misfits.push(`WHEN ${doubtful} THEN 'misfit:${index}'`);
    else doubts.push(doubtful);
  }
  const respelled = [
    ...columns.flatMap((column) => column.respelled ?? []),
    ...undeclared.map(({ field }) => mayBeRespelled(field)),
  ];
  const mayBeInexact = inexact === 'all' ? 'true' : `file IN (${inexact.join(', ')})`;
  return `CASE ${[
    ...[...modes].map(([mode, conditions]) => `WHEN ${conditions.join(' OR ')} THEN '${mode}'`),
    `WHEN ${doubts.join(' OR ')} THEN 'doubtful'`,
    ...misfits,
    respelled.length === 0 || inexact.length === 0
      ? ''
      : `WHEN ${mayBeInexact} AND (${respelled.join(' OR ')}) THEN 'respelled'`,
  ].join('\n')} END`;
}

/** What goes to `_rescued`, as a case; empty where nothing can. */
function rescued(columns: readonly FastColumn[], undeclared: readonly UndeclaredField[]): string {
  const fields = [
    ...undeclared.map(({ name, field }) => ({ name, json: field, when: `${field} IS NOT NULL` })),
    ...columns.flatMap(({ column, kept }) => (kept ? [{ name: fieldName(column.name), ...kept }] : [])),
  ];
  return fields.length === 0
    ? ''
    : `WHEN ${fields.map(({ when }) => when).join(' OR ')} THEN ${objectOf(fields)}`;
}

function refusal(cause: Error, files: readonly LandedFile[], columns: readonly Column[]): Error {
  const ours = /refused:(integers|times|doubtful|misfit|respelled):(?:(\d+):)?(\d+)/.exec(cause.message);
  if (ours) {
    const [, reason, column, file] = ours;
    return new Refusal(reason as Refusal['reason'], files[Number(file) - 1], {
      cause,
      column: column === undefined ? undefined : columns[Number(column)]?.name,
    });
  }
  const file = files.find(({ text }) => cause.message.includes(text));
  if (/has unknown key/.test(cause.message)) return new Refusal('undeclared', file, { cause });
  if (file || /JSON/.test(cause.message)) return new Refusal('doubtful', file, { cause });
  return cause;
}
