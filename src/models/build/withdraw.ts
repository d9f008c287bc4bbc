import type { BuiltModel } from '../../ledger/tables.ts';
import type { Session } from '../../warehouse/session.ts';
import { dropUnless, modelTable } from '../relations.ts';

/**
 * Takes a model's table out of the warehouse, and so out of the next copy: only what `ops.models` knows for ours. The rows
 * of an `incremental` model cannot always be had again: they stay in the loader's own file, where a model that comes back
 * finds them, and are not published.
 */
export async function withdraw(session: Session, built: BuiltModel, now: Date): Promise<void> {
  const { model } = built;
  const [last] = await session.rows<{ materialized: string }>(
    `SELECT arg_max(materialized, run_id) AS materialized FROM ops.model_runs WHERE model = $1 AND status = 'built'`,
    [model],
  );
  if (last?.materialized === 'incremental') {
    await session.run('UPDATE ops.models SET withdrawn_at = $2 WHERE model = $1', [model, now]);
    return;
  }
  await session.transaction(async () => {
    await dropUnless(session, modelTable(model));
    await session.run('DELETE FROM ops.models WHERE model = $1', [model]);
  });
}
