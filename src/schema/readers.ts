import type { Catalogue } from '../feeds/catalogue.ts';
import { stagingTable } from '../feeds/names.ts';
import type { Project } from '../models/assemble.ts';
import { type ModelProblem, ProjectError } from '../models/problems.ts';
import { checkModels, checkTests } from '../testing/check.ts';
import { type Retypes, Shapes } from '../testing/shapes.ts';
import type { Session } from '../warehouse/session.ts';
import type { Change } from './changes.ts';
import { lineageOf } from './lineage.ts';

/**
 * Which models and tests would not run any more once a column has another type: each reader of the column is bound by DuckDB
 * over empty tables, as they are and as they would be. What is wrong already is not the change's doing.
 * @param change of a column's type
 * @returns a line for each thing that would fail: `marts.conversations: models/marts/conversations.sql:12: Binder Error: …`
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
  const { rebuilt, readers } = lineageOf(project, group, change);
  const found: string[] = [];
  for (const id of [...rebuilt, ...readers]) {
    const already = new Set((await problemsOf(project, today, id)).map(asText));
    const fresh = (await problemsOf(project, then, id)).map(asText).filter((text) => !already.has(text));
    found.push(...fresh.map((text) => `${id}: ${text}`));
  }
  return [...new Set(found)];
}

async function problemsOf(project: Project, shapes: Shapes, id: string): Promise<readonly ModelProblem[]> {
  const ids = new Set([id]);
  return [
    ...(await problemsIn(() => checkModels(project, shapes, ids, new Set()))),
    ...(await problemsIn(() => checkTests(project, shapes, ids))),
  ];
}

async function problemsIn(check: () => Promise<void>): Promise<readonly ModelProblem[]> {
  try {
    await check();
    return [];
  } catch (error) {
    if (error instanceof ProjectError) return error.problems;
    throw error;
  }
}

function asText({ file, line, message }: ModelProblem): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${message}`;
}
