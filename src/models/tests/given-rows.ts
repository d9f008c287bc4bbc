import { DATE_TIME_PATTERN, day, instant } from '../../warehouse/instant.ts';
import { identifier, literal } from '../../warehouse/sql.ts';
import type { ShapeColumn } from './shapes.ts';

/** Rows that were written by hand, in YAML, as SQL. Pure. */
export type WrittenRow = Readonly<Record<string, unknown>>;

/** The names that rows use, in the order in which they first do. */
export function namesIn(rows: readonly WrittenRow[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

/** A query for written rows. A column that a row does not name is NULL in it. */
export function rowsQuery(columns: readonly ShapeColumn[], rows: readonly WrittenRow[]): string {
  const quoted = columns.map(({ name }) => identifier(name));
  if (rows.length === 0) {
    const nothing = columns.map(({ type }, index) => `CAST(NULL AS ${type}) AS ${quoted[index]}`);
    return `SELECT ${nothing.join(', ')} WHERE false`;
  }
  const tuples = rows.map(
    (row) => `(${columns.map(({ name, type }) => valueSql(row[name], type)).join(', ')})`,
  );
  return `SELECT * FROM (VALUES\n${tuples.join(',\n')}) AS written(${quoted.join(', ')})`;
}

/** A written value as SQL of a column's type. A timestamp may say its zone; without one it is UTC. */
export function valueSql(value: unknown, type: string): string {
  if (value === null || value === undefined) return `CAST(NULL AS ${type})`;
  if (typeof value === 'object') {
    const json = literal(
      JSON.stringify(value, (_, held) => (typeof held === 'bigint' ? Number(held) : held)),
    );
    return `CAST(CAST(${json} AS JSON) AS ${type})`;
  }
  const text = literal(String(value));
  switch (type) {
    case 'TIMESTAMP':
      return mustBe(instant(text), value, 'time');
    case 'TIMESTAMP WITH TIME ZONE':
      return `(${mustBe(instant(text), value, 'time')} AT TIME ZONE 'UTC')`;
    case 'DATE':
      return mustBe(day(text), value, 'date');
    default:
      return `CAST(${text} AS ${type})`;
  }
}

/** Times are read as staging reads them; what staging would not take is an error where a person wrote it. */
function mustBe(sql: string, value: unknown, what: string): string {
  return `coalesce(${sql}, error(${literal(`${JSON.stringify(value)} is not a ${what}`)}))`;
}

/** The types that written rows have by themselves, where nobody knows them better. */
export function inferColumns(rows: readonly WrittenRow[]): ShapeColumn[] {
  return namesIn(rows).map((name) => ({ name, type: typeOf(rows.map((row) => row[name])) }));
}

function typeOf(values: readonly unknown[]): string {
  const given = values.filter((value) => value !== null && value !== undefined);
  const all = (fits: (value: unknown) => boolean) => given.length > 0 && given.every(fits);
  if (all((value) => typeof value === 'boolean')) return 'BOOLEAN';
  if (all((value) => typeof value === 'bigint' || Number.isInteger(value))) return 'BIGINT';
  if (all((value) => typeof value === 'bigint' || typeof value === 'number')) return 'DOUBLE';
  if (all((value) => typeof value === 'object')) return 'JSON';
  return all(isTimestamp) ? 'TIMESTAMP' : 'VARCHAR';
}

const CLOCKED = new RegExp(`^(?:${DATE_TIME_PATTERN})$`);

/** As staging tells them from other texts where no types are published. */
function isTimestamp(value: unknown): boolean {
  return typeof value === 'string' && CLOCKED.test(value);
}
