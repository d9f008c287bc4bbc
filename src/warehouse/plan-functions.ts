import type { Session } from './session.ts';

interface PlanNode {
  name?: string;
  children?: PlanNode[];
}

/**
 * What a query would do, by the names of the steps of DuckDB's plan, in small letters: `seq_scan`, and table functions by their
 * own. Nothing can hide from it, neither in a view or macro, nor in what `query()` is given. Nothing is run.
 */
export async function planFunctions(session: Session, sql: string): Promise<string[]> {
  const rows = await session.rows<{ explain_value: string }>(`EXPLAIN (FORMAT json) ${sql}`);
  return namesOf(JSON.parse(rows.at(-1)?.explain_value ?? '[]'));
}

function namesOf(nodes: readonly PlanNode[]): string[] {
  return nodes.flatMap(({ name = '', children = [] }) => [name.trim().toLowerCase(), ...namesOf(children)]);
}
