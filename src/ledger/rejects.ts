import type { Session } from '../warehouse/session.ts';

/** Rejected lines that nobody has dealt with yet. */
export async function rejectsOpen(session: Session): Promise<number> {
  const { open } = await session.row<{ open: number }>(
    'SELECT count(*) AS open FROM ops.rejected_rows WHERE resolved_at IS NULL',
  );
  return open;
}
