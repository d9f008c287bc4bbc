import type { Session } from '../warehouse/session.ts';
import { literal } from '../warehouse/sql.ts';
import { HAS_COME } from './partitions.ts';
import type { LedgerTables } from './tables.ts';

/**
 * The views that prove something, such as that no row was lost, prove nothing when they are empty. So the number of
 * their rows is recorded, and one that has become empty is for a person to look at.
 */
const PROOFS = ['reconciliation', 'conservation', 'freshness'] as const;

/** What has rows exactly when the view has: where the view itself goes through every partition there ever was. */
const ROWS_OF: Readonly<Record<string, string>> = {
  freshness: `ops.partitions WHERE ${HAS_COME} AND partition_ts <= make_timestamp(epoch_us(now()))`,
};

/**
 * Records how many rows each of these views has now; an empty one keeps its earlier record. Part of the caller's
 * transaction.
 */
export async function recordProofs(session: Session, now: Date): Promise<void> {
  const counts = PROOFS.map(
    (proof) => `SELECT ${literal(proof)} AS proof, count(*) AS rows FROM ops.${proof}`,
  );
  const seen = await session.rows<{ proof: string; rows: number }>(
    `SELECT proof, rows FROM (${counts.join(' UNION ALL ')}) WHERE rows > 0`,
  );
  if (seen.length === 0) return;
  const names = seen.map(({ proof }) => literal(proof));
  await session.run(`DELETE FROM ops.proofs WHERE proof IN (${names.join(', ')})`);
  const proofs = seen.map((one) => ({ ...one, last_seen_at: now }));
  await session.insert({ schema: 'ops', table: 'proofs' }, proofs);
}

/** Views that are empty now and had rows before: how many, and when they last had them. */
export async function emptyProofs(session: Session): Promise<LedgerTables['ops.proofs'][]> {
  const empty = PROOFS.map(
    (proof) => `(proof = ${literal(proof)} AND NOT EXISTS (FROM ${ROWS_OF[proof] ?? `ops.${proof}`}))`,
  );
  return session.rows(
    `SELECT proof, rows, last_seen_at FROM ops.proofs WHERE ${empty.join(' OR ')} ORDER BY proof`,
  );
}
