import type { Session } from '../warehouse/session.ts';
import type { TestResult } from './tables.ts';

/** How each test last ended, and in which run, by the test's name. Skipped runs do not count. */
export async function latestResults(session: Session): Promise<Map<string, LatestResult>> {
  const rows = await session.rows<LatestResult & { test: string }>(
    `SELECT test, max(run_id) AS run_id, arg_max(status, run_id) AS status, arg_max(severity, run_id) AS severity
     FROM ops.test_results WHERE status <> 'skipped' GROUP BY test`,
  );
  return new Map(rows.map(({ test, ...latest }) => [test, latest]));
}

export type LatestResult = Pick<TestResult, 'run_id' | 'status' | 'severity'>;

export async function recordResults(session: Session, results: readonly TestResult[]): Promise<void> {
  await session.insert({ schema: 'ops', table: 'test_results' }, results);
}
