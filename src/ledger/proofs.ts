import type { Session } from '../warehouse/session.ts';
import { ledger } from './ledger.ts';

/**
 * The views that prove something, such as that no row was lost, prove nothing when they are empty. So the number of
 * their rows is recorded, and one that has become empty is for a person to look at.
 */
const PROOFS = ['reconciliation', 'conservation', 'freshness'] as const;

/**
 * Records how many rows each of these views has now; an empty one keeps its earlier record. Part of the caller's
 * transaction.
 */
export async function recordProofs(session: Session, now: Date): Promise<void> {
  for (const proof of PROOFS) {
    const { rows } = await session.row<{ rows: number }>(`SELECT count(*) AS rows FROM ops.${proof}`);
    if (rows === 0) continue;
    await session.run('DELETE FROM ops.proofs WHERE proof = $1', [proof]);
    await session.insert({ schema: 'ops', table: 'proofs' }, [{ proof, rows, last_seen_at: now }]);
  }
}

/** Views that are empty now and had rows before: how many, and when they last had them. */
export async function emptyProofs(
  session: Session,
): Promise<{ proof: string; rows: number; last_seen_at: Date }[]> {
  const known = await ledger(session).selectFrom('ops.proofs').selectAll().orderBy('proof').execute();
  const empty: typeof known = [];
  for (const row of known) {
    const { rows } = await session.row<{ rows: number }>(`SELECT count(*) AS rows FROM ops.${row.proof}`);
    if (rows === 0) empty.push(row);
  }
  return empty;
}
