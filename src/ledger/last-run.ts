import type { Session } from '../warehouse/session.ts';
import { newestRun } from './runs.ts';
import type { Run } from './tables.ts';

/** The last command that changed the warehouse: when, how it ended, and what it did. */
export type LastRun = Run & { files: number; bytes: number; models_built: number; tests_run: number };

/** As the ledger has it; undefined where nothing was ever run. */
export async function lastRun(session: Session): Promise<LastRun | undefined> {
  const run = await newestRun(session);
  if (!run) return undefined;
  const done = await session.row<Pick<LastRun, 'files' | 'bytes' | 'models_built' | 'tests_run'>>(
    `SELECT (SELECT count(*) FROM ops.files WHERE run_id = $1) AS files,
       (SELECT coalesce(sum(bytes), 0)::BIGINT FROM ops.files WHERE run_id = $1) AS bytes,
       (SELECT count(*) FROM ops.model_runs WHERE run_id = $1 AND status = 'built') AS models_built,
       (SELECT count(*) FROM ops.test_results WHERE run_id = $1 AND status <> 'skipped') AS tests_run`,
    [run.run_id],
  );
  return { ...run, ...done };
}
