import type { NewFailure } from '../../ledger/failures.ts';
import { type StagingProgress, stagingProgress } from '../../ledger/feeds.ts';
import { builtModels } from '../../ledger/models.ts';
import type { BuiltModel } from '../../ledger/tables.ts';
import { type LatestResult, latestResults, recordResults } from '../../ledger/tests.ts';
import { presentRelations } from '../../warehouse/tables.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import type { Project } from '../assemble.ts';
import type { BuildInputs } from '../build/inputs.ts';
import { lastBuilds, type Selection } from '../choose.ts';
import type { ModelProblem } from '../problems.ts';
import { modelsBehind } from './behind.ts';
import { sqlProblems, testProblems } from './check.ts';
import { blocks, type TestBench, type TestOutcome, TestRunner } from './run-test.ts';
import { documentedTypes, Shapes } from './shapes.ts';
import { dedupTestName, type PlannedTest, planTests, selectTests } from './test-plan.ts';

/** How a build left things, for what is to be tested after it. */
export interface Built {
  project: Project;
  /** Models that were built. */
  built: readonly string[];
  /** What the models and the feeds are like now. */
  inputs: Pick<BuildInputs, 'built' | 'present' | 'feeds'>;
  /** What the models had been built from before. */
  before: ReadonlyMap<string, BuiltModel>;
  fullRefresh: boolean;
}

/**
 * Tests what has changed, before it is published: tests of tables that were built, or of rows that were staged, since they
 * were run last (also by a run that was killed before it came to them), those that were never run, and those that failed.
 * Cost follows what changed: of a dedup model that was built incrementally, only the rows that came since are accounted for.
 */
export async function testBuilt(workspace: Workspace, runId: number, built: Built): Promise<TestOutcome[]> {
  const { session, reporter, catalogue } = workspace;
  const { present, feeds, built: after } = built.inputs;
  const known: Known = { latest: await latestResults(session), present, after, feeds };
  const due = planTests(built.project).filter((test) => isDue(test, built, known));
  if (due.length === 0) return [];
  await using shapes = new Shapes(built.project, catalogue, session);
  await using unitShapes = new Shapes(built.project, catalogue, session, documentedTypes(catalogue));
  const outcomes = await runTests(workspace, runId, due, {
    shapes,
    unitShapes,
    present: known.present,
    examples: 0,
    behind: modelsBehind(built.project, known.feeds, known.after),
    since: sinceFiles(built, known),
  });
  for (const { test, status, message } of outcomes) {
    if (status === 'warn') reporter.warn(`${test}: ${message}`);
  }
  return outcomes;
}

/** What the ledger and the warehouse say after a build. */
interface Known {
  latest: ReadonlyMap<string, LatestResult>;
  present: TestBench['present'];
  after: ReadonlyMap<string, BuiltModel>;
  feeds: ReadonlyMap<string, StagingProgress>;
}

function isDue(test: PlannedTest, { built, before }: Built, known: Known): boolean {
  const { latest, present, after, feeds } = known;
  const last = latest.get(test.name);
  const again = last === undefined || blocks(last);
  if (test.kind === 'unit') {
    // It asks nothing of the tables: what it says changes with the model's text.
    const { id } = test.of;
    const changed = built.includes(id) && before.get(id)?.text !== after.get(id)?.text;
    return present.has(id) && (again || changed);
  }
  if (!readsOf(test).every((name) => present.has(name))) return false;
  return (
    again ||
    test.reads.some((id) => (after.get(id)?.run_id ?? 0) > last.run_id) ||
    test.sources.some(({ group, feed }) => (feeds.get(`${group}.${feed}`)?.run ?? 0) > last.run_id)
  );
}

/** Models that were brought up to date from the rows of later files than these, and were tested and right before. */
function sinceFiles(
  { project, built, before, fullRefresh }: Built,
  { latest, after, feeds }: Known,
): Map<string, number> {
  const since = new Map<string, number>();
  if (fullRefresh) return since;
  for (const id of built) {
    const model = project.models.get(id);
    const old = before.get(id);
    if (!model || !old || old.definition !== after.get(id)?.definition) continue;
    const wasRight = (['key_unique', 'conservation'] as const).every((rule) => {
      const last = latest.get(dedupTestName(rule, model));
      return last?.status === 'pass' && last.run_id >= old.run_id;
    });
    // Keys whose rows went with a file are no longer known: then all of them are looked at.
    const went = model.sources.some(
      ({ group, feed }) => (feeds.get(`${group}.${feed}`)?.replacing ?? 0) > old.watermark,
    );
    if (wasRight && !went) since.set(id, old.watermark);
  }
  return since;
}

export interface TestOptions extends Selection {
  dryRun?: boolean;
}

/** The tests that a selection means. */
export interface ChosenTests {
  project: Project;
  /** Those that can be run. */
  ready: readonly PlannedTest[];
  /** Tests of tables that are not there yet: there is nothing to say of them. */
  leftOut: readonly PlannedTest[];
}

/**
 * Looks up a selection among all tests, unit tests too.
 * @throws UsageError for a selection that matches nothing
 */
export async function chooseTests(
  workspace: Workspace,
  project: Project,
  { select = [], exclude = [] }: TestOptions,
): Promise<ChosenTests> {
  const builds = await lastBuilds(workspace, project, { select, exclude });
  const chosen = selectTests(planTests(project), project, select, exclude, builds);
  const present = await presentRelations(workspace.session);
  const isReady = (test: PlannedTest) => readsOf(test).every((name) => present.has(name));
  return { project, ready: chosen.filter(isReady), leftOut: chosen.filter((test) => !isReady(test)) };
}

/** Runs tests, each of all rows. */
export async function testAll(
  workspace: Workspace,
  runId: number,
  { project, ready }: ChosenTests,
): Promise<TestOutcome[]> {
  const { session, catalogue } = workspace;
  await using shapes = new Shapes(project, catalogue, session);
  await using unitShapes = new Shapes(project, catalogue, session, documentedTypes(catalogue));
  return await runTests(workspace, runId, ready, {
    shapes,
    unitShapes,
    since: new Map(),
    examples: EXAMPLES,
    present: await presentRelations(session),
    behind: modelsBehind(project, await stagingProgress(session), await builtModels(session)),
  });
}

/** The tables and views that a test reads, as `schema.name`. */
function readsOf({ reads, sources }: PlannedTest): string[] {
  return [...reads, ...sources.map(({ group, feed }) => `staging_${group}.${feed}`)];
}

/** So many failing rows are shown of each test. */
const EXAMPLES = 3;

async function runTests(
  { session, clock, reporter, redact, signal }: Workspace,
  runId: number,
  tests: readonly PlannedTest[],
  bench: Omit<TestBench, 'session' | 'clock'>,
): Promise<TestOutcome[]> {
  const runner = new TestRunner({ ...bench, session, clock });
  const outcomes: TestOutcome[] = [];
  for (const test of tests) {
    signal?.throwIfAborted();
    reporter.progress.activity(`testing ${test.name}`);
    outcomes.push(await runner.run(test));
  }
  await recordResults(
    session,
    outcomes.map(({ lines: _, ...outcome }) => ({
      run_id: runId,
      ...outcome,
      message: outcome.message && redact(outcome.message),
    })),
  );
  return outcomes;
}

/** Tests that did not pass, with what to type to see more. */
export function failedTests(outcomes: readonly TestOutcome[]): NewFailure[] {
  return outcomes
    .filter(({ status }) => status === 'fail' || status === 'error')
    .map((outcome) => ({
      name: outcome.test,
      message: `${outcome.status === 'fail' ? 'failed' : 'could not be run'}: ${outcome.message}`,
      hint: `asapp-warehouse test --select ${outcome.test}`,
      blocks: blocks(outcome),
    }));
}

/**
 * What is wrong with tests and descriptions, by the columns that models will have, and with the SQL of some models.
 * @param unproven models that were never built as they are written now
 */
export async function checkBeforeBuild(
  { session, catalogue }: Workspace,
  project: Project,
  chosen: readonly string[],
  unproven: ReadonlySet<string>,
): Promise<ModelProblem[]> {
  await using shapes = new Shapes(project, catalogue, session);
  const wrong = await sqlProblems(project, shapes, unproven);
  return [...wrong, ...(await testProblems(project, shapes, new Set(chosen)))];
}
