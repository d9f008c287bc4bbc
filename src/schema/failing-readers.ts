import type { Catalogue } from '../feeds/catalogue.ts';
import type { Change } from '../feeds/changes.ts';
import { stagingTable } from '../feeds/names.ts';
import type { Project } from '../models/assemble.ts';
import { explainTest, sqlProblems } from '../models/tests/check.ts';
import { type Retypes, Shapes } from '../models/tests/shapes.ts';
import { planTests } from '../models/tests/test-plan.ts';
import type { Session } from '../warehouse/session.ts';
import { affectedModels } from './compare/affected-models.ts';

/**
 * Finds the models and tests that would fail once a column has another type. DuckDB binds each reader of the column
 * over empty tables, once with the present types and once with the new one; what fails already is not reported.
 * @param change of a column's type
 * @returns a line for each failure: `marts.conversations: models/marts/conversations.sql:12: Binder Error: …`
 */
export async function readersThatFail(
  { project, catalogue, session }: { project: Project; catalogue: Catalogue; session: Session },
  group: string,
  change: Change,
): Promise<string[]> {
  const { feed, version, column, after } = change;
  if (!change.kind.startsWith('type_') || column === undefined || after === undefined) return [];
  const { schema, table } = stagingTable(group, feed, version);
  const retypes: Retypes = new Map([[`${schema}.${table}`, new Map([[column.toLowerCase(), after]])]]);
  await using today = new Shapes(project, catalogue, session);
  await using then = new Shapes(project, catalogue, session, retypes);
  const { rebuilt, readers } = affectedModels(project, group, change);
  const affected = new Set([...rebuilt, ...readers]);
  const already = new Set(await problemsOf(project, today, affected));
  return (await problemsOf(project, then, affected)).filter((problem) => !already.has(problem));
}

async function problemsOf(project: Project, shapes: Shapes, ids: ReadonlySet<string>): Promise<string[]> {
  const found: string[] = [];
  for (const { file, line, message, models } of await sqlProblems(project, shapes, ids)) {
    const place = `${file}${line === undefined ? '' : `:${line}`}`;
    found.push(`${models?.join(', ') ?? ''}: ${place}: ${message}`);
  }
  for (const test of planTests(project)) {
    if (!test.reads.some((id) => ids.has(id))) continue;
    const message = await explainTest(test, shapes);
    if (message !== undefined) found.push(`test ${test.name}: ${message}`);
  }
  return found;
}
