import { didYouMean } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { sqlProblem } from '../../warehouse/sql-problem.ts';
import type { Project } from '../assemble.ts';
import type { DataTest } from '../data-tests.ts';
import { dialectOf } from '../dialect/engine.ts';
import type { Rendered } from '../jinja.ts';
import { materialize, planDedup } from '../materialize.ts';
import type { Model } from '../model.ts';
import { type ModelProblem, ProjectError } from '../problems.ts';
import type { Relation } from '../relation-call.ts';
import { ALL_ROWS, renderAllRows } from '../relations.ts';
import type { SingularTest } from '../singular.ts';
import { columnsOf, failingRows } from './failing-rows.ts';
import type { ShapeColumn, Shapes } from './shapes.ts';
import type { PlannedTest } from './test-plan.ts';

/**
 * What is wrong with descriptions and tests, by the columns that models will have: told before anything is built, with file
 * and line. What cannot be known yet is left to the test's own run.
 * @param chosen ids of the models that are to be built or tested
 */
export async function testProblems(
  project: Project,
  shapes: Shapes,
  chosen: ReadonlySet<string>,
): Promise<ModelProblem[]> {
  const problems: ModelProblem[] = [];
  for (const model of project.models.values())
    if (chosen.has(model.id)) problems.push(...owned(model, await checkModel(model, shapes)));
  return problems;
}

/**
 * What is wrong with the SQL of models: whether it can be run, and whether keys and ordering are among the columns. Where
 * it is wrong, nothing is said of the model's tests for its sake, nor of what reads it.
 */
export async function sqlProblems(
  project: Project,
  shapes: Shapes,
  ids: ReadonlySet<string>,
): Promise<ModelProblem[]> {
  const problems: ModelProblem[] = [];
  for (const model of project.models.values())
    if (ids.has(model.id)) problems.push(...owned(model, await checkSql(model, shapes)));
  return problems;
}

/** What is wrong with a test that could not be run, as far as that can be told better than DuckDB does. */
export async function explainTest(test: PlannedTest, shapes: Shapes): Promise<string | undefined> {
  const problems =
    test.kind === 'generic'
      ? await checkDataTest(test.test, shapes)
      : test.kind === 'singular'
        ? await checkSingular(test.test, shapes)
        : [];
  return problems.length > 0 ? new ProjectError(problems).message : undefined;
}

function owned({ id }: Model, problems: readonly ModelProblem[]): ModelProblem[] {
  return problems.map((problem) => ({ ...problem, models: [id] }));
}

async function checkDataTest(test: DataTest, shapes: Shapes): Promise<ModelProblem[]> {
  const columns = await shapes.model(test.model);
  return columns ? checkTest(test, columns, new Set(), shapes) : [];
}

async function checkModel(model: Model, shapes: Shapes): Promise<ModelProblem[]> {
  if (model.columns.length === 0 && model.tests.length === 0) return [];
  const columns = await shapes.model(model.id);
  if (!columns) return [];
  const described = model.columns.flatMap(({ name, file, line }): ModelProblem[] => {
    const message = missing(model.id, name, columns);
    return message === undefined ? [] : [{ file, line, message }];
  });
  const told = new Set(model.columns.map(({ name }) => name.toLowerCase()));
  const tests = [];
  for (const test of model.tests) tests.push(...(await checkTest(test, columns, told, shapes)));
  return [...described, ...tests];
}

async function checkSql(model: Model, shapes: Shapes): Promise<ModelProblem[]> {
  if (!(await shapes.knows(model))) return [];
  const session = await shapes.session();
  const all = renderAllRows(model);
  const wrong = await sqlProblemIn(session, model.file, all);
  if (wrong) return [wrong];
  await shapes.model(model.id);
  try {
    if (model.config.materialized === 'dedup') await planDedup(session, model, all.sql);
    else await materialize(session, model, all.sql);
  } catch (error) {
    return error instanceof ProjectError ? [...error.problems] : [];
  }
  if (model.config.materialized !== 'incremental') return [];
  const more = await sqlProblemIn(session, model.file, model.render({ ...ALL_ROWS, isIncremental: true }));
  return more ? [more] : [];
}

async function sqlProblemIn(
  session: Session,
  file: string,
  { sql, sourceLine }: Rendered,
): Promise<ModelProblem | undefined> {
  const wrong = await binds(session, sql);
  return wrong && { file, line: wrong.line && sourceLine(wrong.line), message: wrong.message };
}

/** @param told columns whose absence is said where they are described */
async function checkTest(
  test: DataTest,
  columns: readonly ShapeColumn[],
  told: ReadonlySet<string>,
  shapes: Shapes,
): Promise<ModelProblem[]> {
  const { file, line, check, model } = test;
  const absent = columnsOf(check).filter((name) => missing(model, name, columns));
  if (absent.length > 0)
    return absent
      .filter((name) => !told.has(name.toLowerCase()))
      .map((name) => ({ file, line, message: missing(model, name, columns) as string }));
  if (check.kind === 'relationships') {
    const others = await shapes.of(check.to);
    const message = others && missing(nameOf(check.to), check.field, others);
    if (message) return [{ file, line, message }];
    if (!others) return [];
  }
  const session = await shapes.session();
  const wrong = await binds(session, failingRows(dialectOf(session), check, model, test.where));
  return wrong ? [{ file, line, message: `${test.name}: ${wrong.message}` }] : [];
}

async function checkSingular(test: SingularTest, shapes: Shapes): Promise<ModelProblem[]> {
  if (!(await shapes.knows(test))) return [];
  const wrong = await sqlProblemIn(await shapes.session(), test.file, test.render(ALL_ROWS));
  return wrong ? [wrong] : [];
}

/** Asks DuckDB for the plan of a query: what is wrong with it, where there is anything. */
async function binds(session: Session, query: string) {
  try {
    await session.run(`EXPLAIN ${query}`);
    return undefined;
  } catch (error) {
    const problem = sqlProblem(error);
    // A table that is named without ref() may be in the warehouse all the same, and a file there tomorrow.
    const isSure = /^(Parser|Binder|Catalog) Error: (?!Table|Schema)/.test(problem.message);
    return isSure ? problem : undefined;
  }
}

function missing(relation: string, column: string, columns: readonly ShapeColumn[]): string | undefined {
  const names = columns.map(({ name }) => name);
  if (names.some((name) => name.toLowerCase() === column.toLowerCase())) return undefined;
  return `${relation} has no column ${JSON.stringify(column)}${didYouMean(column, names)}`;
}

function nameOf(relation: Relation): string {
  if (relation.kind === 'model') return relation.id;
  return relation.kind === 'source' ? `the feed ${relation.group}.${relation.feed}` : 'this';
}
