import type { Session } from './session.ts';

interface PlanNode {
  name?: string;
  children?: PlanNode[];
}

/**
 * The steps of DuckDB's plan for a query, by name in lower case: `seq_scan`, and table functions by their own names.
 * Nothing is run. Unlike the SQL text, the plan also shows what views, macros and `query()` would do.
 */
export async function planFunctions(session: Session, sql: string): Promise<string[]> {
  const rows = await session.rows<{ explain_value: string }>(`EXPLAIN (FORMAT json) ${sql}`);
  return namesOf(JSON.parse(rows.at(-1)?.explain_value ?? '[]'));
}

function namesOf(nodes: readonly PlanNode[]): string[] {
  return nodes.flatMap(({ name = '', children = [] }) => [name.trim().toLowerCase(), ...namesOf(children)]);
}
