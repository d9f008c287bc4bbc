import { STAGING_SCHEMAS, tableName, tableNameSql } from '../../feeds/names.ts';
import { findDuePartitions } from '../../ledger/gaps.ts';
import { emptyProofs } from '../../ledger/proofs.ts';
import { count } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { qualified, type TableName } from '../../warehouse/sql.ts';
import { tableId, tablesSql } from '../../warehouse/tables.ts';
import type { Finding } from './finding.ts';

/** Checks of the ledger and staging as a whole. */

/**
 * Finds rows without a file: rows in staging tables of feeds that the ledger does not know, and rejected lines of files
 * that are unknown or superseded. (In the tables of known feeds, such rows are found when lines are counted.)
 */
export async function verifyOrphans(session: Session): Promise<Finding[]> {
  const findings: Finding[] = [];
  const tables = await session.rows<TableName & Record<string, string>>(
    `SELECT schema, "table" FROM (${tablesSql()}) WHERE kind = 'table' AND ${STAGING_SCHEMAS}
       AND (schema, "table") NOT IN (SELECT ('staging_' || feed_group, ${tableNameSql()}) FROM ops.files)
     ORDER BY ALL`,
  );
  for (const table of tables) {
    const { rows } = await session.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${qualified(table)}`);
    if (rows === 0) continue;
    const detail = `${count(rows, 'row')} of which the ledger knows no file`;
    findings.push({ check: 'orphans', name: tableId(table), result: 'broken', detail });
  }
  const rejected = await session.rows<{ file_id: number; lines: number; known: boolean }>(
    `SELECT r.file_id, count(*) AS lines, any_value(f.file_id) IS NOT NULL AS known
     FROM ops.rejected_rows AS r LEFT JOIN ops.files AS f USING (file_id)
     WHERE f.file_id IS NULL OR (f.superseded_by IS NOT NULL AND r.resolved_at IS NULL) GROUP BY ALL ORDER BY 1`,
  );
  for (const { file_id, lines, known } of rejected) {
    const why = known ? 'that another took the place of' : 'that is not known';
    const detail = `${count(lines, 'rejected line')} of file ${file_id}, ${why}`;
    findings.push({ check: 'orphans', name: `file ${file_id}`, result: 'broken', detail });
  }
  return findings.length > 0 ? findings : [holds('orphans', 'ops', 'none')];
}

/**
 * Finds partitions that did not come though a later one did, over the whole history: those recorded as missing, and
 * those not noticed yet. Acknowledged ones do not count.
 */
export async function verifyGaps(
  session: Session,
  { now, lookBackDays }: { now: Date; lookBackDays: number },
): Promise<Finding[]> {
  const whole = await session.rows<{ source: string; feed_group: string; feed: string; version: string }>(
    'SELECT DISTINCT source, feed_group, feed, version FROM ops.partitions',
  );
  await findDuePartitions(session, { now, lookBackDays, whole });
  const gaps = await session.rows<{
    feed_group: string;
    feed: string;
    version: string;
    missing: number;
    first: string;
  }>(
    `WITH gaps AS (
       SELECT feed_group, feed, version, partition_ts FROM ops.partitions
       WHERE state = 'missing' AND acknowledged_at IS NULL
       UNION
       SELECT feed_group, feed, version, partition_ts FROM due_partitions
       ANTI JOIN (FROM ops.partitions) AS known USING (feed_group, feed, version, partition_ts))
     SELECT feed_group, feed, version, count(*) AS missing, strftime(min(partition_ts), '%Y-%m-%d %H:%M') AS first
     FROM gaps GROUP BY ALL ORDER BY ALL`,
  );
  await session.run('DROP TABLE due_partitions');
  if (gaps.length === 0) return whole.length > 0 ? [holds('gaps', 'ops.partitions', 'none')] : [];
  return gaps.map(({ feed_group, feed, version, missing, first }) => ({
    check: 'gaps',
    name: `${feed_group}.${tableName(feed, version)}`,
    result: 'broken',
    detail: `${count(missing, 'partition')} missing, the first of ${first}`,
  }));
}

/**
 * Checks that there is something to prove: that no proving view has become empty, and that anything is staged at all.
 */
export async function verifyProofs(session: Session): Promise<Finding[]> {
  const { files } = await session.row<{ files: number }>('SELECT count(*) AS files FROM ops.files');
  if (files === 0)
    return [
      {
        check: 'proofs',
        name: 'ops.files',
        result: 'skipped',
        detail: 'no file was ever staged: there is nothing to prove',
      },
    ];
  const empty = await emptyProofs(session);
  if (empty.length === 0) return [holds('proofs', 'ops', 'each has rows that had some')];
  return empty.map(({ proof, rows }) => ({
    check: 'proofs',
    name: `ops.${proof}`,
    result: 'broken',
    detail: `is empty, and had ${count(rows, 'row')}: it proves nothing any more`,
  }));
}

function holds(check: Finding['check'], name: string, detail: string): Finding {
  return { check, name, result: 'holds', detail };
}
