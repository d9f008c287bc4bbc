import type { Session } from '../warehouse/session.ts';
import { identifier, type TableName } from '../warehouse/sql.ts';
import { COPY, inCopy } from './catalogue.ts';

/** A table or view that stays in the copy as analysts have it, or that they do without. */
export interface HeldTable extends TableName {
  /** Whether the old copy has it. */
  there: boolean;
}

/** The tables that the plan does not take from the loader's file. */
export async function heldTables(session: Session): Promise<HeldTable[]> {
  return session.rows<HeldTable & Record<string, string | boolean>>(
    `SELECT schema_name AS schema, table_name AS table, p.run_id IS NOT NULL AS there
     FROM ops.published_tables AS p LEFT JOIN ops.models AS m ON m.model = schema_name || '.' || table_name
     WHERE stale AND (p.run_id IS DISTINCT FROM m.run_id OR p.kind = 'view')`,
  );
}

/** Whether a table or view is among the held ones. */
export function isHeld(held: readonly TableName[], { schema, table }: TableName): boolean {
  return held.some((one) => one.schema === schema && one.table === table);
}

/** Copies held tables from the old copy into a new, empty one. Views become tables of what they show. */
export async function keepOldTables(
  session: Session,
  old: string,
  held: readonly HeldTable[],
): Promise<void> {
  const { home } = await session.row<{ home: string }>('SELECT current_database() AS home');
  for (const { there, ...table } of held) {
    if (!there) continue;
    await session.run(`CREATE SCHEMA IF NOT EXISTS ${COPY}.${identifier(table.schema)}`);
    // A view resolves its tables in the current database.
    await session.run(`USE ${old}`);
    try {
      await session.run(
        `CREATE TABLE ${inCopy(table)} AS FROM ${identifier(table.schema)}.${identifier(table.table)}`,
      );
    } finally {
      await session.run(`USE ${identifier(home)}`);
    }
  }
}
