import type { Attention } from '../attention.ts';
import { exitCodeOf, ModelError, WarehouseError } from '../errors.ts';
import { type FailureKind, type FreshFailure, settleFailures } from '../ledger/failures.ts';
import { rememberModelColumns } from '../ledger/model-columns.ts';
import { finishRun, startRun, wasCutShort } from '../ledger/runs.ts';
import type { Failure } from '../ledger/tables.ts';
import { Landing } from '../load/landing.ts';
import { load } from '../load/load.ts';
import type { LoadOptions, LoadResult } from '../load/load-context.ts';
import type { Project } from '../models/assemble.ts';
import { type BuildOptions, type BuildResult, build, openProject } from '../models/build/build.ts';
import { keyColumns } from '../models/key-columns.ts';
import type { TestOutcome } from '../models/tests/run-test.ts';
import {
  builtModels,
  type ChosenTests,
  chooseTests,
  failedTests,
  type TestOptions,
  testAll,
  testBuilt,
} from '../models/tests/test.ts';
import { planTests } from '../models/tests/test-plan.ts';
import { isBehind } from '../publish/behind.ts';
import { planCopy } from '../publish/copy-plan.ts';
import { publish } from '../publish/publish.ts';
import { refuseOtherFile } from '../publish/target.ts';
import { applySchema, type SchemaOptions, type SchemaResult } from '../schema/follow.ts';
import { settleProposals } from '../schema/settle.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { attentionOf, failureItem } from './attention/attention.ts';
import { noteUnmodelled } from './attention/unmodelled.ts';
import { refuseMistakes } from './mistakes.ts';
import { countAgain } from './reconcile.ts';

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
type Work = Omit<Outcome, 'published'> & {
  /** Whether there is anything new for analysts to see. */
  changed: boolean;
};

/** In place of a run's number, where nothing is to be written. */
const DRY_RUN = 0;

/** Schema, load, build, test, publish: what a scheduler calls. */
export async function run(workspace: Workspace, options: LoadOptions & BuildOptions = {}): Promise<Outcome> {
  await refuseMistakes(workspace, options);
  return recorded(workspace, 'run', options, async (runId) => {
    const { source, dryRun = false } = options;
    const schema = await applySchema(workspace, runId, { source, dryRun });
    const loaded = await loadFeeds(workspace, runId, options);
    const { built, tests } = await buildAndTest(workspace, runId, options);
    return {
      ...(await judge(workspace, runId, options, { schema, loaded, built, tests })),
      loaded,
      built,
      tests,
      changed: schema.changed || loaded.changed || built.changed,
    };
  });
}

/** Follows the schema documents, and does what a person decided about changes; publishes nothing. */
export async function schemaOnly(
  workspace: Workspace,
  options: SchemaOptions = {},
): Promise<Outcome & { schema: SchemaResult }> {
  await refuseMistakes(workspace, { source: options.source });
  let schema: SchemaResult | undefined;
  const outcome = await recorded(workspace, 'schema', options, async (runId) => {
    schema = await applySchema(workspace, runId, options);
    if (!options.dryRun) return { ...(await judge(workspace, runId, options, { schema })), changed: false };
    const failed = schema.failed.map(({ source, error }) =>
      failureItem({ kind: 'document', name: source, source: null, message: error.message, hint: null }),
    );
    const attention = [...failed, ...schema.attention];
    return { exitCode: failed.length > 0 ? 1 : attention.length > 0 ? 3 : 0, attention, changed: false };
  });
  return { ...outcome, schema: schema as SchemaResult };
}

/** Discover, fetch, stage. */
export async function loadOnly(workspace: Workspace, options: LoadOptions = {}): Promise<Outcome> {
  await refuseMistakes(workspace, options);
  return recorded(workspace, 'load', options, async (runId) => {
    const loaded = await loadFeeds(workspace, runId, options);
    if (runId !== DRY_RUN) await noteModelColumns(workspace);
    return { ...(await judge(workspace, runId, options, { loaded })), loaded, changed: false };
  });
}

/** Models may be new since the last build: what does not fit a column is judged by what they do with it. */
async function noteModelColumns({ session, config, catalogue }: Workspace): Promise<void> {
  const [misfit] = await session.rows('SELECT 1 FROM ops.column_misfits LIMIT 1');
  if (!misfit || config.models === undefined) return;
  try {
    await rememberModelColumns(session, keyColumns(await openProject(config, catalogue)));
  } catch (error) {
    // What is wrong with the models is said when they are built.
    if (!(error instanceof ModelError)) throw error;
  }
}

/** Runs models, tests what came of it, and publishes that. */
export async function buildOnly(workspace: Workspace, options: BuildOptions = {}): Promise<Outcome> {
  await refuseMistakes(workspace, options);
  return recorded(workspace, 'build', options, async (runId) => {
    const { built, tests } = await buildAndTest(workspace, runId, options);
    const judged = await judge(workspace, runId, {}, { built, tests });
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
    const { attention } = await judge(workspace, runId, {}, { tests, project });
    // What else there is to look at is not what was asked.
    return { exitCode: failedTests(tests).length > 0 ? 3 : 0, attention, changed: false };
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
  await rememberModelColumns(workspace.session, keyColumns(project));
  const fullRefresh = options.fullRefresh === true;
  const tests = await testBuilt(workspace, runId, { project, before, fullRefresh, built: built.built });
  return { built, tests };
}

async function loadFeeds(workspace: Workspace, runId: number, options: LoadOptions): Promise<LoadResult> {
  const { config, clock, reporter } = workspace;
  await using landing = options.dryRun
    ? new Landing(config.landing)
    : await Landing.open(config.landing, clock());
  try {
    const loaded = await load(
      {
        ...workspace,
        sources: config.sources,
        lookBackDays: config.lookBackDays,
        limits: config.limits,
        landing,
        runId,
      },
      options,
    );
    if (runId !== DRY_RUN) await settleProposals(workspace, runId);
    return loaded;
  } finally {
    reporter.progress.stop();
  }
}

/** How the parts of a command ended, as far as it did them. */
type Endings = Pick<Work, 'loaded' | 'built' | 'tests'> & {
  schema?: SchemaResult;
  /** Tests that were run are not all that there are: a person's selection. */
  project?: Project;
};

/** Writes down how the parts of a command ended, and says what a person should look at from now on. */
async function judge(
  workspace: Workspace,
  runId: number,
  options: LoadOptions,
  endings: Endings,
): Promise<Pick<Outcome, 'exitCode' | 'attention'>> {
  const { config, session, clock } = workspace;
  const { loaded, built } = endings;
  const dryRun = runId === DRY_RUN;
  if (!dryRun && built && (built.changed || loaded?.changed || (await wasCutShort(session, runId)))) {
    await countAgain(session, clock());
  }
  const kinds = failuresOf(workspace, endings, options);
  if (!dryRun) {
    for (const { kind, failed, wasTried } of kinds)
      await settleFailures(session, kind, failed, wasTried, { runId, now: clock() });
  }
  if (!dryRun && built) {
    await noteUnmodelled(session, built.project, config.sources, clock());
    await planCopy(session, built.project, config.publish);
  }
  const standing = await attentionOf({ session, config, now: clock(), runId });
  const fresh = dryRun
    ? kinds.flatMap(({ kind, failed }) =>
        failed.map((one) => failureItem({ source: null, hint: null, ...one, kind })),
      )
    : [];
  const attention = [...fresh, ...standing];
  const failedNow = kinds.some(({ fails, failed }) => fails && failed.length > 0);
  return { exitCode: failedNow ? 1 : attention.length > 0 ? 3 : 0, attention };
}

interface KindOfFailure {
  kind: FailureKind;
  failed: FreshFailure[];
  wasTried: (failure: Failure) => boolean;
  /** Whether a command that tried it has failed. */
  fails: boolean;
}

/** What failed of each kind, and what would have. What is in the configuration or the project no more is over, too. */
function failuresOf(
  { config, redact }: Workspace,
  { schema, loaded, built, tests, project = built?.project }: Endings,
  { feed }: LoadOptions,
): KindOfFailure[] {
  const configured = new Set(config.sources.map(({ name }) => name));
  const gone = (source: string | null) => source !== null && !configured.has(source);
  const asFailure = (name: string, error: Error) => ({
    name,
    message: redact(error.message),
    ...(error instanceof WarehouseError && error.hint !== undefined && { hint: redact(error.hint) }),
  });
  const kinds: KindOfFailure[] = [];
  if (schema) {
    const unreachable = new Set(loaded?.failedSources.map(({ source }) => source));
    kinds.push({
      kind: 'document',
      fails: loaded === undefined,
      failed: schema.failed
        .filter(({ source }) => !unreachable.has(source))
        .map(({ source, error }) => asFailure(source, error)),
      wasTried: ({ name }) => schema.looked.includes(name) || gone(name),
    });
  }
  if (loaded) {
    const { triedSources, failedSources, failedFeeds } = loaded;
    const whole = (source: string) => !failedSources.some((failure) => failure.source === source);
    kinds.push({
      kind: 'source',
      fails: true,
      failed: failedSources.map(({ source, error }) => asFailure(source, error)),
      wasTried: ({ name }) => triedSources.includes(name) || gone(name),
    });
    kinds.push({
      kind: 'feed',
      fails: true,
      failed: failedFeeds.map(({ source, feed, error }) => ({ ...asFailure(feed, error), source })),
      wasTried: ({ name, source }) =>
        gone(source) ||
        (source !== null &&
          triedSources.includes(source) &&
          whole(source) &&
          (feed === undefined ||
            feed.some((each) => `.${name.replace(/__v[^.]*$/, '')}`.endsWith(`.${each}`)))),
    });
  }
  if (built) {
    const { models, broken, problems } = built.project;
    const wrong = new Set(problems.map(({ file }) => file));
    kinds.push({
      kind: 'model',
      fails: true,
      failed: built.failed.map(({ model, message, hint }) => ({
        name: model,
        message: redact(message),
        ...(hint !== undefined && { hint }),
      })),
      wasTried: ({ name }) =>
        built.chosen.includes(name) || !(models.has(name) || broken.has(name) || wrong.has(name)),
    });
  }
  if (tests && project) {
    const ran = new Set(tests.map(({ test }) => test));
    const planned = new Set(planTests(project).map(({ name }) => name));
    kinds.push({
      kind: 'test',
      fails: false,
      failed: failedTests(tests).map((failure) => ({ ...failure, message: redact(failure.message) })),
      wasTried: ({ name }) => ran.has(name) || !planned.has(name),
    });
  }
  return kinds;
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
  if (dryRun) return { ...(await work(DRY_RUN)), published: false };
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
      message: redact(outcome.attention.map(({ message }) => message).join('\n')) || null,
    });
    const publishes = mayPublish && (changed || (await isBehind(session, config.publish)));
    if (publishes) {
      reporter.progress.activity('publishing');
      await publish(session, config.publish, config.publishMode);
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
