import type { Session } from '../warehouse/session.ts';
import { ledger } from './ledger.ts';
import type { BuiltModel } from './tables.ts';

/**
 * Makes the next build rebuild every model that reads a feed from all of its rows. For callers that change rows which
 * are staged already, since an incremental build would not notice. Models are found by the feed's name in their
 * definition, so a few others may be rebuilt too, which does no harm. Models of the kind `incremental` are left out:
 * they may keep rows that are no longer staged.
 */
export async function rebuildModelsReading(session: Session, feed: string): Promise<void> {
  await session.run(
    `UPDATE ops.models SET definition = '', inputs = '' WHERE contains(definition, $1)
     AND model NOT IN (SELECT model FROM ops.model_runs WHERE materialized = 'incremental')`,
    [feed],
  );
}

/** What each model was last built from, by its id. */
export async function builtModels(session: Session): Promise<Map<string, BuiltModel>> {
  const rows = await ledger(session).selectFrom('ops.models').selectAll().execute();
  return new Map(rows.map((row) => [row.model, row]));
}

/** Writes down what models were built from. Part of the caller's transaction. */
export async function rememberBuilt(session: Session, built: readonly BuiltModel[]): Promise<void> {
  const ids = JSON.stringify(built.map(({ model }) => model));
  await session.run(`DELETE FROM ops.models WHERE model IN (SELECT unnest(from_json($1, '["VARCHAR"]')))`, [
    ids,
  ]);
  await session.insert({ schema: 'ops', table: 'models' }, built);
}
