import { standingFailures } from '../ledger/failures.ts';
import { ledger } from '../ledger/ledger.ts';
import type { BuiltModel, PublishedTable } from '../ledger/tables.ts';
import type { Project } from '../models/assemble.ts';
import { modelTable } from '../models/relations.ts';
import type { Session } from '../warehouse/session.ts';
import { readOldCopy } from './old-copy.ts';
import { type StaleReason, staleModels } from './stale-models.ts';
import { isUntouched } from './untouched.ts';

/**
 * Decides which build of each model the next copy holds, and records it in `ops.published_tables`. The copy has that
 * table too, and while the two differ the copy is behind.
 * @param target the file that analysts open
 */
export async function planCopy(session: Session, project: Project, target: string): Promise<void> {
  const failures = await standingFailures(session, ['model', 'test']);
  const still = staleModels(project, failures);
  const built = await ledger(session)
    .selectFrom('ops.models')
    .selectAll()
    .where('withdrawn_at', 'is', null)
    .execute();
  const hasOld = still.size > 0 && (await isUntouched(session, target));
  const before = hasOld ? await readOldCopy(session, target, tablesOfOldCopy) : [];
  const known = await ledger(session).selectFrom('ops.published_tables').selectAll().execute();
  const kinds = new Map([
    ...known.map((row) => [`${row.schema_name}.${row.table_name}`, row.kind] as const),
    ...[...project.models.values()].map(({ id, config }) => [id, config.materialized] as const),
  ]);
  const planned = planTables({ built, still, known, before, kinds });
  if (textOf(known) === textOf(planned)) return;
  await session.transaction(async () => {
    await session.run('DELETE FROM ops.published_tables');
    await session.insert({ schema: 'ops', table: 'published_tables' }, planned);
  });
}

/** What the plan is made from: the models, and the present copy. */
interface CopyFacts {
  /** What each model was last built from. */
  built: readonly Omit<BuiltModel, 'definition' | 'text' | 'inputs' | 'watermark' | 'withdrawn_at'>[];
  still: ReadonlyMap<string, StaleReason>;
  /** The plan of the last time. */
  known: readonly PublishedTable[];
  /** What the old copy holds of each model; empty where there is no copy to rely on. */
  before: readonly PublishedTable[];
  /** The materialization of each model. */
  kinds: ReadonlyMap<string, string | null>;
}

/**
 * A row for each model that was ever built, or that cannot be. A model whose rows cannot be trusted stays as the old
 * copy has it; if that has nothing of it, analysts do without. Pure.
 */
function planTables({ built, still, known, before, kinds }: CopyFacts): PublishedTable[] {
  const ids = new Set([...built.map(({ model }) => model), ...still.keys()]);
  return [...ids].sort().map((id): PublishedTable => {
    const { schema, table } = modelTable(id);
    const names = { schema_name: schema, table_name: table };
    const standstill = still.get(id);
    const { cause = null, why = null, hint = null } = standstill ?? {};
    const mark = { stale: standstill !== undefined, cause, why, hint };
    const own = built.find(({ model }) => model === id);
    const isIt = (row: PublishedTable) => row.schema_name === schema && row.table_name === table;
    // A model that failed a test stays held when it then breaks, too: its test is not run any more.
    const wasHeld = known.some((row) => isIt(row) && row.stale && row.run_id !== own?.run_id);
    // A view shows what its tables hold now, if it can be read at all. What it showed before is only in the old copy.
    if (standstill && (standstill.held || wasHeld || kinds.get(id) === 'view')) {
      const old = before.find(isIt);
      return old?.run_id ? { ...old, ...mark } : { ...names, ...NO_BUILD, ...mark };
    }
    if (!own) return { ...names, ...NO_BUILD, ...mark };
    const { run_id, rebuilt_in, built_at, rows, data_up_to, sources } = own;
    const facts = { run_id, rebuilt_in, built_at, rows, data_up_to, sources };
    return { ...names, kind: kinds.get(id) ?? null, ...facts, ...mark };
  });
}

const NO_BUILD = {
  kind: null,
  run_id: null,
  rebuilt_in: null,
  built_at: null,
  rows: null,
  data_up_to: null,
  sources: null,
};

/**
 * The plan that the old copy was made by. A copy of an older program says less.
 * @param database the old copy's name, as SQL
 */
async function tablesOfOldCopy(session: Session, database: string): Promise<PublishedTable[]> {
  return session
    .rows<PublishedTable & Record<string, string>>(`FROM ${database}.ops.published_tables`)
    .catch(() =>
      session.rows<PublishedTable & Record<string, string>>(
        `SELECT split_part(model, '.', 1) AS schema_name, split_part(model, '.', 2) AS table_name, NULL AS kind, run_id,
           rebuilt_in, built_at, NULL AS rows, NULL AS data_up_to, NULL AS sources, false AS stale, NULL AS cause, NULL AS why, NULL AS hint
         FROM ${database}.ops.models`,
      ),
    );
}

function textOf(rows: readonly PublishedTable[]): string {
  const names = (row: PublishedTable) => `${row.schema_name}.${row.table_name}`;
  const sorted = rows.toSorted((a, b) => (names(a) < names(b) ? -1 : 1));
  return JSON.stringify(sorted.map((row) => Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))));
}
