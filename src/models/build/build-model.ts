import { ModelError } from '../../errors.ts';
import { groupBy } from '../../group-by.ts';
import { rememberBuilt } from '../../ledger/models.ts';
import type { BuiltModel, ModelRun } from '../../ledger/tables.ts';
import { count } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { sqlProblem } from '../../warehouse/sql-problem.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import type { FeedComments } from '../comments.ts';
import type { RelationKind } from '../dialect/dialect.ts';
import { dialectOf } from '../dialect/engine.ts';
import { type Materialization, materialize } from '../materialize.ts';
import type { Model, RenderedModel } from '../model.ts';
import { type ModelProblem, ProjectError } from '../problems.ts';
import { dropUnless, modelTable, renderAllRows } from '../relations.ts';
import type { BuildInputs, Inputs } from './inputs.ts';

/** What building models has come to, in the order in which each was done. */
export interface ModelsDone {
  built: { model: string }[];
  failed: FailedModel[];
  skipped: { model: string; message: string }[];
  planned: { model: string }[];
  changed: boolean;
}

/** A model that could not be built, or a file of models that nobody can make out the models of. */
export interface FailedModel {
  /** The model's id, or the file's name. */
  model: string;
  message: string;
  hint?: string;
}

/** What is known when models are built. */
export interface BuildPlan {
  inputs: BuildInputs;
  /** What is wrong with each model, by its id: what is found by `prepare` is added. */
  mistakes: ReadonlyMap<string, readonly ModelProblem[]>;
  /** Models that are not to be there, with the reason. */
  leftOut: ReadonlyMap<string, string>;
  /** What comes before the first model that is to be built; an idle run does without. */
  prepare: () => Promise<void>;
  feedComments: () => Promise<FeedComments>;
}

export interface ModelBuildOptions {
  runId: number;
  fullRefresh?: boolean;
  dryRun?: boolean;
}

/** A model that is not what it should be. */
export interface DueModel {
  model: Model;
  rendered: RenderedModel;
  /** What it was last built from; undefined where it is built from all of its rows. */
  known: BuiltModel | undefined;
  inputs: Inputs;
}

/** How its table or view is made. */
interface PlannedModel extends DueModel {
  startedAt: Date;
  plan: Materialization;
  statements: readonly string[];
}

/** Builds models, over the session it is given for them; several at the same time, each over its own. */
export class ModelBuild {
  readonly result: ModelsDone = { built: [], failed: [], skipped: [], planned: [], changed: false };
  readonly #workspace: Workspace;
  readonly #inputs: BuildInputs;
  readonly #plan: BuildPlan;
  readonly #options: ModelBuildOptions;
  /** Models that are not what they should be, each with the one that failed for it: itself, or one that it reads. */
  readonly #stopped = new Map<string, string>();

  constructor(workspace: Workspace, plan: BuildPlan, options: ModelBuildOptions) {
    this.#workspace = workspace;
    this.#inputs = plan.inputs;
    this.#plan = plan;
    this.#options = options;
  }

  /** Whether a model is not what it should be, and can be brought there. What is wrong with it is one of the results. */
  async due(model: Model): Promise<DueModel | undefined> {
    const broken = model.refs.map((id) => this.#stopped.get(id)).find((id) => id !== undefined);
    if (broken !== undefined) this.#stopped.set(model.id, broken);
    const unknown = this.#plan.mistakes.get(model.id);
    if (unknown) {
      this.fail(model.id, unknown);
      return undefined;
    }
    const missing =
      this.#plan.leftOut.get(model.id) ??
      (broken !== undefined ? `${broken} failed` : this.#inputs.missing(model));
    if (missing) {
      this.result.skipped.push({ model: model.id, message: missing });
      return undefined;
    }
    const { session, clock } = this.#workspace;
    const startedAt = clock();
    let rendered: RenderedModel;
    try {
      rendered = renderAllRows(model);
    } catch (error) {
      await this.#broke(session, { model, startedAt }, error);
      return undefined;
    }
    const inputs = this.#inputs.of(model, rendered.sql);
    const known = this.#known(model);
    if (known && known.text === inputs.text && known.inputs === inputs.data) return undefined;
    return { model, rendered, known, inputs };
  }

  /**
   * Builds models that do not read each other, in one transaction; where one of them fails, each in one of its own, so
   * that it stops only itself.
   */
  async build(models: readonly DueModel[], session: Session): Promise<void> {
    const { signal } = this.#workspace;
    const planned: PlannedModel[] = [];
    for (const model of models) {
      signal?.throwIfAborted();
      const plan = await this.#planOf(model, session);
      if (plan) planned.push(plan);
    }
    if (planned.length > 1) {
      const done = await this.#make(planned, session).then(
        () => true,
        () => false,
      );
      if (done) return;
    }
    for (const one of planned) {
      signal?.throwIfAborted();
      await this.#make([one], session).catch((error) => this.#broke(session, one, error));
    }
  }

  async #broke(
    session: Session,
    { model, rendered, startedAt }: Pick<PlannedModel, 'model' | 'startedAt'> & Partial<DueModel>,
    error: unknown,
  ): Promise<void> {
    const message = modelProblem(model, rendered, error);
    this.#failed({ model: model.id, message, hint: error instanceof ModelError ? error.hint : undefined });
    if (this.#options.dryRun) return;
    await session.insert({ schema: 'ops', table: 'model_runs' }, [
      this.#record(model, startedAt, { status: 'failed', message: this.#workspace.redact(message) }),
    ]);
  }

  /** A model that is not even tried: what is wrong with it is known from its files. */
  fail(model: string, problems: readonly ModelProblem[]): void {
    this.#failed({ model, message: new ProjectError(problems).message });
  }

  /** Mistakes that are no model's: in macros, in what is said of models that there are not, in the place of a file. */
  failFiles(problems: readonly ModelProblem[]): void {
    const ofNone = problems.filter(({ models = [] }) => models.length === 0);
    for (const [file, own] of groupBy(ofNone, ({ file }) => file)) this.fail(file, own);
  }

  #failed(failure: FailedModel): void {
    const { model, message, hint } = failure;
    this.#stopped.set(model, model);
    this.result.failed.push(failure);
    this.#workspace.reporter.warn(`${model} failed: ${message}`, { hint });
  }

  /** What the model was last built from; undefined where that does not matter: it is built from all of its rows. */
  #known(model: Model): BuiltModel | undefined {
    const there = this.#inputs.present.has(model.id) && !this.#options.fullRefresh;
    const known = there ? this.#inputs.built.get(model.id) : undefined;
    // One that comes back is looked at anew, and goes on from the rows that were kept.
    return known?.withdrawn_at ? { ...known, text: '', withdrawn_at: null } : known;
  }

  /** @returns undefined when there is nothing to make, or when something is wrong with the model */
  async #planOf(due: DueModel, session: Session): Promise<PlannedModel | undefined> {
    const { model, rendered, known, inputs } = due;
    const { dryRun } = this.#options;
    const startedAt = this.#workspace.clock();
    try {
      await this.#plan.prepare();
      const mistakes = this.#plan.mistakes.get(model.id);
      if (mistakes) throw new ProjectError(mistakes);
      const { inputs: made, feedComments } = this.#plan;
      const state = { watermark: known?.watermark, orders: made.orders, feedComments };
      const plan = await materialize(session, model, rendered.sql, state);
      const same = known?.definition === plan.definition;
      if (known && same && known.inputs === inputs.data) {
        if (!dryRun) await this.#describe(session, plan, { ...known, text: inputs.text });
        return undefined;
      }
      if (dryRun) {
        this.result.planned.push({ model: model.id });
        return undefined;
      }
      return { ...due, startedAt, plan, statements: (same ? plan.step : undefined) ?? plan.full };
    } catch (error) {
      await this.#broke(session, { model, rendered, startedAt }, error);
      return undefined;
    }
  }

  /** Makes tables and views, in one transaction with what is written down of them. */
  async #make(models: readonly PlannedModel[], session: Session): Promise<void> {
    const built = await session.transaction(async () => {
      const runs: ModelRun[] = [];
      const remembered: BuiltModel[] = [];
      for (const model of models) {
        this.#workspace.signal?.throwIfAborted();
        const { run, rows } = await this.#makeOne(model, session);
        runs.push(run);
        remembered.push({ ...this.#builtFrom(model), rows });
      }
      await session.insert({ schema: 'ops', table: 'model_runs' }, runs);
      await rememberBuilt(session, remembered);
      return remembered;
    });
    for (const { model } of models) this.#inputs.present.set(model.id, kindOf(model));
    for (const one of built) {
      this.#inputs.built.set(one.model, one);
      this.result.built.push({ model: one.model });
      this.result.changed = true;
      this.#workspace.reporter.info(`built ${one.model}, ${count(one.rows ?? 0, 'row')}`);
    }
  }

  async #makeOne(
    { model, inputs, known, plan, statements, startedAt }: PlannedModel,
    session: Session,
  ): Promise<{ run: ModelRun; rows: number }> {
    this.#workspace.reporter.progress.activity(`building ${model.id}`);
    const [kind, before] = [kindOf(model), this.#inputs.present.get(model.id)];
    const isFull = statements === plan.full;
    if (before !== undefined && before !== kind) await dropUnless(session, modelTable(model.id), kind);
    for (const statement of statements) await session.run(statement);
    if (known?.text !== inputs.text || isFull) await comment(session, plan);
    // What is wrong with a value of a view shows only when that is read: here, not when an analyst does.
    const kept = await session.row<{ rows: number }>(dialectOf(session).count(kind, modelTable(model.id)));
    const ranked = plan.rowsIn === undefined ? undefined : await session.row<{ rows: number }>(plan.rowsIn);
    const run = this.#record(model, startedAt, {
      status: 'built',
      rows_in: ranked?.rows ?? null,
      rows_kept: kept.rows,
      rows_superseded: ranked ? ranked.rows - kept.rows : null,
    });
    return { run, rows: kept.rows };
  }

  #builtFrom({ model, inputs, known, plan, statements }: PlannedModel): Omit<BuiltModel, 'rows'> {
    const { runId } = this.#options;
    return {
      model: model.id,
      definition: plan.definition,
      text: inputs.text,
      inputs: inputs.data,
      watermark: inputs.newest,
      run_id: runId,
      built_at: this.#workspace.clock(),
      rebuilt_in: statements === plan.full ? runId : (known?.rebuilt_in ?? null),
      ...this.#inputs.originOf(model),
      withdrawn_at: null,
    };
  }

  /** A model of which only the layout or what is said of it has changed: its rows stay as they are. */
  async #describe(session: Session, plan: Materialization, built: BuiltModel): Promise<void> {
    await session.transaction(async () => {
      await comment(session, plan);
      await rememberBuilt(session, [built]);
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
      run_id: this.#options.runId,
      model: model.id,
      materialized: model.config.materialized,
      started_at: startedAt,
      finished_at: this.#workspace.clock(),
      rows_in: null,
      rows_kept: null,
      rows_superseded: null,
      message: null,
      ...outcome,
    };
  }
}

function kindOf({ config }: Model): RelationKind {
  return config.materialized === 'view' ? 'view' : 'table';
}

async function comment(session: Session, plan: Materialization): Promise<void> {
  const comments = await plan.comments();
  if (comments.length > 0) await session.run(comments.join(';\n'));
}

/** What DuckDB has against a model, with the line of its file. */
function modelProblem(
  { file, generated }: Model,
  rendered: RenderedModel | undefined,
  error: unknown,
): string {
  if (error instanceof ModelError) return error.message;
  const { message, line } = sqlProblem(error);
  if (generated || !rendered) return message;
  // The model's SQL begins on the second line of the statement that makes its table.
  return `${file}${line === undefined || line < 2 ? '' : `:${rendered.sourceLine(line - 1)}`}: ${message}`;
}
