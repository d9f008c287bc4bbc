import { join } from 'node:path';
import { writeWhole } from '../files.ts';
import type { Session } from '../warehouse/session.ts';
import { presentRelations } from '../warehouse/tables.ts';
import type { Project } from './assemble.ts';
import { materialize } from './materialize.ts';
import type { Model } from './model.ts';
import { oneModel } from './one-model.ts';
import { renderModel } from './relations.ts';
import { ruleLines } from './rule.ts';

/**
 * The SQL that a model runs when it is built from all of its rows; of a dedup model, what decided its key and its ordering is
 * said in comments below it.
 * @param name as in a selection
 * @throws UsageError when no model, or more than one, has the name
 */
export async function compileModel(project: Project, session: Session, name: string): Promise<string> {
  const model = oneModel(project, name);
  const compiled = await compile(session, model, await presentRelations(session));
  return (
    compiled.statements ??
    `-- ${compiled.absent} is not there yet: the model as written\n${compiled.query}${ruleComments(model)}`
  );
}

/**
 * Writes what each model runs, as dbt does: `compiled/SCHEMA/NAME.sql` is its query, `run/SCHEMA/NAME.sql` the statements
 * that make its table of it. The latter are not known while something that the model reads is not there.
 * @returns how many models have a file of each kind
 * @throws StorageError when a file cannot be written
 */
export async function compileAll(
  project: Project,
  session: Session,
  directory: string,
): Promise<{ compiled: number; run: number }> {
  const present = await presentRelations(session);
  let run = 0;
  for (const model of project.models.values()) {
    const { query, statements } = await compile(session, model, present);
    const file = join(model.schema, `${model.name}.sql`);
    await writeWhole(join(directory, 'compiled', file), `${query}\n`);
    if (statements === undefined) continue;
    await writeWhole(join(directory, 'run', file), `${statements}\n`);
    run += 1;
  }
  return { compiled: project.models.size, run };
}

interface Compiled {
  query: string;
  /** Undefined where something that it reads is absent: the columns of a table to come are not known. */
  statements?: string;
  absent?: string;
}

async function compile(session: Session, model: Model, present: ReadonlySet<string>): Promise<Compiled> {
  const query = renderModel(model);
  const feeds = model.sources.map(({ group, feed }) => `staging_${group}.${feed}`);
  const absent = [...feeds, ...model.refs].find((name) => !present.has(name));
  if (absent !== undefined) return { query, absent };
  const { full, comments } = await materialize(session, model, query);
  return { query, statements: `${[...full, ...(await comments())].join(';\n\n')};${ruleComments(model)}` };
}

function ruleComments(model: Model): string {
  const lines = ruleLines(model).map(({ name, columns, from }) => {
    const text = `${name}: ${columns.join(', ') || 'none'} (${from})`;
    return `\n-- ${text.replace(/\s+/g, ' ')}`;
  });
  return lines.join('');
}
