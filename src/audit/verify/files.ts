import { stagingTable } from '../../feeds/names.ts';
import type { StagingProgress } from '../../ledger/feeds.ts';
import { count } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { literal, qualified } from '../../warehouse/sql.ts';
import type { Finding } from './finding.ts';

interface FileCount {
  file_id: number;
  name: string | null;
  lines: number | null;
  staged: number;
  rejected: number;
  /** Rows that have no line, or the same as another row. */
  unclear: number;
}

/**
 * Checks that each line of each file of a feed is staged or rejected, and none twice: rows in staging and rejected
 * lines are counted, and compared with the lines that were received. One finding if all is well, else one for each
 * broken file.
 */
export async function verifyFiles(
  session: Session,
  name: string,
  { group, feed, version }: StagingProgress,
  present: boolean,
): Promise<Finding[]> {
  const staged = present
    ? qualified(stagingTable(group, feed, version))
    : '(SELECT NULL::BIGINT AS _file_id, NULL::BIGINT AS _line WHERE false)';
  const query = `
WITH received AS (
  SELECT file_id, source || ':' || path AS name, lines FROM ops.files
  WHERE feed_group = ${literal(group)} AND feed = ${literal(feed)} AND version = ${literal(version)} AND superseded_by IS NULL
), staged AS (
  SELECT _file_id AS file_id, count(*) AS staged, count(*) - count(DISTINCT _line) AS unclear
  FROM ${staged} GROUP BY _file_id
), rejected AS (
  SELECT file_id, count(*) AS rejected FROM ops.rejected_rows
  WHERE resolution IS DISTINCT FROM 'replayed' GROUP BY file_id
)
SELECT file_id, name, lines, coalesce(staged, 0) AS staged, coalesce(rejected, 0) AS rejected,
  coalesce(unclear, 0) AS unclear
FROM received FULL JOIN staged USING (file_id) LEFT JOIN rejected USING (file_id)`;
  const broken = await session.rows<FileCount>(
    `FROM (${query}) WHERE lines IS DISTINCT FROM staged + rejected OR unclear > 0 ORDER BY file_id`,
  );
  if (broken.length > 0) return broken.map((file) => brokenFile(name, file));
  const total = await session.row<Record<'files' | 'lines' | 'staged' | 'rejected', number>>(
    `SELECT count(*) AS files, coalesce(sum(lines), 0)::BIGINT AS lines,
       coalesce(sum(staged), 0)::BIGINT AS staged, coalesce(sum(rejected), 0)::BIGINT AS rejected FROM (${query})`,
  );
  const detail = `${count(total.files, 'file')}: ${balance(total, '=')}`;
  return [{ check: 'conservation', name, result: 'holds', detail }];
}

function brokenFile(feed: string, file: FileCount): Finding {
  const { file_id: id, name, lines, staged, rejected, unclear } = file;
  if (name === null || lines === null) {
    const detail = `${feed}: ${count(staged, 'row')} of file ${id}, which was replaced or is not known`;
    return { check: 'conservation', name: `file ${id}`, result: 'broken', detail };
  }
  const detail =
    lines === staged + rejected
      ? `${feed}: ${count(unclear, 'row')} without a line of its own`
      : `${feed}: ${balance({ lines, staged, rejected }, '≠')}`;
  return { check: 'conservation', name, result: 'broken', detail };
}

function balance(
  { lines, staged, rejected }: Record<'lines' | 'staged' | 'rejected', number>,
  sign: string,
): string {
  const numbers = [staged, rejected].map((number) => number.toLocaleString('en-US'));
  return `${count(lines, 'line')} ${sign} ${numbers[0]} staged + ${numbers[1]} rejected`;
}
