import { identifier, literal, qualified, type TableName } from './sql.ts';

/**
 * Which tables and views exist, in the warehouse or in an attached database. Nothing else queries DuckDB's catalogue.
 * Each query goes through the whole catalogue, which takes some milliseconds, so a caller with several questions should
 * ask once.
 */

/** What these functions need of a session. `Session` itself is not imported, since it calls them. */
interface RowReader {
  rows<T>(sql: string, parameters?: readonly string[]): Promise<T[]>;
}

export interface TableOrView extends TableName {
  kind: 'table' | 'view';
  comment: string | null;
  /** The SQL of a view; `''` for a table. */
  sql: string;
}

/**
 * A column that exists.
 * @typeParam Type the types that the caller knows its columns can have; this is not checked
 */
export interface PresentColumn<Type extends string = string> {
  name: string;
  type: Type;
  comment: string | null;
}

export interface PresentTable<Type extends string = string> extends TableOrView {
  /** In the table's order. */
  columns: readonly PresentColumn<Type>[];
}

/** Which tables and views to look for. */
export interface TableFilter {
  /** Left out: the database that the session works in. */
  database?: string;
  /** An SQL condition over `schema` and `"table"`; left out: all. */
  where?: string;
}

/** `schema.table` */
export function tableId({ schema, table }: TableName): string {
  return `${schema}.${table}`;
}

/**
 * A query for tables and views: `schema`, `"table"`, `kind`, `comment`, `sql`, and `made`, which increases in the order
 * of creation.
 */
export function tablesSql(database?: string): string {
  const of = (kind: TableOrView['kind'], sql: string) =>
    `SELECT schema_name AS schema, ${kind}_name AS "table", '${kind}' AS kind, comment, ${sql} AS sql, ${kind}_oid AS made
     FROM duckdb_${kind}s() WHERE ${isOf(database)}`;
  return `${of('table', "''")} UNION ALL ${of('view', 'sql')}`;
}

/**
 * A query for their columns: `schema`, `"table"`, `made`, `name`, `type`, `comment`, and `place`, the position in the
 * table.
 */
export function columnsSql(database?: string): string {
  return `SELECT schema_name AS schema, table_name AS "table", table_oid AS made, column_name AS name, data_type AS type,
       comment, column_index AS place
     FROM duckdb_columns() WHERE ${isOf(database)}`;
}

function isOf(database: string | undefined): string {
  return `NOT internal AND database_name = ${database === undefined ? 'current_database()' : literal(database)}`;
}

/** Tables and views, in the order of creation. */
export function tablesAndViews(
  session: RowReader,
  { database, where = 'true' }: TableFilter = {},
): Promise<TableOrView[]> {
  return session.rows<TableOrView & Record<string, string | null>>(
    `SELECT schema, "table", kind, comment, sql FROM (${tablesSql(database)}) WHERE ${where} ORDER BY made`,
  );
}

/** All tables and views, by {@link tableId}. */
export async function presentRelations(session: RowReader): Promise<Set<string>> {
  return new Set((await tablesAndViews(session)).map(tableId));
}

/** Whether a name is a table or a view; undefined where it is neither. */
export async function tableKind(
  session: RowReader,
  { schema, table }: TableName,
  database?: string,
): Promise<TableOrView['kind'] | undefined> {
  const [found] = await session.rows<Pick<TableOrView, 'kind'>>(
    `SELECT kind FROM (${tablesSql(database)}) WHERE schema = $1 AND "table" = $2`,
    [schema, table],
  );
  return found?.kind;
}

/** Whether there is such a table or view. Does not go through the catalogue. */
export async function hasTable(session: RowReader, table: TableName): Promise<boolean> {
  return (await ifThere(() => session.rows(`SELECT 1 FROM ${qualified(table)} LIMIT 0`))) !== undefined;
}

/**
 * The types of the columns of a table or view, by their names; none where it does not exist. Does not go through the
 * catalogue.
 */
export async function columnTypes(session: RowReader, table: TableName): Promise<Map<string, string>> {
  const rows = await ifThere(() =>
    session.rows<{ name: string; type: string }>(
      `SELECT column_name AS name, column_type AS type FROM (DESCRIBE ${qualified(table)})`,
    ),
  );
  return new Map(rows?.map(({ name, type }) => [name, type]));
}

/** What a query says; undefined where what it is about does not exist. */
export async function ifThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (/^Catalog Error/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/** The columns of tables and views in their order, by {@link tableId}. */
export async function presentColumns<Type extends string = string>(
  session: RowReader,
  { database, where = 'true' }: TableFilter = {},
): Promise<Map<string, PresentColumn<Type>[]>> {
  // DuckDB returns one long value faster than many small ones, and sorting here is faster than sorting there.
  const rows = await session.rows<TableName & { columns: string }>(
    `SELECT schema, "table", to_json(list({name: name, type: type, comment: comment, place: place})) AS columns
     FROM (${columnsSql(database)}) WHERE ${where} GROUP BY schema, "table", made ORDER BY made`,
  );
  const inOrder = (columns: (PresentColumn<Type> & { place: number })[]) =>
    columns.sort((a, b) => a.place - b.place).map(({ name, type, comment }) => ({ name, type, comment }));
  return new Map(rows.map(({ columns, ...table }) => [tableId(table), inOrder(JSON.parse(columns))]));
}

/** The columns of one table or view; none where it does not exist. */
export function tableColumns<Type extends string = string>(
  session: RowReader,
  { schema, table }: TableName,
): Promise<PresentColumn<Type>[]> {
  return session.rows<PresentColumn<Type> & Record<string, string | null>>(
    `SELECT name, type, comment FROM (${columnsSql()}) WHERE schema = $1 AND "table" = $2 ORDER BY place`,
    [schema, table],
  );
}

/** Columns in the syntax of `CREATE TABLE`. */
export function columnList(columns: readonly Pick<PresentColumn, 'name' | 'type'>[]): string {
  return columns.map(({ name, type }) => `${identifier(name)} ${type}`).join(', ');
}

/** Tables and views with their columns, in the order of creation. */
export async function presentTables<Type extends string = string>(
  session: RowReader,
  which: TableFilter = {},
): Promise<PresentTable<Type>[]> {
  const columns = await presentColumns<Type>(session, which);
  const found = await tablesAndViews(session, which);
  return found.map((one) => ({ ...one, columns: columns.get(tableId(one)) ?? [] }));
}

/**
 * All schemas except DuckDB's own.
 * @param database left out: the current one of the session
 */
export async function presentSchemas(session: RowReader, database?: string): Promise<Set<string>> {
  const rows = await session.rows<{ name: string }>(
    `SELECT schema_name AS name FROM duckdb_schemas() WHERE ${isOf(database)}`,
  );
  return new Set(rows.map(({ name }) => name));
}
