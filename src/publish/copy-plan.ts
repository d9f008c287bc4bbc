import { standingFailures } from '../ledger/failures.ts';
import { ledger } from '../ledger/ledger.ts';
import type { BuiltModel, PublishedTable } from '../ledger/tables.ts';
import type { Project } from '../models/assemble.ts';
import { modelTable } from '../models/relations.ts';
import type { Session } from '../warehouse/session.ts';
import { type Standstill, standstills } from './held-back.ts';
import { isAsLeft } from './left.ts';
import { readOld } from './old.ts';

/**
 * Decides what the next copy has of each model, and writes it down in `ops.published_tables`: the copy shows it, too, and
 * while the two differ the copy is to be made anew.
 * @param target the file that analysts open
 */
export async function planCopy(session: Session, project: Project, target: string): Promise<void> {
  const failures = await standingFailures(session, ['model', 'test']);
  const still = standstills(project, failures);
  const built = await ledger(session)
    .selectFrom('ops.models')
    .selectAll()
    .where('withdrawn_at', 'is', null)
    .execute();
  const hasOld = still.size > 0 && (await isAsLeft(session, target));
  const before = hasOld ? await readOld(session, target, oldTables) : [];
  const known = await ledger(session).selectFrom('ops.published_tables').selectAll().execute();
  const kinds = new Map([
    ...known.map((row) => [`${row.schema_name}.${row.table_name}`, row.kind] as const),
    ...[...project.models.values()].map(({ id, config }) => [id, config.materialized] as const),
  ]);
  const planned = tablesOf({ built, still, known, before, kinds });
  if (textOf(known) === textOf(planned)) return;
  await session.transaction(async () => {
    await session.run('DELETE FROM ops.published_tables');
    await session.insert({ schema: 'ops', table: 'published_tables' }, planned);
  });
}

/** What is known of models, and of the copy that analysts have. */
interface CopyFacts {
  /** What each model was last built from. */
  built: readonly Omit<BuiltModel, 'definition' | 'text' | 'inputs' | 'watermark' | 'withdrawn_at'>[];
  still: ReadonlyMap<string, Standstill>;
  /** What was decided the last time. */
  known: readonly PublishedTable[];
  /** What the old copy has of each; empty where there is none to go by. */
  before: readonly PublishedTable[];
  /** How each is made. */
  kinds: ReadonlyMap<string, string | null>;
}

/**
 * A row for each model that was ever built, or that cannot be. One whose rows are not to be trusted stays as it is in the
 * old copy; where that has not got it, analysts do without. Pure.
 */
function tablesOf({ built, still, known, before, kinds }: CopyFacts): PublishedTable[] {
  const ids = new Set([...built.map(({ model }) => model), ...still.keys()]);
  return [...ids].sort().map((id): PublishedTable => {
    const { schema, table } = modelTable(id);
    const names = { schema_name: schema, table_name: table };
    const standstill = still.get(id);
    const { cause = null, why = null, hint = null } = standstill ?? {};
    const mark = { stale: standstill !== undefined, cause, why, hint };
    const own = built.find(({ model }) => model === id);
    const isIt = (row: PublishedTable) => row.schema_name === schema && row.table_name === table;
    // What failed a test stays held when its model breaks besides, which leaves the test unasked.
    const wasHeld = known.some((row) => isIt(row) && row.stale && row.run_id !== own?.run_id);
    // A view shows what its tables have now, if it can be read at all: only the old copy knows what it showed.
    if (standstill && (standstill.held || wasHeld || kinds.get(id) === 'view')) {
      const old = before.find(isIt);
      return old?.run_id ? { ...old, ...mark } : { ...names, ...NOTHING, ...mark };
    }
    if (!own) return { ...names, ...NOTHING, ...mark };
    const { run_id, rebuilt_in, built_at, rows, data_up_to, sources } = own;
    const facts = { run_id, rebuilt_in, built_at, rows, data_up_to, sources };
    return { ...names, kind: kinds.get(id) ?? null, ...facts, ...mark };
  });
}

const NOTHING = {
  kind: null,
  run_id: null,
  rebuilt_in: null,
  built_at: null,
  rows: null,
  data_up_to: null,
  sources: null,
};

/** @param database the old copy, as SQL. A copy of an older program says less of its tables */
async function oldTables(session: Session, database: string): Promise<PublishedTable[]> {
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
