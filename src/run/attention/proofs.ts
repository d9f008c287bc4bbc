import type { Attention } from '../../attention.ts';
import { emptyProofs } from '../../ledger/proofs.ts';
import { count, dayText } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';

/** Where what proves that nothing was lost cannot do so: counts that are no numbers, and views that have lost their rows. */
export async function proofAttention(session: Session): Promise<Attention[]> {
  const { days, counts } = await session.row<{ days: number; counts: number }>(
    `SELECT count(DISTINCT (feed, export_date)) AS days, coalesce(sum(unreadable), 0)::BIGINT AS counts
     FROM (SELECT DISTINCT feed, export_date, unreadable FROM ops.counted_days WHERE unreadable > 0)`,
  );
  const unreadable: Attention[] =
    days === 0
      ? []
      : [
          {
            kind: 'counts_unreadable',
            severity: 'attention',
            count: counts,
            message: `${count(counts, 'row count')} of the vendor's cannot be read as a number, so ${count(days, 'day')} of feeds cannot be reconciled`,
            hint: 'asapp-warehouse query "FROM ops.reconciliation WHERE unreadable > 0" shows them; they are right once the vendor sends those counts again',
          },
        ];
  const empty = (await emptyProofs(session)).map(
    ({ proof, rows, last_seen_at }): Attention => ({
      kind: 'proof_empty',
      severity: 'attention',
      message: `ops.${proof} had ${count(rows, 'row')} on ${dayText(last_seen_at)} and has none now: it proves nothing any more`,
      hint: 'asapp-warehouse verify looks for what is missing',
    }),
  );
  return [...unreadable, ...empty];
}
