import { FileError } from '../errors.ts';

/**
 * Quoting: the only place where a name or text becomes SQL. A hostile name becomes a strange name, never SQL.
 *
 * DuckDB's parser ends a statement at a NUL. So no NUL is ever written into a statement, which it could cut short.
 */

const NUL = '\0';

/**
 * The name of a column, table or schema as an SQL identifier.
 * @throws FileError for a name that cannot be one; names from outside are checked before, see `feeds/names.ts`
 */
export function identifier(name: string): string {
  if (name === '' || name.includes(NUL))
    throw new FileError(`${JSON.stringify(name)} cannot be the name of a table or a column`);
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL expression: a string literal, or several joined by `chr(0)` where it has NULs. */
export function literal(text: string): string {
  if (!text.includes(NUL)) return `'${text.replaceAll("'", "''")}'`;
  return `(${text.split(NUL).map(literal).join(' || chr(0) || ')})`;
}

/** A text for `COMMENT ON … IS`, which takes a single literal: NULs are removed, and empty text becomes NULL. */
export function commentText(text: string | null): string {
  const plain = text?.replaceAll(NUL, '') ?? '';
  return plain === '' ? 'NULL' : literal(plain);
}

/** An instant as an SQL literal of type TIMESTAMP, in UTC. */
export function timestamp(time: Date): string {
  return `TIMESTAMP '${time.toISOString().slice(0, -1).replace('T', ' ')}'`;
}

/** A value as the program works with it: 64-bit integers as numbers where they are safe, instants as Dates. */
export type SqlValue = null | boolean | number | bigint | string | Date | Uint8Array | SqlValue[];

/** A table in its schema. */
export interface TableName {
  schema: string;
  table: string;
}

export function qualified({ schema, table }: TableName): string {
  return `${identifier(schema)}.${identifier(table)}`;
}

/** A list of file names for DuckDB's readers, with glob characters escaped. */
export function fileList(paths: readonly string[]): string {
  return `[${paths.map((path) => literal(escapeGlob(path))).join(', ')}]`;
}

/** A path with its glob characters escaped, as DuckDB's readers take it. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, '[$&]');
}
