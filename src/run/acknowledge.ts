import type { Session } from '../warehouse/session.ts';
import { timestamp } from '../warehouse/sql.ts';

/** How much a person has said is known. */
export interface Acknowledged {
  /** Paths that do not follow the layout. */
  misfits: number;
  /** Partitions that are missing. They are looked for all the same. */
  missing: number;
  /** Partitions of a time to come. */
  coming: number;
}

/**
 * Takes off the list of what a person should look at what only a person can judge: gaps, partitions of a time to come and
 * paths that do not follow the layout, those that are there now. What comes after is new, and told.
 */
export async function acknowledge(session: Session, now: Date): Promise<Acknowledged> {
  return session.transaction(async () => {
    const counts: Acknowledged = { misfits: 0, missing: 0, coming: 0 };
    const told: Record<keyof Acknowledged, { table: string; where: string }> = {
      misfits: { table: 'misfits', where: 'true' },
      missing: { table: 'partitions', where: `state = 'missing'` },
      coming: { table: 'partitions', where: `state <> 'missing' AND partition_ts > ${timestamp(now)}` },
    };
    for (const [what, { table, where }] of Object.entries(told)) {
      const rows = await session.rows(
        `UPDATE ops.${table} SET acknowledged_at = $1 WHERE acknowledged_at IS NULL AND ${where} RETURNING 1`,
        [now],
      );
      counts[what as keyof Acknowledged] = rows.length;
    }
    return counts;
  });
}
