import { FileError } from '../errors.ts';

/**
 * Quoting: the one place where a name or a text becomes SQL. A hostile name is a strange name, never SQL.
 *
 * DuckDB's parser takes a NUL for the end of the statement, so none may stand in one: what could cut a statement short
 * ends here.
 */

const NUL = '\0';

/**
 * A column's, table's or schema's name as an SQL identifier.
 * @throws FileError for a name that none can be: those of the outside are looked at before, see `feeds/names.ts`
 */
export function identifier(name: string): string {
  if (name === '' || name.includes(NUL))
    throw new FileError(`${JSON.stringify(name)} cannot be the name of a table or a column`);
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL expression: a string literal, or several around each NUL. */
export function literal(text: string): string {
  if (!text.includes(NUL)) return `'${text.replaceAll("'", "''")}'`;
  return `(${text.split(NUL).map(literal).join(' || chr(0) || ')})`;
}

/** A text as `COMMENT ON … IS` takes it, which must be one literal: without NULs, and NULL for none. */
export function commentText(text: string | null): string {
  const plain = text?.replaceAll(NUL, '') ?? '';
  return plain === '' ? 'NULL' : literal(plain);
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
  return `[${paths.map((path) => literal(globbed(path))).join(', ')}]`;
}

/** A path in which glob characters stand for themselves, as DuckDB's readers take it. */
export function globbed(path: string): string {
  return path.replace(/[*?[]/g, '[$&]');
}
