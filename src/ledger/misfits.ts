import type { Session } from '../warehouse/session.ts';
import { ledger } from './ledger.ts';
import type { Misfit } from './tables.ts';

/**
 * Records paths that break the conventions, and removes those that no longer exist.
 * @param met all such paths that the listings of a source showed
 * @param covers whether these listings would have shown a path
 * @returns those that were not recorded before
 */
export async function recordMisfits(
  session: Session,
  source: string,
  met: readonly Misfit[],
  covers: (path: string) => boolean,
): Promise<Misfit[]> {
  const rows = await ledger(session)
    .selectFrom('ops.misfits')
    .select('path')
    .where('source', '=', source)
    .execute();
  const known = new Set(rows.map(({ path }) => path));
  const now = new Map(met.map((misfit) => [misfit.path, misfit]));
  const over = [...known].filter((path) => !now.has(path) && covers(path));
  if (over.length > 0) {
    await session.run(
      `DELETE FROM ops.misfits WHERE source = $1 AND path IN (SELECT unnest(from_json($2, '["VARCHAR"]')))`,
      [source, JSON.stringify(over)],
    );
  }
  const fresh = [...now.values()].filter(({ path }) => !known.has(path));
  await session.insert({ schema: 'ops', table: 'misfits' }, fresh);
  return fresh;
}

/** Paths that break the conventions, and that nobody has acknowledged. */
export async function openMisfits(session: Session): Promise<Pick<Misfit, 'source' | 'path' | 'reason'>[]> {
  return ledger(session)
    .selectFrom('ops.misfits')
    .select(['source', 'path', 'reason'])
    .where('acknowledged_at', 'is', null)
    .orderBy('source')
    .orderBy('path')
    .execute();
}
