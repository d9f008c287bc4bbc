import type { Session } from '../warehouse/session.ts';
import { qualified, type TableName } from '../warehouse/sql.ts';

/** The name that the new copy goes by while it is being filled. */
export const COPY = 'published_copy';

/** Schemas but those that analysts have no use for, or that are DuckDB's own. */
export const PUBLIC_SCHEMAS = `schema_name NOT LIKE 'staging\\_%' ESCAPE '\\'
  AND schema_name NOT IN ('main', 'information_schema', 'pg_catalog')`;

/** Ledger tables that only the loader reads. */
const PRIVATE_TABLES = new Set(['ops.unnumbered', 'ops.published']);

/** Columns that do not leave the loader's file: the raw text of rejected lines. */
const PRIVATE_COLUMNS = new Map([['ops.rejected_rows', new Set(['raw'])]]);

/** A table that analysts get, with what of it they get. */
export interface PublicTable extends TableName {
  /** Its columns in their order, each its name and then its type. */
  columns: [name: string, type: string][];
}

export function inCopy(table: TableName): string {
  return `${COPY}.${qualified(table)}`;
}

/** `schema.table`. */
export function nameOf({ schema, table }: TableName): string {
  return `${schema}.${table}`;
}

/** The tables of the loader's file that analysts get, in the order in which they were made. */
export async function publicTables(session: Session): Promise<PublicTable[]> {
  const tables = await tablesOf(session, 'current_database()');
  const withdrawn = await session.rows<{ model: string }>(
    'SELECT model FROM ops.models WHERE withdrawn_at IS NOT NULL',
  );
  const hidden = new Set([...PRIVATE_TABLES, ...withdrawn.map(({ model }) => model)]);
  return tables
    .filter((table) => !hidden.has(nameOf(table)))
    .map((table) => {
      const own = PRIVATE_COLUMNS.get(nameOf(table));
      return { ...table, columns: table.columns.filter(([name]) => !own?.has(name)) };
    });
}

/** The tables that the copy has. */
export function copiedTables(session: Session): Promise<PublicTable[]> {
  return tablesOf(session, `'${COPY}'`);
}

/** @param database its name, as SQL */
async function tablesOf(session: Session, database: string): Promise<PublicTable[]> {
  return session.rows<PublicTable>(
    `SELECT schema_name AS schema, table_name AS table, list([column_name, data_type] ORDER BY column_index) AS columns
     FROM duckdb_columns() JOIN duckdb_tables() AS t USING (database_name, schema_name, table_name)
     WHERE database_name = ${database} AND NOT temporary AND ${PUBLIC_SCHEMAS}
     GROUP BY schema_name, table_name, t.table_oid ORDER BY t.table_oid`,
  );
}
