/** Quoting: the one place where a name or a text becomes SQL. A hostile name is a strange name, never SQL. */

/** A column's, table's or schema's name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL string literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** An instant as an SQL literal of type TIMESTAMP, in UTC. */
export function timestamp(time: Date): string {
  return `TIMESTAMP '${time.toISOString().slice(0, -1).replace('T', ' ')}'`;
}

/** A table in its schema. */
export interface TableName {
  schema: string;
  table: string;
}

export function qualified({ schema, table }: TableName): string {
  return `${identifier(schema)}.${identifier(table)}`;
}

/** A list of file names for DuckDB's readers, in which glob characters stand for themselves. */
export function fileList(paths: readonly string[]): string {
  return `[${paths.map((path) => literal(path.replace(/[*?[]/g, '[$&]'))).join(', ')}]`;
}
