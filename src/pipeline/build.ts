import pMap from 'p-map';
import type { Config } from '../config/config.ts';
import type { Catalogue } from '../feeds/catalogue.ts';
import type { Project } from '../models/assemble.ts';
import { loadProject } from '../models/project.ts';
import { modelTable, renderModel } from '../models/relations.ts';
import { selectModels } from '../models/selection.ts';
import { modelledFeeds } from '../schema/catalogue.ts';
import { followSchema } from '../schema/models.ts';
import type { Session } from '../warehouse/session.ts';
import { identifier } from '../warehouse/sql.ts';
import { BuildInputs } from './build-inputs.ts';
import { ModelBuild } from './model-build.ts';
import { checkBeforeBuild } from './test.ts';
import { BUNDLED_MODELS, type Workspace } from './workspace.ts';

export interface BuildOptions {
  select?: readonly string[];
  exclude?: readonly string[];
  /** Builds each model from all of its rows, whether anything changed or not. */
  fullRefresh?: boolean;
  dryRun?: boolean;
}

export interface BuildResult {
  project: Project;
  /** Models that the selection means. */
  chosen: readonly string[];
  /** Models that were built, those that others read before those. */
  built: string[];
  failed: { model: string; message: string }[];
  /** Left out because what they read is not there, or failed. */
  skipped: { model: string; message: string }[];
  /** Whether any table is not as it was. */
  changed: boolean;
  /** What a dry run found to build. */
  planned: { model: string }[];
}

/** Models that are built at the same time. DuckDB spreads each over all cores; more would only wait for each other. */
const SIDE_BY_SIDE = 4;

/** All models: the bundled ones, the user's own, and those that follow from the schema documents. */
export async function openProject(config: Config, catalogue: Catalogue): Promise<Project> {
  const feeds = modelledFeeds(catalogue);
  const project = await loadProject({
    directories: [BUNDLED_MODELS, ...(config.models ? [config.models] : [])],
    feeds,
    vars: config.vars,
    env: process.env,
    secrets: config.secrets,
    targetName: config.environment ?? 'default',
  });
  return followSchema(project, feeds, config.models);
}

/**
 * Builds the models whose rows or definitions have changed, each in one transaction; those that do not read each other side
 * by side.
 * @throws ModelError before anything is built where a model's SQL, a test or a description is wrong
 */
export async function build(
  workspace: Workspace,
  runId: number,
  options: BuildOptions = {},
): Promise<BuildResult> {
  const project = await openProject(workspace.config, workspace.catalogue);
  const chosen = selectModels(options.select ?? [], options.exclude ?? [], {
    models: project.models.values(),
    graph: project.graph,
  });
  const inputs = await BuildInputs.read(workspace.session);
  const prepare = once(async () => {
    await checkBeforeBuild(workspace, project, chosen, unproven(project, chosen, inputs));
    if (!options.dryRun) await createSchemas(workspace.session, chosen);
  });
  const work = new ModelBuild(workspace, inputs, prepare, { ...options, runId });
  const idle: Session[] = [];
  for (const level of project.graph.levels) {
    const models = level.flatMap((id) => (chosen.includes(id) ? (project.models.get(id) ?? []) : []));
    await pMapAll(models, async (model) => {
      workspace.signal?.throwIfAborted();
      const session = idle.pop() ?? (await workspace.connect());
      await work.build(model, session);
      idle.push(session);
    });
  }
  const place = new Map(chosen.map((id, index) => [id, index]));
  const inOrder = <T extends { model: string }>(found: readonly T[]) =>
    found.toSorted((a, b) => (place.get(a.model) ?? 0) - (place.get(b.model) ?? 0));
  const { built, failed, skipped, planned, changed } = work.result;
  return {
    ...{ project, chosen, changed, built: inOrder(built).map(({ model }) => model) },
    ...{ failed: inOrder(failed), skipped: inOrder(skipped), planned: inOrder(planned) },
  };
}

/** Models that can be built, and never were as they are written now. */
function unproven(project: Project, chosen: readonly string[], inputs: BuildInputs): Set<string> {
  const fed = new Set<string>();
  const found = new Set<string>();
  for (const id of project.graph.order) {
    const model = project.models.get(id);
    if (!model || !inputs.hasFeeds(model) || !model.refs.every((ref) => fed.has(ref))) continue;
    fed.add(id);
    const isNew = inputs.built.get(id)?.text !== inputs.of(model, renderModel(model)).text;
    if (isNew && chosen.includes(id)) found.add(id);
  }
  return found;
}

/** Two transactions that create one schema get in each other's way. */
async function createSchemas(session: Session, models: readonly string[]): Promise<void> {
  const schemas = new Set(models.map((id) => modelTable(id).schema));
  for (const schema of schemas) await session.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`);
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
