import type { Session } from '../warehouse/session.ts';

/** How many rejected lines are unresolved. */
export async function countOpenRejects(session: Session): Promise<number> {
  const { open } = await session.row<{ open: number }>(
    'SELECT count(*) AS open FROM ops.rejected_rows WHERE resolved_at IS NULL',
  );
  return open;
}
