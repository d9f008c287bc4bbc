import { literal, type SqlValue, timestamp } from './sql.ts';

/**
 * Writes parameters into their statement. Pure.
 *
 * DuckDB plans a statement with parameters once to prepare it and, now that their types are known, once more to run it;
 * one that is run only once takes half as long without them.
 */

/** What a statement is cut into to find its parameters: what is quoted, and comments, have none. */
const TOKEN = /'[^']*'|"[^"]*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\d+)/g;

/** Longer texts stay parameters: they are data to be unpacked, and not to be read as a part of the statement. */
const MAX_LENGTH = 10_000;

/** The years that DuckDB reads in a timestamp as JavaScript writes it. */
const [FIRST, LAST] = [Date.UTC(1000, 0), Date.UTC(10_000, 0)];

/**
 * A statement of ours, which is no user's, with its parameters `$1`, `$2`, … written into it.
 * @returns undefined where one of them has to stay a parameter
 */
export function withLiterals(sql: string, parameters: readonly SqlValue[]): string | undefined {
  const texts = parameters.map(literalOf);
  if (texts.includes(undefined)) return undefined;
  return sql.replace(TOKEN, (token, number) => (number === undefined ? token : (texts[number - 1] ?? token)));
}

/** A value as an SQL expression; undefined for one that is better given apart. */
function literalOf(value: SqlValue): string | undefined {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return value.length > MAX_LENGTH ? undefined : literal(value);
  if (typeof value === 'boolean') return String(value);
  // In brackets, since two minus signs would begin a comment.
  if (Number.isSafeInteger(value)) return `(${value})`;
  if (typeof value === 'number') return `CAST('${value}' AS DOUBLE)`;
  const isTime = value instanceof Date && value.getTime() >= FIRST && value.getTime() < LAST;
  return isTime ? timestamp(value) : undefined;
}
