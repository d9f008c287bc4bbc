import { STAGING_SCHEMAS } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import { qualified, type TableName } from '../warehouse/sql.ts';
import { type PresentTable, presentTables, type TableFilter, tableId } from '../warehouse/tables.ts';

/** The name of the new copy's database while it is attached. */
export const COPY = 'published_copy';

/** Schemas but those that analysts have no use for, or that are DuckDB's own. */
export const PUBLIC_SCHEMAS = `NOT ${STAGING_SCHEMAS} AND schema NOT IN ('main', 'information_schema', 'pg_catalog')`;

/** Ledger tables that only the loader reads. */
const PRIVATE_TABLES = new Set(['ops.unnumbered', 'ops.published']);

/** Columns that stay in the loader's file: the raw text of rejected lines. */
const PRIVATE_COLUMNS = new Map([['ops.rejected_rows', new Set(['raw'])]]);

export function inCopy(table: TableName): string {
  return `${COPY}.${qualified(table)}`;
}

/** The tables of the loader's file that analysts get, with what of them they get, in the order in which they were made. */
export async function publicTables(session: Session): Promise<PresentTable[]> {
  const tables = await tablesOf(session, {});
  const withdrawn = await session.rows<{ model: string }>(
    'SELECT model FROM ops.models WHERE withdrawn_at IS NOT NULL',
  );
  const hidden = new Set([...PRIVATE_TABLES, ...withdrawn.map(({ model }) => model)]);
  return tables
    .filter((table) => !hidden.has(tableId(table)))
    .map((table) => {
      const own = PRIVATE_COLUMNS.get(tableId(table));
      return { ...table, columns: table.columns.filter(({ name }) => !own?.has(name)) };
    });
}

/** The tables that the copy has. */
export function copiedTables(session: Session): Promise<PresentTable[]> {
  return tablesOf(session, { database: COPY });
}

async function tablesOf(session: Session, which: TableFilter): Promise<PresentTable[]> {
  const found = await presentTables(session, { ...which, where: PUBLIC_SCHEMAS });
  return found.filter(({ kind }) => kind === 'table');
}
