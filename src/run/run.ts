import { ModelError } from '../errors.ts';
import { updateStandingFailures } from '../ledger/failures.ts';
import { recordModelColumns } from '../ledger/model-columns.ts';
import { wasInterrupted } from '../ledger/runs.ts';
import { load } from '../load/load.ts';
import type { LoadOptions, LoadResult } from '../load/load-run.ts';
import { type BuildOptions, type BuildResult, build, openProject } from '../models/build/build.ts';
import { keyColumns } from '../models/key-columns.ts';
import type { TestOutcome } from '../models/tests/run-test.ts';
import {
  type ChosenTests,
  chooseTests,
  failedTests,
  type TestOptions,
  testAll,
  testBuilt,
} from '../models/tests/test.ts';
import { planCopy } from '../publish/copy-plan.ts';
import { applySchema, type SchemaOptions, type SchemaResult } from '../schema/follow.ts';
import { applyPolicyToProposals } from '../schema/proposal-policy.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { type Attempt, attemptsOf, type Endings } from './attempts.ts';
import { attentionOf, failureItem } from './attention/attention.ts';
import { noteUnmodelled } from './attention/unmodelled.ts';
import { refuseMistakes } from './mistakes.ts';
import { countAgain } from './reconcile.ts';
import { type Command, DRY_RUN, type Outcome, recorded } from './record.ts';

const RUN: Command = { name: 'run', publishes: true };
const LOAD: Command = { name: 'load', publishes: false };
const BUILD: Command = { name: 'build', publishes: true };
const TEST: Command = { name: 'test', publishes: false };
const SCHEMA: Command = { name: 'schema', publishes: false };

/** Schema, load, build, test, publish: what a scheduler calls. */
export async function run(workspace: Workspace, options: LoadOptions & BuildOptions = {}): Promise<Outcome> {
  await refuseMistakes(workspace, options);
  return recorded(workspace, RUN, options, async (runId) => {
    const { source, dryRun = false } = options;
    const schema = await applySchema(workspace, runId, { source, dryRun });
    const loaded = await loadFeeds(workspace, runId, options);
    const { built, tests } = await buildAndTest(workspace, runId, options);
    return {
      ...(await conclude(workspace, runId, options, { schema, loaded, built, tests })),
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
  const outcome = await recorded(workspace, SCHEMA, options, async (runId) => {
    schema = await applySchema(workspace, runId, options);
    if (!options.dryRun)
      return { ...(await conclude(workspace, runId, options, { schema })), changed: false };
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
  return recorded(workspace, LOAD, options, async (runId) => {
    const loaded = await loadFeeds(workspace, runId, options);
    if (runId !== DRY_RUN) await noteModelColumns(workspace);
    return { ...(await conclude(workspace, runId, options, { loaded })), loaded, changed: false };
  });
}

/** Models may be new since the last build: what does not fit a column is judged by what they do with it. */
async function noteModelColumns({ session, config, catalogue }: Workspace): Promise<void> {
  const [misfit] = await session.rows('SELECT 1 FROM ops.column_misfits LIMIT 1');
  if (!misfit || config.models === undefined) return;
  try {
    await recordModelColumns(session, keyColumns(await openProject(config, catalogue)));
  } catch (error) {
    // What is wrong with the models is said when they are built.
    if (!(error instanceof ModelError)) throw error;
  }
}

/** Runs models, tests what came of it, and publishes that. */
export async function buildOnly(workspace: Workspace, options: BuildOptions = {}): Promise<Outcome> {
  await refuseMistakes(workspace, options);
  return recorded(workspace, BUILD, options, async (runId) => {
    const { built, tests } = await buildAndTest(workspace, runId, options);
    const judged = await conclude(workspace, runId, {}, { built, tests });
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
  const outcome = await recorded(workspace, TEST, options, async (runId) => {
    if (!options.dryRun) {
      tests = await workspace.timings.during('testing', () => testAll(workspace, runId, chosen));
    }
    const { attention } = await conclude(workspace, runId, {}, { tests, project });
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
  const { timings } = workspace;
  const built = await timings.during('building', () => build(workspace, runId, options));
  if (options.dryRun) return { built, tests: [] };
  await recordModelColumns(workspace.session, keyColumns(built.project));
  const fullRefresh = options.fullRefresh === true;
  const tests = await timings.during('testing', () => testBuilt(workspace, runId, { ...built, fullRefresh }));
  return { built, tests };
}

async function loadFeeds(workspace: Workspace, runId: number, options: LoadOptions): Promise<LoadResult> {
  try {
    const loaded = await load(workspace, runId, options);
    if (runId !== DRY_RUN) await applyPolicyToProposals(workspace, runId);
    return loaded;
  } finally {
    workspace.reporter.progress.stop();
  }
}

/** Notes in the ledger how the parts of a command ended, and says what a person should look at from now on. */
async function conclude(
  workspace: Workspace,
  runId: number,
  options: LoadOptions,
  endings: Endings,
): Promise<Pick<Outcome, 'exitCode' | 'attention'>> {
  const attempts = attemptsOf(workspace, endings, options);
  if (runId !== DRY_RUN) await note(workspace, runId, endings, attempts);
  return judge(workspace, runId, attempts);
}

async function note(
  { session, config, clock }: Workspace,
  runId: number,
  { loaded, built }: Endings,
  attempts: readonly Attempt[],
): Promise<void> {
  if (built && (built.changed || loaded?.changed || (await wasInterrupted(session, runId))))
    await countAgain(session, clock());
  await updateStandingFailures(session, attempts, { runId, now: clock() });
  if (!built) return;
  await noteUnmodelled(session, built, config.sources, clock());
  await planCopy(session, built.project, config.publish);
}

/** What a person should look at as the ledger stands, and in a dry run, which notes nothing, what it met. */
async function judge(
  { session, config, clock }: Workspace,
  runId: number,
  attempts: readonly Attempt[],
): Promise<Pick<Outcome, 'exitCode' | 'attention'>> {
  const met = runId === DRY_RUN ? attempts : [];
  const attention = [
    ...met.flatMap(({ kind, failed }) =>
      failed.map((one) => failureItem({ source: null, hint: null, ...one, kind })),
    ),
    ...(await attentionOf({ session, config, now: clock(), runId })),
  ];
  const hasFailed = attempts.some(({ fails, failed }) => fails && failed.length > 0);
  return { exitCode: hasFailed ? 1 : attention.length > 0 ? 3 : 0, attention };
}
