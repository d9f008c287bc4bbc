import { isUtf8 } from 'node:buffer';
import { UsageError } from '../errors.ts';
import { type FeedSpec, undocumentedFeed } from '../feeds/catalogue.ts';
import { tableNameSql } from '../feeds/names.ts';
import { recordColumnMisfits } from '../ledger/column-misfits.ts';
import { rebuildModelsReading } from '../ledger/models.ts';
import type { File } from '../ledger/tables.ts';
import type { Limits } from '../limits.ts';
import type { Session } from '../warehouse/session.ts';
import { literal } from '../warehouse/sql.ts';
import type { ResultTable } from '../warehouse/values.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { Line } from './lines.ts';
import { type FileLines, insertCareful } from './staging/careful.ts';
import { fitRules } from './staging/fit-rules.ts';
import { openStagingTable } from './staging/table.ts';
import { proposeWidening } from './staging/widening.ts';

/** Which rejected lines are meant: those of a file, or one of them, or of some feeds; all when nothing is said. */
export interface RejectChoice {
  /** As their tables are called, with the group or without: `messaging.calls`, `calls__v2`. */
  feeds?: readonly string[];
  fileId?: number;
  line?: number;
  reason?: string;
}

function chosen({ feeds, fileId, line, reason }: RejectChoice): string {
  return [
    ...(feeds === undefined ? [] : [`r.file_id IN (${filesOf(feeds)})`]),
    ...(fileId === undefined ? [] : [`r.file_id = ${fileId}`]),
    ...(line === undefined ? [] : [`r.line = ${line}`]),
    ...(reason === undefined ? [] : [`r.reason = ${literal(reason)}`]),
  ]
    .map((condition) => ` AND ${condition}`)
    .join('');
}

function filesOf(feeds: readonly string[]): string {
  const names = feeds.map(literal).join(', ');
  const table = tableNameSql();
  return `SELECT file_id FROM ops.files WHERE ${table} IN (${names}) OR feed_group || '.' || ${table} IN (${names})`;
}

/** Rejected lines, newest first, without their text. @param all those that were dealt with, too */
export function listRejects(session: Session, all: boolean): Promise<ResultTable> {
  return session.table(`
SELECT r.file_id, r.line, f.feed_group || '.' || f.feed AS feed, f.path, r.reason, r.detail, r.rejected_at, r.resolution
FROM ops.rejected_rows r JOIN ops.files f USING (file_id)
WHERE ${all ? 'true' : 'r.resolved_at IS NULL'}
ORDER BY r.rejected_at DESC, r.file_id, r.line`);
}

/**
 * The line as it was delivered.
 * @throws UsageError when there is no such rejected line
 */
export async function rejectedText(session: Session, fileId: number, line: number): Promise<Buffer> {
  const [row] = await session.rows<{ hex: string }>(
    'SELECT hex(raw) AS hex FROM ops.rejected_rows WHERE file_id = $1 AND line = $2',
    [fileId, line],
  );
  if (row) return Buffer.from(row.hex, 'hex');
  throw new UsageError(`line ${line} of file ${fileId} was not rejected`, {
    hint: 'asapp-warehouse rejects list --all shows which were',
  });
}

/** How many rejected lines wait to be dealt with. */
export async function countRejects(session: Session, choice: RejectChoice): Promise<number> {
  const { lines } = await session.row<{ lines: number }>(
    `SELECT count(*) AS lines FROM ops.rejected_rows AS r WHERE ${waiting(choice)}`,
  );
  return lines;
}

/** Marks rejected lines as dealt with; they are kept. */
export async function discardRejects(session: Session, choice: RejectChoice, now: Date): Promise<void> {
  await session.run(
    `UPDATE ops.rejected_rows AS r SET resolved_at = $1, resolution = 'discarded' WHERE ${waiting(choice)}`,
    [now],
  );
}

function waiting(choice: RejectChoice): string {
  return `r.resolved_at IS NULL${chosen(choice)}`;
}

export interface ReplayResult {
  /** Lines that are staged now. */
  staged: number;
  /** Lines that are still rejected. */
  left: number;
}

type RejectedFile = Pick<
  File,
  'file_id' | 'source' | 'feed_group' | 'feed' | 'version' | 'partition_ts' | 'path'
>;

/**
 * Reads rejected lines again, for when what kept them out has changed. Each file in one transaction; the models that read
 * the feed are built from all of its rows next time, since these rows belong to a file they have seen.
 */
export async function replayRejects(
  { config: { limits }, session, catalogue, clock }: Workspace,
  choice: RejectChoice,
): Promise<ReplayResult> {
  const files = await session.rows<RejectedFile>(
    `SELECT DISTINCT f.file_id, f.source, f.feed_group, f.feed, f.version, f.partition_ts, f.path
     FROM ops.rejected_rows r JOIN ops.files f USING (file_id)
     WHERE r.resolved_at IS NULL AND f.superseded_by IS NULL${chosen(choice)} ORDER BY f.file_id`,
  );
  const result: ReplayResult = { staged: 0, left: 0 };
  for (const file of files) {
    const feed = [file.feed_group, file.feed, file.version] as const;
    const spec = catalogue.feed(...feed) ?? undocumentedFeed(...feed);
    const { staged, left } = await session.transaction(() =>
      replayFile(session, spec, file, { ...choice, limits }, clock()),
    );
    result.staged += staged;
    result.left += left;
  }
  return result;
}

async function replayFile(
  session: Session,
  spec: FeedSpec,
  file: RejectedFile,
  { limits, ...choice }: RejectChoice & { limits: Limits },
  now: Date,
): Promise<ReplayResult> {
  // Of a line that was too long there is only the beginning: its file has to be loaded again.
  const open = `${waiting({ ...choice, fileId: file.file_id })} AND r.reason <> 'line_too_long'`;
  const lines = await session.rows<{ line: number; hex: string }>(
    `SELECT line, hex(raw) AS hex FROM ops.rejected_rows AS r WHERE ${open} ORDER BY line`,
  );
  await session.run(
    `UPDATE ops.rejected_rows AS r SET resolved_at = $1, resolution = 'replayed' WHERE ${open}`,
    [now],
  );
  const table = await openStagingTable(session, spec);
  const again: FileLines = {
    fileId: file.file_id,
    time: file.partition_ts,
    lines: lines.map(({ line: number, hex }): Line => {
      const bytes = Buffer.from(hex, 'hex');
      return { number, bytes, length: bytes.length, utf8: isUtf8(bytes) };
    }),
  };
  const { keyColumns } = fitRules(table, limits);
  const { files, misfits, keyMisfits } = await insertCareful(
    session,
    table,
    [again],
    { limits, keyColumns, mustFit: [] },
    now,
  );
  const staged = files.get(file.file_id)?.staged ?? 0;
  await recordColumnMisfits(session, spec, misfits);
  await proposeWidening(session, table, file.source, keyMisfits, now);
  await session.run(
    `UPDATE ops.files SET rows_staged = rows_staged + ${staged}, rows_rejected = rows_rejected - ${staged}
     WHERE file_id = ${file.file_id}`,
  );
  // Those that were rejected once more have a new row; the old one was only a try.
  await session.run(
    `DELETE FROM ops.rejected_rows AS old WHERE old.file_id = ${file.file_id} AND old.resolution = 'replayed'
     AND EXISTS (FROM ops.rejected_rows AS again WHERE again.file_id = old.file_id AND again.line = old.line
       AND again.resolved_at IS NULL)`,
  );
  if (staged > 0) await rebuildModelsReading(session, file.feed);
  return { staged, left: lines.length - staged };
}
