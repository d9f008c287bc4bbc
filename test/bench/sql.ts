import { type Run, runScript, sibling } from './child.ts';
import type { Answer } from './sql-script.ts';

/** What statements answered, and what the process that ran them used. */
export interface SqlRun extends Run {
  answers: Answer[];
}

/**
 * Runs statements against a DuckDB file, made when it is not there, in a process of their own: the bench itself stays
 * small, and what it starts is measured alike.
 */
export async function runSql(file: string, statements: readonly string[]): Promise<SqlRun> {
  const run = await runScript(sibling('sql-script'), [file], { input: JSON.stringify(statements) });
  if (run.exitCode !== 0) throw new Error(`${statements.join(';\n')}\n${run.stderr}`);
  return { ...run, answers: JSON.parse(run.stdout) as Answer[] };
}

/** The rows of one query. */
export async function rowsOf<T>(file: string, query: string): Promise<T[]> {
  const { answers } = await runSql(file, [query]);
  return (answers[0]?.rows ?? []) as T[];
}

/** The first row of a query that always has one. */
export async function rowOf<T>(file: string, query: string): Promise<T> {
  const [row] = await rowsOf<T>(file, query);
  if (row === undefined) throw new Error(`no row from: ${query}`);
  return row;
}
