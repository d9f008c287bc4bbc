import { STAGES, type Stage } from '../timings.ts';
import type { Session } from '../warehouse/session.ts';
import { ledger } from './ledger.ts';
import type { Run } from './tables.ts';

/** Begins the record of a run. An earlier run that is still recorded as running was killed, and is marked so. */
export async function startRun(session: Session, command: string, now: Date): Promise<number> {
  await ledger(session)
    .updateTable('ops.runs')
    .set({ status: 'killed', finished_at: now })
    .where('status', '=', 'running')
    .execute();
  await session.run(
    `UPDATE ops.runs SET publishing_seconds = seconds FROM ops.published
     WHERE ops.runs.run_id = ops.published.run_id AND publishing_seconds IS NULL`,
  );
  const { newest } = await session.row<{ newest: number }>(
    'SELECT coalesce(max(run_id), 0) AS newest FROM ops.runs',
  );
  const run: Run = {
    run_id: newest + 1,
    command,
    started_at: now,
    finished_at: null,
    status: 'running',
    exit_code: null,
    rows_staged: 0,
    rows_rejected: 0,
    message: null,
    ...secondsOf(undefined),
  };
  await session.insert({ schema: 'ops', table: 'runs' }, [run]);
  return run.run_id;
}

/**
 * The newest run, which may still be going on; undefined when there never was one. A run that ended with exit code 2
 * did nothing, and does not count.
 */
export async function newestRun(session: Session): Promise<Run | undefined> {
  return ledger(session)
    .selectFrom('ops.runs')
    .selectAll()
    .where((is) => is.or([is('exit_code', 'is', null), is('exit_code', '<>', 2)]))
    .orderBy('run_id', 'desc')
    .limit(1)
    .executeTakeFirst();
}

type RunSeconds = Pick<Run, `${Stage}_seconds`>;

function secondsOf(spent: Record<Stage, number> | undefined): RunSeconds {
  return Object.fromEntries(
    STAGES.map((stage) => [`${stage}_seconds`, spent?.[stage] ?? null]),
  ) as unknown as RunSeconds;
}

/** Closes a run's record. @param spent what each stage took, in seconds: publishing comes after it */
export async function finishRun(
  session: Session,
  runId: number,
  spent: Record<Stage, number>,
  outcome: Pick<Run, 'finished_at' | 'status' | 'exit_code' | 'message'>,
): Promise<void> {
  const counts = await session.row<{ staged: number; rejected: number }>(
    `SELECT coalesce(sum(rows_staged), 0)::BIGINT AS staged, coalesce(sum(rows_rejected), 0)::BIGINT AS rejected
     FROM ops.files WHERE run_id = $1`,
    [runId],
  );
  await ledger(session)
    .updateTable('ops.runs')
    .set({
      ...outcome,
      ...secondsOf(spent),
      publishing_seconds: null,
      rows_staged: counts.staged,
      rows_rejected: counts.rejected,
    })
    .where('run_id', '=', runId)
    .execute();
}

/**
 * Notes how long publishing took. The copy is made before that is known, and is to show what the loader's file has: so it
 * goes to the run's record with the next run.
 */
export async function recordPublishing(
  session: Session,
  runId: number,
  { publishing }: Record<Stage, number>,
): Promise<void> {
  await session.run('UPDATE ops.published SET run_id = $1, seconds = $2', [runId, publishing]);
}

/** Whether the run before this one was killed or failed. */
export async function wasInterrupted(session: Session, runId: number): Promise<boolean> {
  const [before] = await ledger(session)
    .selectFrom('ops.runs')
    .select('status')
    .where('run_id', '<', runId)
    .orderBy('run_id', 'desc')
    .limit(1)
    .execute();
  return before !== undefined && before.status !== 'done' && before.status !== 'attention';
}
