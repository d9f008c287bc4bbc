import { feedStatus, type StatusContext } from '../audit/status.ts';
import type { ModelRun, Run, TestResult } from '../ledger/tables.ts';
import type { Session } from '../warehouse/session.ts';
import type { Cell } from '../warehouse/values.ts';

/** What the documentation shows from the ledger. */
export interface LedgerFacts {
  /** The last build of each model, by its id. */
  models: ReadonlyMap<string, ModelRun>;
  /** The last result of each test, by its name. */
  tests: ReadonlyMap<string, TestResult>;
  /** By `group.feed`. */
  feeds: ReadonlyMap<string, FeedFacts>;
  /** The last run that built or tested anything; undefined where there was none. */
  lastRun: ShownRun | undefined;
}

/** The state of a feed, as `asapp-warehouse status` shows it. */
export interface FeedFacts {
  state: string;
  /** `YYYY-MM-DD HH:MM:SS`, UTC. */
  newestPartition: string | undefined;
  staged: number;
  rejected: number;
}

/** A run, with what it built and tested. */
export interface ShownRun extends Run {
  models: readonly ModelRun[];
  tests: readonly TestResult[];
}

export async function readLedger(session: Session, context: StatusContext): Promise<LedgerFacts> {
  const models = await session.rows<ModelRun>(
    'FROM ops.model_runs QUALIFY row_number() OVER (PARTITION BY model ORDER BY run_id DESC) = 1',
  );
  const tests = await session.rows<TestResult>(
    'FROM ops.test_results QUALIFY row_number() OVER (PARTITION BY test ORDER BY run_id DESC) = 1',
  );
  return {
    models: new Map(models.map((run) => [run.model, run])),
    tests: new Map(tests.map((result) => [result.test, result])),
    feeds: await feedFacts(session, context),
    lastRun: await lastShownRun(session),
  };
}

async function feedFacts(session: Session, context: StatusContext): Promise<Map<string, FeedFacts>> {
  const { columns, rows } = await feedStatus(session, context);
  const at = (row: Cell[], name: string) => row[columns.findIndex((column) => column.name === name)] ?? null;
  return new Map(
    rows.map((row) => [
      String(at(row, 'feed')),
      {
        state: String(at(row, 'state')),
        newestPartition: at(row, 'newest_partition')?.toString(),
        staged: Number(at(row, 'staged')),
        rejected: Number(at(row, 'rejected')),
      },
    ]),
  );
}

async function lastShownRun(session: Session): Promise<ShownRun | undefined> {
  const [run] = await session.rows<Run>(
    `FROM ops.runs WHERE run_id IN (SELECT run_id FROM ops.model_runs UNION SELECT run_id FROM ops.test_results)
     ORDER BY run_id DESC LIMIT 1`,
  );
  if (!run) return undefined;
  return {
    ...run,
    models: await session.rows<ModelRun>('FROM ops.model_runs WHERE run_id = $1 ORDER BY started_at, model', [
      run.run_id,
    ]),
    tests: await session.rows<TestResult>(
      'FROM ops.test_results WHERE run_id = $1 ORDER BY started_at, test',
      [run.run_id],
    ),
  };
}
