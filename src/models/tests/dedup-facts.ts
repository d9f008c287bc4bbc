import type { Session } from '../../warehouse/session.ts';
import { identifier, qualified, type TableName } from '../../warehouse/sql.ts';
import type { DedupQuery } from '../dialect/dialect.ts';

/** What is counted of a dedup model, each number by itself: none follows from the others by subtraction. */
export interface DedupFacts {
  /** Rows that it ranks. */
  staged: number;
  /** Of those, rows that are in its table: the same line of the same file. */
  found: number;
  /** Of those, rows whose key has another row in its table. */
  superseded: number;
  /** Rows of its table. */
  kept: number;
  /** Keys that are in its table more than once; with `since`, rows that came since and have such a key. */
  repeated: number;
  /** Rows of its table with a NULL in the key. */
  nulls: number;
}

/**
 * Counts again what a dedup model made of its rows.
 * @param since a file: only rows of later files are accounted for, which says all where everything was in order before
 *   and nothing but these rows has changed. Takes time with those rows, not with the table
 */
export async function dedupFacts(
  session: Session,
  target: TableName,
  query: DedupQuery,
  since?: number,
): Promise<DedupFacts> {
  const keys = query.rule.uniqueKey.map(identifier);
  const table = qualified(target);
  const same = keys.map((key) => `s.${key} IS NOT DISTINCT FROM m.${key}`).join(' AND ');
  const recent = (alias: string) => (since === undefined ? 'true' : `${alias}_file_id > ${since}`);
  const matched = since === undefined ? '0' : 'count(DISTINCT s.rowid)';
  const [repeated, kept] =
    since === undefined
      ? [
          `SELECT count(*) FROM (SELECT 1 FROM ${table} GROUP BY ${keys.join(', ')} HAVING count(*) > 1)`,
          'true',
        ]
      : [`SELECT found + superseded - matched FROM pairs`, recent('')];
  return session.row<DedupFacts>(`
WITH pairs AS (
  SELECT count(*) FILTER (s._file_id = m._file_id AND s._line = m._line) AS found,
    count(*) FILTER (s._file_id <> m._file_id OR s._line <> m._line) AS superseded, ${matched} AS matched
  FROM ${query.from} AS s JOIN ${table} AS m ON ${same} WHERE ${recent('s.')})
SELECT (SELECT count(*) FROM ${query.from} WHERE ${recent('')}) AS staged, found, superseded,
  (SELECT count(*) FROM ${table} WHERE ${kept}) AS kept, (${repeated}) AS repeated,
  (SELECT count(*) FROM ${table} WHERE ${keys.map((key) => `${key} IS NULL`).join(' OR ')}) AS nulls
FROM pairs`);
}

/** How many rows are neither kept nor superseded, or are in the table and were never staged; 0 when all is well. */
export function unaccounted({ staged, found, superseded, kept }: DedupFacts): number {
  return Math.abs(staged - found - superseded) + Math.abs(kept - found);
}

/** Columns of a key that are NULL somewhere in a dedup model's table. */
export async function nullColumns(
  session: Session,
  target: TableName,
  { rule }: DedupQuery,
): Promise<string[]> {
  const counts = rule.uniqueKey.map(
    (name, index) => `count(*) - count(${identifier(name)}) AS nulls_${index}`,
  );
  const found = await session.row<Record<string, number>>(
    `SELECT ${counts.join(', ')} FROM ${qualified(target)}`,
  );
  return rule.uniqueKey.filter((_, index) => found[`nulls_${index}`]);
}
