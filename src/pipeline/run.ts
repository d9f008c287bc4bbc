import { BuildError, exitCodeOf, ModelError } from '../errors.ts';
import { countGaps } from '../ledger/partitions.ts';
import { rejectsOpen } from '../ledger/rejects.ts';
import { finishRun, startRun, wasCutShort } from '../ledger/runs.ts';
import { countAgain, countUnreconciled } from '../operations/reconcile.ts';
import { schemaAttention } from '../schema/attention.ts';
import { applySchema, type SchemaOptions, type SchemaResult } from '../schema/follow.ts';
import { blocks, type TestOutcome } from '../testing/run-test.ts';
import { isBehind } from './behind.ts';
import { type BuildOptions, type BuildResult, build, openProject } from './build.ts';
import { Landing } from './landing.ts';
import { load } from './load.ts';
import type { LoadOptions, LoadResult } from './load-context.ts';
import { refuseMistakes } from './mistakes.ts';
import { publish } from './publish.ts';
import { refuseOtherFile } from './publishing/target.ts';
import { count } from './reporter.ts';
import {
  builtModels,
  type ChosenTests,
  chooseTests,
  failedTests,
  type TestOptions,
  testAll,
  testBuilt,
} from './test.ts';
import type { Workspace } from './workspace.ts';

/** How a command that changes the warehouse ended. */
export interface Outcome {
  /** 0: nobody need look. 1: something failed. 3: done, but a person should look. */
  exitCode: 0 | 1 | 3;
  /** What a person should look at, a line each. */
  attention: string[];
  loaded?: LoadResult;
  built?: BuildResult;
  /** Tests that were run, and how they ended. */
  tests?: TestOutcome[];
  /** Whether analysts have a new copy. */
  published: boolean;
}

/** What the work of a command comes to, before it is published. */
type Work = Omit<Outcome, 'published'> & {
  /** Whether there is anything new for analysts to see. */
  changed: boolean;
};

/** Schema, load, build, test, publish: what a scheduler calls. */
export async function run(workspace: Workspace, options: LoadOptions & BuildOptions = {}): Promise<Outcome> {
  await refuseMistakes(workspace, options);
  return recorded(workspace, 'run', options, async (runId) => {
    const { source, dryRun = false } = options;
    const schema = await applySchema(workspace, runId, { source, dryRun });
    const loaded = await loadFeeds(workspace, runId, options);
    const { built, tests } = await buildAndTest(workspace, runId, options).catch(asStarted);
    return {
      ...(await judge(workspace, runId, { loaded, built, tests })),
      ...{ loaded, built, tests, changed: schema.changed || loaded.changed || built.changed },
    };
  });
}

/** Mistakes in models stop no load. They are a failure of the run then, and not of what was asked for. */
function asStarted(error: unknown): never {
  if (!(error instanceof ModelError)) throw error;
  throw new BuildError(error.message, {
    ...(error.hint !== undefined && { hint: error.hint }),
    cause: error,
  });
}

/** Follows the schema documents, and does what a person decided about changes; publishes nothing. */
export async function schemaOnly(
  workspace: Workspace,
  options: SchemaOptions = {},
): Promise<Outcome & { schema: SchemaResult }> {
  let schema: SchemaResult | undefined;
  const outcome = await recorded(workspace, 'schema', options, async (runId) => {
    schema = await applySchema(workspace, runId, options);
    const failed = schema.failed.map(({ source, message }) => `source ${source}: ${message}`);
    const attention = [...failed, ...schema.attention];
    const exitCode = failed.length > 0 ? 1 : attention.length > 0 ? 3 : 0;
    return { exitCode, attention, changed: false };
  });
  return { ...outcome, schema: schema as SchemaResult };
}

/** Discover, fetch, stage. */
export async function loadOnly(workspace: Workspace, options: LoadOptions = {}): Promise<Outcome> {
  await refuseMistakes(workspace, options);
  return recorded(workspace, 'load', options, async (runId) => {
    const loaded = await loadFeeds(workspace, runId, options);
    return { ...(await judge(workspace, runId, { loaded })), loaded, changed: false };
  });
}

/** Runs models, tests what came of it, and publishes that. */
export async function buildOnly(workspace: Workspace, options: BuildOptions = {}): Promise<Outcome> {
  await refuseMistakes(workspace, options);
  return recorded(workspace, 'build', options, async (runId) => {
    const { built, tests } = await buildAndTest(workspace, runId, options);
    const judged = await judge(workspace, runId, { built, tests });
    return { ...judged, built, tests, changed: built.changed };
  });
}

/** Runs the tests of a selection, and publishes nothing. */
export async function testOnly(
  workspace: Workspace,
  options: TestOptions = {},
): Promise<Outcome & { tests: TestOutcome[]; chosen: ChosenTests }> {
  const project = await openProject(workspace.config, workspace.catalogue);
  const chosen = await chooseTests(workspace, project, options);
  let tests: TestOutcome[] = [];
  const outcome = await recorded(workspace, 'test', options, async (runId) => {
    if (!options.dryRun) tests = await testAll(workspace, runId, chosen);
    const attention = failedTests(tests);
    return { exitCode: attention.length > 0 ? 3 : 0, attention, changed: false };
  });
  return { ...outcome, tests, chosen };
}

async function buildAndTest(
  workspace: Workspace,
  runId: number,
  options: BuildOptions,
): Promise<{ built: BuildResult; tests: TestOutcome[] }> {
  const before = await builtModels(workspace.session);
  const built = await build(workspace, runId, options);
  if (options.dryRun) return { built, tests: [] };
  const { project } = built;
  const fullRefresh = options.fullRefresh === true;
  const tests = await testBuilt(workspace, runId, { project, before, fullRefresh, built: built.built });
  return { built, tests };
}

async function loadFeeds(workspace: Workspace, runId: number, options: LoadOptions): Promise<LoadResult> {
  const { config, clock, reporter } = workspace;
  const landing = options.dryRun ? new Landing(config.landing) : await Landing.open(config.landing, clock());
  try {
    return await load(
      { ...workspace, sources: config.sources, lookBackDays: config.lookBackDays, landing, runId },
      options,
    );
  } finally {
    reporter.progress.stop();
  }
}

/** What a person should look at after this run. */
async function judge(
  { config, session, clock }: Workspace,
  runId: number,
  { loaded, built, tests = [] }: Pick<Work, 'loaded' | 'built' | 'tests'>,
): Promise<Pick<Outcome, 'exitCode' | 'attention'>> {
  const failed = [
    ...(loaded?.failedSources ?? []).map(({ source, error }) => `source ${source}: ${error.message}`),
    ...(built?.failed ?? []).map(({ model, message }) => `model ${model}: ${message}`),
  ];
  const attention = [...(await schemaAttention(session)), ...failedTests(tests)];
  if (tests.some(blocks)) attention.push('nothing is published until these tests pass');
  if (built && (built.changed || loaded?.changed || (await wasCutShort(session, runId)))) {
    await countAgain(session);
  }
  if (loaded && loaded.failedFiles > 0) {
    attention.push(`${count(loaded.failedFiles, 'file')} could not be staged and will be tried again`);
  }
  const rejected = await rejectsOpen(session);
  if (rejected > config.maxRejectedRows) {
    attention.push(`${count(rejected, 'rejected row')}, and max_rejected_rows is ${config.maxRejectedRows}`);
  }
  const unreconciled = await countUnreconciled(session);
  if (unreconciled > 0)
    attention.push(`${count(unreconciled, 'day')} of feeds whose row counts differ from the vendor's`);
  const gaps = await countGaps(session, new Date(clock().getTime() - config.lookBackDays * 86_400_000));
  if (gaps > 0) attention.push(`${count(gaps, 'partition')} missing in the last ${config.lookBackDays} days`);
  return {
    exitCode: failed.length > 0 ? 1 : attention.length > 0 ? 3 : 0,
    attention: [...failed, ...attention],
  };
}

/**
 * Does the work of a command, keeps its record in `ops.runs` however it ends, and publishes what came of it: after the
 * record is closed, so that the copy shows it.
 */
async function recorded(
  workspace: Workspace,
  command: string,
  { dryRun }: { dryRun?: boolean },
  work: (runId: number) => Promise<Work>,
): Promise<Outcome> {
  if (dryRun) return { ...(await work(0)), published: false };
  const { session, clock, config, reporter, redact } = workspace;
  const mayPublish = command === 'run' || command === 'build';
  if (mayPublish) await refuseOtherFile(session, config.publish);
  const runId = await startRun(session, command, clock());
  try {
    const { changed, ...outcome } = await work(runId);
    await finishRun(session, runId, {
      finished_at: clock(),
      status: outcome.exitCode === 0 ? 'done' : outcome.exitCode === 3 ? 'attention' : 'failed',
      exit_code: outcome.exitCode,
      message: redact(outcome.attention.join('\n')) || null,
    });
    const publishes =
      mayPublish && !outcome.tests?.some(blocks) && (changed || (await isBehind(session, config.publish)));
    if (publishes) {
      reporter.progress.activity('publishing');
      await publish(session, config.publish);
    }
    return { ...outcome, published: publishes };
  } catch (error) {
    const failure = {
      finished_at: clock(),
      status: 'failed',
      exit_code: exitCodeOf(error),
      message: redact((error as Error).message),
    } as const;
    await finishRun(session, runId, failure).catch(() => {});
    throw error;
  }
}
