import type { ModelRun, TestResult } from '../ledger/tables.ts';
import type { Documentation } from './documentation.ts';
import { modelKey, testKey, uuidOf } from './identify.ts';

/**
 * dbt's `run_results.json` of the last run that built or tested anything. Pure. Models and tests that are no longer in
 * the project are left out.
 */
export function runResults({ models, tests, lastRun, generatedAt }: Documentation): object {
  const known = new Set(models.map(({ model }) => model.id));
  const keys = new Map(tests.map(({ test }) => [test.name, testKey(test)]));
  const started = lastRun?.started_at ?? generatedAt;
  const finished = lastRun?.finished_at ?? started;
  return {
    metadata: {
      dbt_schema_version: 'https://schemas.getdbt.com/dbt/run-results/v6.json',
      generated_at: finished.toISOString(),
      invocation_id: uuidOf(`run ${lastRun?.run_id} ${started.toISOString()}`),
      env: {},
    },
    results: [
      ...(lastRun?.models ?? [])
        .filter(({ model }) => known.has(model))
        .map((run) => result(run, modelKey(run.model), MODEL_STATUS[run.status], rowsOf(run))),
      ...(lastRun?.tests ?? []).flatMap((test) => {
        const key = keys.get(test.test);
        return key ? [result(test, key, test.status, {}, test.failures)] : [];
      }),
    ],
    elapsed_time: seconds(started, finished),
    args: { which: lastRun?.command ?? 'run' },
  };
}

/** dbt's status for each of ours. */
const MODEL_STATUS: Readonly<Record<ModelRun['status'], string>> = {
  built: 'success',
  unchanged: 'no-op',
  skipped: 'skipped',
  failed: 'error',
};

function rowsOf({ rows_kept }: ModelRun): object {
  return rows_kept === null ? {} : { rows_affected: rows_kept };
}

function result(
  { started_at, finished_at, message }: Pick<ModelRun | TestResult, 'started_at' | 'finished_at' | 'message'>,
  key: string,
  status: string,
  response: object,
  failures: number | null = null,
): object {
  return {
    unique_id: key,
    status,
    message,
    failures,
    timing: [
      { name: 'execute', started_at: started_at.toISOString(), completed_at: finished_at.toISOString() },
    ],
    execution_time: seconds(started_at, finished_at),
    thread_id: 'main',
    adapter_response: response,
  };
}

function seconds(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000;
}
