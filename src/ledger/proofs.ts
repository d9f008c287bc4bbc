import type { Session } from '../warehouse/session.ts';
import { ledger } from './ledger.ts';

/**
 * Views that prove something prove nothing once they are empty. So it is remembered how many rows each had: one that has
 * none where it had some is for a person to look at.
 */
const PROOFS = ['reconciliation', 'conservation', 'freshness'] as const;

/** Remembers what the views that prove something have now; an empty one leaves what is known of it. In the caller's transaction. */
export async function rememberProofs(session: Session, now: Date): Promise<void> {
  for (const proof of PROOFS) {
    const { rows } = await session.row<{ rows: number }>(`SELECT count(*) AS rows FROM ops.${proof}`);
    if (rows === 0) continue;
    await session.run('DELETE FROM ops.proofs WHERE proof = $1', [proof]);
    await session.insert({ schema: 'ops', table: 'proofs' }, [{ proof, rows, last_seen_at: now }]);
  }
}

/** Views that have no rows now and had some: how many, and when last. */
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
