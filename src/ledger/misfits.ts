import type { Session } from '../warehouse/session.ts';
import type { Misfit } from './tables.ts';

/** Notes paths that do not follow the conventions; @returns those that had not been seen before. */
export async function recordMisfits(
  session: Session,
  source: string,
  misfits: readonly Misfit[],
): Promise<Misfit[]> {
  if (misfits.length === 0) return [];
  const rows = await session.ledger
    .selectFrom('ops.misfits')
    .select('path')
    .where('source', '=', source)
    .execute();
  const known = new Set(rows.map(({ path }) => path));
  const fresh = misfits.filter(({ path }) => !known.has(path));
  await session.insert({ schema: 'ops', table: 'misfits' }, fresh);
  return fresh;
}
