import { identifier, literal, type TableName } from './sql.ts';

/**
 * What tables and views there are, of the warehouse or of a database that is attached: nothing else asks DuckDB's catalogue.
 * For each question DuckDB goes through all of it, in some milliseconds: whoever has several asks once.
 */

/** What asks: a session, which this does not know of, since a session asks here itself. */
interface Session {
  rows<T>(sql: string, parameters?: readonly string[]): Promise<T[]>;
}

export interface TableOrView extends TableName {
  kind: 'table' | 'view';
  comment: string | null;
  /** What makes a view; `''` of a table. */
  sql: string;
}

/** @typeParam Type what the types of its columns are known to be: nothing looks whether they are */
export interface PresentColumn<Type extends string = string> {
  name: string;
  type: Type;
  comment: string | null;
}

export interface PresentTable<Type extends string = string> extends TableOrView {
  /** In their order. */
  columns: readonly PresentColumn<Type>[];
}

/** Which tables and views are meant. */
export interface Which {
  /** Left out: the database that the session works in. */
  database?: string;
  /** An SQL condition over `schema` and `"table"`; left out: all. */
  where?: string;
}

/** `schema.table` */
export function tableId({ schema, table }: TableName): string {
  return `${schema}.${table}`;
}

/** SQL for tables and views: `schema`, `"table"`, `kind`, `comment`, `sql`, and `made`, which grows in the order they were made in. */
export function tablesSql(database?: string): string {
  const of = (kind: TableOrView['kind'], sql: string) =>
    `SELECT schema_name AS schema, ${kind}_name AS "table", '${kind}' AS kind, comment, ${sql} AS sql, ${kind}_oid AS made
     FROM duckdb_${kind}s() WHERE ${isOf(database)}`;
  return `${of('table', "''")} UNION ALL ${of('view', 'sql')}`;
}

/** SQL for their columns: `schema`, `"table"`, `made`, `name`, `type`, `comment`, and `place`, in which order they stand. */
export function columnsSql(database?: string): string {
  return `SELECT schema_name AS schema, table_name AS "table", table_oid AS made, column_name AS name, data_type AS type,
       comment, column_index AS place
     FROM duckdb_columns() WHERE ${isOf(database)}`;
}

function isOf(database: string | undefined): string {
  return `NOT internal AND database_name = ${database === undefined ? 'current_database()' : literal(database)}`;
}

/** Tables and views, in the order they were made in. */
export function tablesAndViews(
  session: Session,
  { database, where = 'true' }: Which = {},
): Promise<TableOrView[]> {
  return session.rows<TableOrView & Record<string, string | null>>(
    `SELECT schema, "table", kind, comment, sql FROM (${tablesSql(database)}) WHERE ${where} ORDER BY made`,
  );
}

/** All tables and views, by {@link tableId}. */
export async function presentRelations(session: Session): Promise<Set<string>> {
  return new Set((await tablesAndViews(session)).map(tableId));
}

/** What goes by a name; undefined where nothing does. */
export async function tableKind(
  session: Session,
  { schema, table }: TableName,
  database?: string,
): Promise<TableOrView['kind'] | undefined> {
  const [found] = await session.rows<Pick<TableOrView, 'kind'>>(
    `SELECT kind FROM (${tablesSql(database)}) WHERE schema = $1 AND "table" = $2`,
    [schema, table],
  );
  return found?.kind;
}

/** The columns of tables and views in their order, by {@link tableId}. */
export async function presentColumns<Type extends string = string>(
  session: Session,
  { database, where = 'true' }: Which = {},
): Promise<Map<string, PresentColumn<Type>[]>> {
  // Many small values take longer from DuckDB than one long one, and to have it sort them, too.
  const rows = await session.rows<TableName & { columns: string }>(
    `SELECT schema, "table", to_json(list({name: name, type: type, comment: comment, place: place})) AS columns
     FROM (${columnsSql(database)}) WHERE ${where} GROUP BY schema, "table", made ORDER BY made`,
  );
  const inOrder = (columns: (PresentColumn<Type> & { place: number })[]) =>
    columns.sort((a, b) => a.place - b.place).map(({ name, type, comment }) => ({ name, type, comment }));
  return new Map(rows.map(({ columns, ...table }) => [tableId(table), inOrder(JSON.parse(columns))]));
}

/** The columns of one table or view; none where there is no such. */
export function tableColumns<Type extends string = string>(
  session: Session,
  { schema, table }: TableName,
): Promise<PresentColumn<Type>[]> {
  return session.rows<PresentColumn<Type> & Record<string, string | null>>(
    `SELECT name, type, comment FROM (${columnsSql()}) WHERE schema = $1 AND "table" = $2 ORDER BY place`,
    [schema, table],
  );
}

/** Columns as `CREATE TABLE` takes them. */
export function columnList(columns: readonly Pick<PresentColumn, 'name' | 'type'>[]): string {
  return columns.map(({ name, type }) => `${identifier(name)} ${type}`).join(', ');
}

/** Tables and views with their columns, in the order they were made in. */
export async function presentTables<Type extends string = string>(
  session: Session,
  which: Which = {},
): Promise<PresentTable<Type>[]> {
  const columns = await presentColumns<Type>(session, which);
  const found = await tablesAndViews(session, which);
  return found.map((one) => ({ ...one, columns: columns.get(tableId(one)) ?? [] }));
}

/** The schemas that somebody made. @param database left out: the one that the session works in */
export async function presentSchemas(session: Session, database?: string): Promise<Set<string>> {
  const rows = await session.rows<{ name: string }>(
    `SELECT schema_name AS name FROM duckdb_schemas() WHERE ${isOf(database)}`,
  );
  return new Set(rows.map(({ name }) => name));
}
