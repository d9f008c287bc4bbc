import type { ColumnMisfits } from '../../ledger/tables.ts';
import type { Limits } from '../../limits.ts';
import type { Session } from '../../warehouse/session.ts';
import type { LineCounts } from '../file.ts';
import type { Line } from '../lines.ts';
import * as sql from './careful-sql.ts';
import { scanLine } from './line-scan.ts';
import { unreadable } from './rejection.ts';
import type { StagingTable } from './table.ts';

/**
 * The careful way to stage: line by line in what it decides, all lines of a chunk at once in how. It takes any file: broken
 * lines are rejected whole, values that do not fit and fields that have no column are rescued, the rest is staged as the
 * fast way would.
 */

/** Values that do not fit a column that must hold them all. The column is to be widened, and the files read again. */
export class ColumnTooNarrow extends Error {
  readonly columns: readonly string[];

  constructor(columns: readonly string[]) {
    super(`values of ${columns.join(', ')} do not fit`);
    this.columns = columns;
  }
}

/** Lines of one file, with where they came from. */
export interface FileLines {
  fileId: number;
  /** Of the partition. */
  time: Date;
  /** Those that are not blank, in order. */
  lines: AsyncIterable<Line> | Iterable<Line>;
}

/** What becomes of values that do not fit, other than to be rescued. */
export interface FitRules {
  /** Columns that must hold every value: {@link ColumnTooNarrow}. */
  mustFit: readonly string[];
  /** Columns that identify a record: a line whose value does not fit is rejected, since as NULL it would merge with others. */
  keyColumns: readonly string[];
  /** Lines beyond them are rejected. */
  limits: Limits;
}

export interface CarefulResult {
  /** By file. */
  files: Map<number, LineCounts>;
  /** Fields that came without a column. */
  undeclared: Set<string>;
  /** Columns of the key whose values did not fit, so that lines were rejected. */
  keyMisfits: Set<string>;
  misfits: Pick<ColumnMisfits, 'file_id' | 'column_name' | 'misfits'>[];
}

/** A chunk ends at so many bytes or lines: what DuckDB holds at once is a small multiple of it. */
const CHUNK_BYTES = 32 * 2 ** 20;
const CHUNK_LINES = 200_000;

const NOTHING = new Uint8Array();

/**
 * Inserts the rows of files, and those lines that are rejected. Runs inside the caller's transaction.
 * @throws ColumnTooNarrow
 */
export async function insertCareful(
  session: Session,
  table: StagingTable,
  files: readonly FileLines[],
  rules: FitRules,
  loadedAt: Date,
): Promise<CarefulResult> {
  const result: CarefulResult = {
    files: new Map(files.map(({ fileId }) => [fileId, { lines: 0, staged: 0, rejected: 0 }])),
    undeclared: new Set(),
    keyMisfits: new Set(),
    misfits: [],
  };
  const times = new Map(files.map(({ fileId, time }) => [fileId, time]));
  const lines = linesOf(files);
  while (await readChunk(session, lines, result)) {
    await session.run(sql.READ);
    await session.run(sql.namesOf(table.columns, rules.limits));
    await session.run(sql.typed(table, rules.keyColumns));
    const misfits = await session.rows<CarefulResult['misfits'][number]>(sql.misfits(table.columns));
    const narrow = new Set(
      misfits.map((row) => row.column_name).filter((name) => rules.mustFit.includes(name)),
    );
    if (narrow.size > 0) throw new ColumnTooNarrow([...narrow]);
    await reject(session, table, rules, loadedAt);
    await session.run(sql.insertRows(table, times, loadedAt));
    await count(session, result);
    result.misfits.push(...misfits);
    for (const { name } of await session.rows<{ name: string }>(sql.KEY_MISFITS)) result.keyMisfits.add(name);
    for (const { field } of await session.rows<{ field: string }>(sql.UNDECLARED))
      result.undeclared.add(field);
  }
  await session.run(sql.END);
  return result;
}

async function* linesOf(files: readonly FileLines[]): AsyncGenerator<Line & { fileId: number }> {
  for (const { fileId, lines } of files) for await (const line of lines) yield { ...line, fileId };
}

/** @returns whether there were any lines */
async function readChunk(
  session: Session,
  lines: AsyncGenerator<Line & { fileId: number }>,
  { files }: CarefulResult,
): Promise<boolean> {
  await session.run(sql.BEGIN);
  let count = 0;
  let bytes = 0;
  await session.append(sql.LINES, async (row) => {
    while (count < CHUNK_LINES && bytes < CHUNK_BYTES) {
      const { value: line } = await lines.next();
      if (!line) return;
      row.bigint(line.fileId);
      row.bigint(line.number);
      row.bigint(line.length);
      row.bigint(line.utf8 ? 1 : 0);
      row.blob(line.bytes);
      const scanned = line.utf8 ? scanLine(line.bytes) : undefined;
      row.bigint(scanned?.hasOddWords ? 1 : 0);
      row.blob(scanned?.marked ?? NOTHING);
      row.endRow();
      count += 1;
      bytes += line.bytes.length;
      const file = files.get(line.fileId);
      if (file) file.lines += 1;
    }
  });
  return count > 0;
}

async function reject(
  session: Session,
  table: StagingTable,
  { keyColumns, limits }: FitRules,
  now: Date,
): Promise<void> {
  const broken = await session.rows<{ file_id: number; line: number; text: string }>(sql.UNREADABLE);
  if (broken.length > 0) {
    const rows = broken.map(({ text, ...place }) => ({ ...place, ...unreadable(text) }));
    await session.run(sql.REJECT_UNREADABLE, [JSON.stringify(rows)]);
  }
  await session.run(sql.rejectOthers(limits));
  if (keyColumns.length > 0) await session.run(sql.rejectKeys(table, keyColumns));
  await session.run(sql.keepRejected(now));
}

async function count(session: Session, { files }: CarefulResult): Promise<void> {
  const rows = await session.rows<{ file_id: number; staged: number; rejected: number }>(sql.COUNTS);
  for (const { file_id, staged, rejected } of rows) {
    const file = files.get(file_id);
    if (!file) continue;
    file.staged += staged;
    file.rejected += rejected;
  }
}
