import { createHash } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { ModelError } from '../errors.ts';
import type { Catalogue } from '../feeds/catalogue.ts';
import type { BuiltModel, ModelRun } from '../ledger/tables.ts';
import type { Project } from '../models/assemble.ts';
import { type Materialization, materialize } from '../models/materialize.ts';
import type { Model } from '../models/model.ts';
import { loadProject } from '../models/project.ts';
import { presentRelations, relationName, renderModel } from '../models/relations.ts';
import { selectModels } from '../models/selection.ts';
import { modelledFeeds } from '../schema/catalogue.ts';
import { followSchema } from '../schema/models.ts';
import { identifier } from '../warehouse/sql.ts';
import { count } from './reporter.ts';
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
  /** Models that were built, in order. */
  built: string[];
  failed: { model: string; message: string }[];
  /** Left out because what they read is not there, or failed. */
  skipped: { model: string; message: string }[];
  /** Whether any table is not as it was. */
  changed: boolean;
  /** What a dry run found to build. */
  planned: { model: string }[];
}

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
 * Builds the models whose rows or definitions have changed, each in one transaction.
 * @throws ModelError before anything is built where a test or a description names a column that is not there
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
  const work = new ModelBuild(workspace, runId, options, () => checkBeforeBuild(workspace, project, chosen));
  for (const id of chosen) {
    workspace.signal?.throwIfAborted();
    const model = project.models.get(id);
    if (model) await work.build(model);
  }
  return { project, ...work.result };
}

/** What a model is made of. */
interface Inputs {
  /** A hash of its file as rendered. */
  text: string;
  /** How far the feeds and models it reads had come, and the columns of the feeds. */
  data: string;
  /** The newest file among those. */
  newest: number;
}

/** How far a feed has come: its files, and those that were replaced. */
interface FeedState {
  newest: number;
  replaced: number;
}

class ModelBuild {
  readonly result: Omit<BuildResult, 'project'> = {
    built: [],
    failed: [],
    skipped: [],
    changed: false,
    planned: [],
  };
  readonly #workspace: Workspace;
  readonly #runId: number;
  readonly #options: BuildOptions;
  #known: Map<string, BuiltModel> | undefined;
  #feeds: Map<string, FeedState> | undefined;
  #columns: Map<string, string> | undefined;
  /** Tables and views that are there, by `schema.name`. */
  #relations: Set<string> | undefined;

  /** Looks over the project once there is something to build; an idle run does without. */
  readonly #check: () => Promise<void>;
  #checked: Promise<void> | undefined;

  constructor(workspace: Workspace, runId: number, options: BuildOptions, check: () => Promise<void>) {
    this.#workspace = workspace;
    this.#runId = runId;
    this.#options = options;
    this.#check = check;
  }

  async build(model: Model): Promise<void> {
    const { clock, reporter, session, redact } = this.#workspace;
    const missing = await this.#missingInput(model);
    if (missing) {
      this.result.skipped.push({ model: model.id, message: missing });
      return;
    }
    const startedAt = clock();
    reporter.progress.activity(`building ${model.id}`);
    try {
      const done = await this.#bringUpToDate(model, startedAt);
      if (done) reporter.info(`built ${model.id}, ${count(done.rows, 'row')}`);
    } catch (error) {
      // What is wrong with the project as a whole: throws it once more.
      await this.#checked;
      const message = (error as Error).message;
      this.result.failed.push({ model: model.id, message });
      reporter.warn(`${model.id} failed: ${message}`, {
        hint: error instanceof ModelError ? error.hint : undefined,
      });
      if (this.#options.dryRun) return;
      await session.insert({ schema: 'ops', table: 'model_runs' }, [
        this.#record(model, startedAt, { status: 'failed', message: redact(message) }),
      ]);
    }
  }

  /** @returns undefined when there was nothing to do */
  async #bringUpToDate(model: Model, startedAt: Date): Promise<{ rows: number } | undefined> {
    const { session } = this.#workspace;
    const sql = renderModel(model);
    const inputs = await this.#inputs(model, sql);
    const there = (await this.#presentRelations()).has(model.id);
    const known = there && !this.#options.fullRefresh ? (await this.#knownModels()).get(model.id) : undefined;
    if (known && known.text === inputs.text && known.inputs === inputs.data) return undefined;
    this.#checked ??= this.#check();
    await this.#checked;
    let plan = await materialize(session, model, sql, known?.watermark);
    if (known && plan.definition === known.definition) {
      if (known.inputs === inputs.data) {
        if (!this.#options.dryRun) await this.#describe(plan, { ...known, text: inputs.text });
        return undefined;
      }
    } else if (known) {
      plan = await materialize(session, model, sql, undefined);
    }
    if (this.#options.dryRun) {
      this.result.planned.push({ model: model.id });
      return undefined;
    }
    const rows = await session.transaction(async () => {
      await this.#dropOther(model);
      for (const statement of plan.statements) await session.run(statement);
      if (known?.text !== inputs.text) for (const comment of plan.comments) await session.run(comment);
      // What is wrong with a value of a view shows only when that is read: here, not when an analyst does.
      const read = model.config.materialized === 'view' ? ', bit_xor(hash(t))' : '';
      const kept = await session.row<{ rows: number }>(
        `SELECT count(*) AS rows${read} FROM ${relationName(model.id)} AS t`,
      );
      const ranked = plan.rowsIn === undefined ? undefined : await session.row<{ rows: number }>(plan.rowsIn);
      await session.insert({ schema: 'ops', table: 'model_runs' }, [
        this.#record(model, startedAt, {
          status: 'built',
          rows_in: ranked?.rows ?? null,
          rows_kept: kept.rows,
          rows_superseded: ranked ? ranked.rows - kept.rows : null,
        }),
      ]);
      await this.#remember({
        ...{ model: model.id, definition: plan.definition, text: inputs.text, inputs: inputs.data },
        ...{ watermark: inputs.newest, run_id: this.#runId, built_at: this.#workspace.clock() },
      });
      return kept;
    });
    this.result.built.push(model.id);
    this.result.changed = true;
    this.#relations?.add(model.id);
    return rows;
  }

  /** A model of which only the layout or what is said of it has changed: its rows stay as they are. */
  async #describe(plan: Materialization, built: BuiltModel): Promise<void> {
    const { session } = this.#workspace;
    await session.transaction(async () => {
      for (const comment of plan.comments) await session.run(comment);
      await this.#remember(built);
    });
    this.result.changed = true;
  }

  /** Writes down what a model was built from. */
  async #remember(built: BuiltModel): Promise<void> {
    const { session } = this.#workspace;
    await session.run('DELETE FROM ops.models WHERE model = $1', [built.model]);
    await session.insert({ schema: 'ops', table: 'models' }, [built]);
    this.#known?.set(built.model, built);
  }

  /** Why a model cannot be built yet: nothing has come of a feed it reads, or a model it reads was not built. */
  async #missingInput(model: Model): Promise<string | undefined> {
    const present = await this.#presentRelations();
    const source = model.sources.find(({ group, feed }) => !present.has(`staging_${group}.${feed}`));
    if (source) return `nothing has come of ${source.group}.${source.feed} yet`;
    const failed = this.result.failed.map((failure) => failure.model);
    const broken = model.refs.find((id) => failed.includes(id));
    if (broken) return `${broken} failed`;
    const skipped = model.refs.find((id) => !present.has(id));
    return skipped && `${skipped} is not there`;
  }

  /** What a model is made of now. */
  async #inputs(model: Model, sql: string): Promise<Inputs> {
    const feeds = await this.#feedStates();
    const columns = await this.#stagingColumns();
    const known = await this.#knownModels();
    const read = model.sources.map(({ group, feed }) => feeds.get(`${group}.${feed}`));
    const shapes = model.sources.map(({ group, feed }) => columns.get(`staging_${group}.${feed}`));
    const text = createHash('sha256').update(
      JSON.stringify([sql, model.config, model.description, model.columns]),
    );
    return {
      text: text.digest('hex'),
      data: JSON.stringify([read, shapes, model.refs.map((id) => known.get(id)?.run_id ?? 0)]),
      newest: Math.max(0, ...read.map((feed) => feed?.newest ?? 0)),
    };
  }

  /** A view where a table is to be, or the other way round. */
  async #dropOther(model: Model): Promise<void> {
    const { session } = this.#workspace;
    await session.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(model.schema)}`);
    const [found] = await session.rows<{ kind: string }>(
      `SELECT table_type AS kind FROM information_schema.tables
       WHERE table_catalog = current_database() AND table_schema = $1 AND table_name = $2`,
      [model.schema, model.name],
    );
    const wanted = model.config.materialized === 'view' ? 'VIEW' : 'BASE TABLE';
    if (!found || found.kind === wanted) return;
    await session.run(`DROP ${found.kind === 'VIEW' ? 'VIEW' : 'TABLE'} ${relationName(model.id)}`);
  }

  #record(
    model: Model,
    startedAt: Date,
    outcome: Pick<ModelRun, 'status'> & Partial<Omit<ModelRun, 'run_id' | 'model'>>,
  ): ModelRun {
    return {
      ...{
        run_id: this.#runId,
        model: model.id,
        materialized: model.config.materialized,
        started_at: startedAt,
      },
      finished_at: this.#workspace.clock(),
      ...{ rows_in: null, rows_kept: null, rows_superseded: null, message: null },
      ...outcome,
    };
  }

  async #knownModels(): Promise<Map<string, BuiltModel>> {
    this.#known ??= new Map(
      (await this.#workspace.session.ledger.selectFrom('ops.models').selectAll().execute()).map((row) => [
        row.model,
        row,
      ]),
    );
    return this.#known;
  }

  async #feedStates(): Promise<Map<string, FeedState>> {
    this.#feeds ??= new Map(
      (
        await this.#workspace.session.rows<FeedState & { name: string }>(
          `SELECT feed_group || '.' || feed || CASE WHEN version = '1' THEN '' ELSE '__v' || version END AS name,
             max(file_id) AS newest, count(superseded_by) AS replaced
           FROM ops.files GROUP BY ALL`,
        )
      ).map(({ name, ...state }) => [name, state]),
    );
    return this.#feeds;
  }

  /** The columns of each staging table, as one text. */
  async #stagingColumns(): Promise<Map<string, string>> {
    this.#columns ??= new Map(
      (
        await this.#workspace.session.rows<{ name: string; columns: string }>(
          `SELECT schema_name || '.' || table_name AS name,
             md5(string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_index)) AS columns
           FROM duckdb_columns() WHERE database_name = current_database()
             AND schema_name LIKE 'staging\\_%' ESCAPE '\\' GROUP BY ALL`,
        )
      ).map(({ name, columns }) => [name, columns]),
    );
    return this.#columns;
  }

  async #presentRelations(): Promise<Set<string>> {
    this.#relations ??= await presentRelations(this.#workspace.session);
    return this.#relations;
  }
}
