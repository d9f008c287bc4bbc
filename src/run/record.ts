import type { Attention } from '../attention.ts';
import { exitCodeOf } from '../errors.ts';
import { finishRun, recordPublishing, startRun } from '../ledger/runs.ts';
import type { LoadResult } from '../load/load-run.ts';
import type { BuildResult } from '../models/build/build.ts';
import type { TestOutcome } from '../models/tests/run-test.ts';
import { isBehind } from '../publish/behind.ts';
import { publish } from '../publish/publish.ts';
import { refuseOtherFile } from '../publish/target.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** A command that changes the warehouse. */
export interface Command {
  /** As `ops.runs` has it. */
  name: string;
  /** Whether analysts get what came of it. */
  publishes: boolean;
}

/** How a command that changes the warehouse ended. */
export interface Outcome {
  /** 0: nobody need look. 1: something failed. 3: done, but a person should look. */
  exitCode: 0 | 1 | 3;
  /** What a person should look at. */
  attention: Attention[];
  loaded?: LoadResult;
  built?: BuildResult;
  /** Tests that were run, and how they ended. */
  tests?: TestOutcome[];
  /** Whether analysts have a new copy. */
  published: boolean;
}

/** What the work of a command comes to, before it is published. */
export type Work = Omit<Outcome, 'published'> & {
  /** Whether there is anything new for analysts to see. */
  changed: boolean;
};

/** In place of a run's number, where nothing is to be written. */
export const DRY_RUN = 0;

/**
 * Does the work of a command, keeps its record in `ops.runs` however it ends, and publishes what came of it: after the
 * record is closed, so that the copy shows it.
 */
export async function recorded(
  workspace: Workspace,
  command: Command,
  { dryRun }: { dryRun?: boolean },
  work: (runId: number) => Promise<Work>,
): Promise<Outcome> {
  if (dryRun) return { ...(await work(DRY_RUN)), published: false };
  const { session, clock, config, reporter, redact, timings } = workspace;
  if (command.publishes) await refuseOtherFile(session, config.publish);
  const runId = await startRun(session, command.name, clock());
  try {
    const { changed, ...outcome } = await work(runId);
    await finishRun(session, runId, timings.seconds, {
      finished_at: clock(),
      status: outcome.exitCode === 0 ? 'done' : outcome.exitCode === 3 ? 'attention' : 'failed',
      exit_code: outcome.exitCode,
      message: redact(outcome.attention.map(({ message }) => message).join('\n')) || null,
    });
    const published = command.publishes && (changed || (await isBehind(session, config.publish)));
    if (published) {
      reporter.progress.activity('publishing');
      await timings.during('publishing', () => publish(session, config.publish, config.publishMode));
      await recordPublishing(session, runId, timings.seconds);
    }
    return { ...outcome, published };
  } catch (error) {
    const failure = {
      finished_at: clock(),
      status: 'failed',
      exit_code: exitCodeOf(error),
      message: redact((error as Error).message),
    } as const;
    await finishRun(session, runId, timings.seconds, failure).catch(() => {});
    throw error;
  }
}
