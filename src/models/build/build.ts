import pMap from 'p-map';
import type { Config } from '../../config/config.ts';
import type { Catalogue } from '../../feeds/catalogue.ts';
import { modelledFeeds } from '../../feeds/catalogue.ts';
import type { BuiltModel } from '../../ledger/tables.ts';
import type { Reporter } from '../../reporter.ts';
import type { Session } from '../../warehouse/session.ts';
import { knownFeeds } from '../../workspace/known-feeds.ts';
import { BUNDLED_MODELS, type Workspace } from '../../workspace/workspace.ts';
import type { Project } from '../assemble.ts';
import { chooseModels, type Selection, unprovenModels } from '../choose.ts';
import { readFeedComments } from '../comments.ts';
import { dialectOf } from '../dialect/engine.ts';
import { unknownSources } from '../graph.ts';
import { type ModelProblem, problemText } from '../problems.ts';
import { loadProject } from '../project.ts';
import { modelTable } from '../relations.ts';
import { checkBeforeBuild } from '../tests/test.ts';
import { leftOutModels, withdrawnModels } from '../withdrawal.ts';
import { type DueModel, type FailedModel, ModelBuild } from './build-model.ts';
import { BuildInputs } from './inputs.ts';
import { settledModels } from './settled.ts';
import { withdraw } from './withdraw.ts';

export interface BuildOptions extends Selection {
  /** Builds each model from all of its rows, whether anything changed or not. */
  fullRefresh?: boolean;
  dryRun?: boolean;
}

export interface BuildResult {
  project: Project;
  /** What the models had been built from before. */
  before: ReadonlyMap<string, BuiltModel>;
  /** What they are made of now. */
  inputs: BuildInputs;
  /** Models that the selection means. */
  chosen: readonly string[];
  /** Models that were built, those that others read before those. */
  built: string[];
  /** Models that could not be built; and files of models that cannot be understood, by their own names. */
  failed: FailedModel[];
  /** Models whose tables are not published any more. */
  withdrawn: readonly string[];
  /** Left out because what they read is not there, or failed. */
  skipped: { model: string; message: string }[];
  /** Whether any table is not as it was. */
  changed: boolean;
  /** What a dry run found to build. */
  planned: { model: string }[];
}

/** Transactions that build models at the same time. DuckDB spreads each over all cores; more would only wait. */
const SIDE_BY_SIDE = 4;
/** Models that read so many rows in all are built in one transaction: for small ones, committing is most of the work. */
const ROWS_TOGETHER = 1_000_000;

/** All models: the bundled ones, the user's own, and those that follow from the schema documents. */
export function openProject(config: Config, catalogue: Catalogue): Promise<Project> {
  return loadProject({
    directories: [BUNDLED_MODELS, ...(config.models ? [config.models] : [])],
    feeds: modelledFeeds(catalogue),
    vars: config.vars,
    env: process.env,
    secrets: config.secrets,
    secretVariables: config.secretVariables,
    targetName: config.environment ?? 'default',
  });
}

/**
 * Builds the models whose rows or definitions have changed; those that do not read each other side by side, and small ones in
 * one transaction. One that something is wrong with fails, and what reads it is left as it is; the others are built.
 * @throws ModelError when the folder of models cannot be read
 */
export async function build(
  workspace: Workspace,
  runId: number,
  options: BuildOptions = {},
): Promise<BuildResult> {
  const project = await openProject(workspace.config, workspace.catalogue);
  const { select = [], exclude = [], dryRun = false } = options;
  const chosen = await chooseModels(workspace, project, options);
  const inputs = await BuildInputs.read(workspace.session);
  const before = new Map(inputs.built);
  const known = await knownFeeds(workspace, inputs.feeds.values());
  const mistakes = mistakesByModel([
    ...[...project.broken.values()].flatMap(({ problems }) => problems),
    ...[...project.models.values()].flatMap((model) => unknownSources(model, known)),
  ]);
  const prepare = once(async () => {
    const unproven = new Set(unprovenModels(project, inputs, leftOut).filter((id) => chosen.includes(id)));
    const settled = settledModels(project, inputs);
    const unsettled = chosen.filter((id) => !settled.has(id));
    const found = await checkBeforeBuild(workspace, project, unsettled, unproven);
    for (const [id, problems] of mistakesByModel(found)) mistakes.set(id, problems);
    if (!dryRun) await createSchemas(workspace.session, chosen);
  });
  const leftOut = leftOutModels(project, workspace.config.sources);
  const withdrawn = await withdrawModels(workspace, project, inputs, { leftOut, dryRun });
  const feedComments = once(() => readFeedComments(workspace.reader));
  const plan = { inputs, mistakes, leftOut, prepare, feedComments };
  const work = new ModelBuild(workspace, plan, { ...options, runId });
  const idle: Session[] = [];
  for (const level of project.graph.levels) {
    const due: DueModel[] = [];
    for (const id of level.filter((each) => chosen.includes(each))) {
      workspace.signal?.throwIfAborted();
      const model = project.models.get(id);
      const found = model && (await work.due(model));
      if (!model) work.fail(id, mistakes.get(id) ?? []);
      if (found) due.push(found);
    }
    if (due.some(({ model }) => inputs.rowsRead(model) > ROWS_TOGETHER))
      await workspace.session.useAllThreads();
    await pMapAll(together(due, inputs), async (models) => {
      const session = idle.pop() ?? (await workspace.connect());
      await work.build(models, session);
      idle.push(session);
    });
  }
  if (select.length === 0 && exclude.length === 0) work.failFiles(project.problems);
  const place = new Map(chosen.map((id, index) => [id, index]));
  const inOrder = <T extends { model: string }>(found: readonly T[]) =>
    found.toSorted((a, b) => (place.get(a.model) ?? 0) - (place.get(b.model) ?? 0));
  const { built, failed, skipped, planned, changed } = work.result;
  return {
    project,
    before,
    inputs,
    chosen,
    withdrawn,
    changed: changed || withdrawn.length > 0,
    built: inOrder(built).map(({ model }) => model),
    failed: inOrder(failed),
    skipped: inOrder(skipped),
    planned: inOrder(planned),
  };
}

/** Takes out the tables of models that are no more, and says so: once, since then they are not known any more. */
async function withdrawModels(
  { session, reporter, clock }: Workspace,
  project: Project,
  { built, present }: BuildInputs,
  { leftOut, dryRun }: { leftOut: ReadonlyMap<string, string>; dryRun: boolean },
): Promise<string[]> {
  const there = [...built.values()].filter(({ withdrawn_at }) => withdrawn_at === null);
  const gone = withdrawnModels(
    project,
    there.map(({ model }) => model),
    leftOut,
  );
  for (const row of there) {
    const why = gone.get(row.model);
    if (why === undefined) continue;
    reporter.info(`${row.model} ${dryRun ? 'would be' : 'is'} withdrawn: ${why}`);
    if (dryRun) continue;
    await withdraw(session, row, clock());
    built.delete(row.model);
    present.delete(row.model);
  }
  return [...gone.keys()];
}

/** For commands that build nothing: what is wrong with models, since the others are there all the same. */
export function warnOfMistakes({ problems }: Project, reporter: Pick<Reporter, 'warn'>): void {
  for (const problem of problems) reporter.warn(problemText(problem));
}

/** Problems by the models whose affair they are. */
function mistakesByModel(problems: readonly ModelProblem[]): Map<string, ModelProblem[]> {
  const found = new Map<string, ModelProblem[]>();
  for (const problem of problems)
    for (const id of problem.models ?? []) found.set(id, [...(found.get(id) ?? []), problem]);
  return found;
}

/** Parts models into those that are built in one transaction each. */
function together(due: readonly DueModel[], inputs: BuildInputs): DueModel[][] {
  const parts: DueModel[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const one of due.toSorted((a, b) => inputs.rowsRead(a.model) - inputs.rowsRead(b.model))) {
    rows += inputs.rowsRead(one.model);
    if (rows <= ROWS_TOGETHER) {
      parts.at(-1)?.push(one);
      continue;
    }
    parts.push([one]);
    rows = inputs.rowsRead(one.model);
  }
  return parts;
}

/** Two transactions that create one schema get in each other's way. */
async function createSchemas(session: Session, models: readonly string[]): Promise<void> {
  const schemas = new Set(models.map((id) => modelTable(id).schema));
  for (const schema of schemas) await session.run(dialectOf(session).createSchema(schema));
}

/** Does some of the work at the same time. Waits for all that was begun, also when one of it throws. */
async function pMapAll<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  await pMap(items, work, { concurrency: SIDE_BY_SIDE, stopOnError: false }).catch((error) => {
    throw error instanceof AggregateError ? error.errors[0] : error;
  });
}

/** A function that does its work at the first call, and gives what came of it at every call. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
