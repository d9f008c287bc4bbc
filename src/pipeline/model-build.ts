import { ModelError } from '../errors.ts';
import type { BuiltModel, ModelRun } from '../ledger/tables.ts';
import { type Materialization, materialize } from '../models/materialize.ts';
import type { Model, RenderedModel } from '../models/model.ts';
import { ALL_ROWS, relationName } from '../models/relations.ts';
import { sqlProblem } from '../testing/sql-problem.ts';
import type { Session } from '../warehouse/session.ts';
import type { BuildInputs, Inputs } from './build-inputs.ts';
import { count } from './reporter.ts';
import type { Workspace } from './workspace.ts';

/** What building models has come to, in the order in which each was done. */
export interface ModelsDone {
  built: { model: string }[];
  failed: { model: string; message: string }[];
  skipped: { model: string; message: string }[];
  planned: { model: string }[];
  changed: boolean;
}

export interface ModelBuildOptions {
  runId: number;
  fullRefresh?: boolean;
  dryRun?: boolean;
}

/** Builds models, each in one transaction of the session it is given; several at the same time, each over its own. */
export class ModelBuild {
  readonly result: ModelsDone = { built: [], failed: [], skipped: [], planned: [], changed: false };
  readonly #workspace: Workspace;
  readonly #inputs: BuildInputs;
  /** What comes before the first model that is to be built; an idle run does without. */
  readonly #prepare: () => Promise<void>;
  readonly #options: ModelBuildOptions;

  constructor(
    workspace: Workspace,
    inputs: BuildInputs,
    prepare: () => Promise<void>,
    options: ModelBuildOptions,
  ) {
    this.#workspace = workspace;
    this.#inputs = inputs;
    this.#prepare = prepare;
    this.#options = options;
  }

  /**
   * Builds a model, if it is not what it should be. What is wrong with the model alone is one of the results.
   * @throws ModelError what is wrong with the project as a whole
   */
  async build(model: Model, session: Session): Promise<void> {
    const { clock, reporter, redact } = this.#workspace;
    const broken = model.refs.find((id) => this.result.failed.some((failure) => failure.model === id));
    const missing = broken ? `${broken} failed` : this.#inputs.missing(model);
    if (missing) {
      this.result.skipped.push({ model: model.id, message: missing });
      return;
    }
    const rendered = model.render(ALL_ROWS);
    const inputs = this.#inputs.of(model, rendered.sql);
    const known = this.#known(model);
    if (known && known.text === inputs.text && known.inputs === inputs.data) return;
    await this.#prepare();
    const startedAt = clock();
    reporter.progress.activity(`building ${model.id}`);
    try {
      const done = await this.#bringUpToDate(model, rendered.sql, session, { known, inputs, startedAt });
      if (done) reporter.info(`built ${model.id}, ${count(done.rows, 'row')}`);
    } catch (error) {
      const message = modelProblem(model, rendered, error);
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

  /** What the model was last built from; undefined where that does not matter: it is built from all of its rows. */
  #known(model: Model): BuiltModel | undefined {
    const there = this.#inputs.present.has(model.id) && !this.#options.fullRefresh;
    return there ? this.#inputs.built.get(model.id) : undefined;
  }

  /** @returns undefined when there was nothing to do */
  async #bringUpToDate(
    model: Model,
    sql: string,
    session: Session,
    { known, inputs, startedAt }: { known: BuiltModel | undefined; inputs: Inputs; startedAt: Date },
  ): Promise<{ rows: number } | undefined> {
    const { dryRun, runId } = this.#options;
    const plan = await materialize(session, model, sql, known?.watermark);
    const same = known?.definition === plan.definition;
    if (known && same && known.inputs === inputs.data) {
      if (!dryRun) await this.#describe(session, plan, { ...known, text: inputs.text });
      return undefined;
    }
    if (dryRun) {
      this.result.planned.push({ model: model.id });
      return undefined;
    }
    const statements = (same ? plan.step : undefined) ?? plan.full;
    const built: BuiltModel = {
      ...{ model: model.id, definition: plan.definition, text: inputs.text, inputs: inputs.data },
      ...{ watermark: inputs.newest, run_id: runId, built_at: this.#workspace.clock() },
      rebuilt_in: statements === plan.full ? runId : (known?.rebuilt_in ?? null),
    };
    const rows = await session.transaction(async () => {
      if (statements === plan.full) await dropOther(session, model);
      for (const statement of statements) await session.run(statement);
      if (known?.text !== inputs.text || statements === plan.full)
        for (const comment of await plan.comments()) await session.run(comment);
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
      await remember(session, built);
      return kept;
    });
    this.#inputs.built.set(model.id, built);
    this.result.built.push({ model: model.id });
    this.result.changed = true;
    this.#inputs.present.add(model.id);
    return rows;
  }

  /** A model of which only the layout or what is said of it has changed: its rows stay as they are. */
  async #describe(session: Session, plan: Materialization, built: BuiltModel): Promise<void> {
    await session.transaction(async () => {
      for (const comment of await plan.comments()) await session.run(comment);
      await remember(session, built);
    });
    this.#inputs.built.set(built.model, built);
    this.result.changed = true;
  }

  #record(
    model: Model,
    startedAt: Date,
    outcome: Pick<ModelRun, 'status'> & Partial<Omit<ModelRun, 'run_id' | 'model'>>,
  ): ModelRun {
    return {
      ...{ run_id: this.#options.runId, model: model.id, materialized: model.config.materialized },
      ...{ started_at: startedAt, finished_at: this.#workspace.clock() },
      ...{ rows_in: null, rows_kept: null, rows_superseded: null, message: null },
      ...outcome,
    };
  }
}

/** Writes down what a model was built from. */
async function remember(session: Session, built: BuiltModel): Promise<void> {
  await session.run('DELETE FROM ops.models WHERE model = $1', [built.model]);
  await session.insert({ schema: 'ops', table: 'models' }, [built]);
}

/** A view where a table is to be, or the other way round. */
async function dropOther(session: Session, model: Model): Promise<void> {
  const [found] = await session.rows<{ kind: string }>(
    `SELECT table_type AS kind FROM information_schema.tables
     WHERE table_catalog = current_database() AND table_schema = $1 AND table_name = $2`,
    [model.schema, model.name],
  );
  const wanted = model.config.materialized === 'view' ? 'VIEW' : 'BASE TABLE';
  if (!found || found.kind === wanted) return;
  await session.run(`DROP ${found.kind === 'VIEW' ? 'VIEW' : 'TABLE'} ${relationName(model.id)}`);
}

/** What DuckDB has against a model, with the line of its file. */
function modelProblem({ file, generated }: Model, { sourceLine }: RenderedModel, error: unknown): string {
  if (error instanceof ModelError) return error.message;
  const { message, line } = sqlProblem(error);
  if (generated) return message;
  // The model's SQL begins on the second line of the statement that makes its table.
  return `${file}${line === undefined || line < 2 ? '' : `:${sourceLine(line - 1)}`}: ${message}`;
}
