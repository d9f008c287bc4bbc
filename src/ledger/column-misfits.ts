import { fieldName } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import { identifier, literal, qualified, type TableName } from '../warehouse/sql.ts';
import type { ColumnMisfits } from './tables.ts';

/**
 * `ops.column_misfits`: how many values did not fit their column, by file, so that misfits are reported and not only
 * kept. A misfit is a row whose column is NULL while `_rescued` has a field of its name. A time that is in `_rescued`
 * only for its digits beyond microseconds (`instant.ts`) is not one: its column has a value.
 */

/** The feed whose misfits are counted. */
export interface MisfitFeed {
  group: string;
  feed: string;
  version: string;
}

/** Records how many values of new files did not fit. Part of the transaction that stages them. */
export async function recordColumnMisfits(
  session: Session,
  { group: feed_group, feed, version }: MisfitFeed,
  counts: readonly Pick<ColumnMisfits, 'file_id' | 'column_name' | 'misfits'>[],
): Promise<void> {
  const rows = new Map<string, ColumnMisfits>();
  for (const { file_id, column_name, misfits } of counts) {
    const key = JSON.stringify([file_id, column_name]);
    const before = rows.get(key)?.misfits ?? 0;
    rows.set(key, { feed_group, feed, version, column_name, file_id, misfits: before + misfits });
  }
  await session.insert({ schema: 'ops', table: 'column_misfits' }, [...rows.values()]);
}

/**
 * Counts the misfits of columns in the rows of all files from `firstFileId` on. Part of the transaction that stages
 * them.
 */
export async function countMisfits(
  session: Session,
  table: TableName,
  columns: readonly string[],
  firstFileId: number,
): Promise<Pick<ColumnMisfits, 'file_id' | 'column_name' | 'misfits'>[]> {
  const names = columns.map(
    (name) =>
      `CASE WHEN ${identifier(name)} IS NULL AND list_contains(fields, ${literal(fieldName(name))}) THEN ${literal(name)} END`,
  );
  return session.rows(`SELECT file_id, column_name, count(*) AS misfits
FROM (SELECT _file_id AS file_id, unnest([${names.join(', ')}]) AS column_name
  FROM (SELECT *, json_keys(_rescued) AS fields FROM ${qualified(table)}
    WHERE _file_id >= ${firstFileId} AND _rescued IS NOT NULL))
WHERE column_name IS NOT NULL GROUP BY ALL ORDER BY ALL`);
}

/** Columns of feeds that have had misfits. */
export async function misfitColumns(
  session: Session,
): Promise<Pick<ColumnMisfits, 'feed_group' | 'feed' | 'version' | 'column_name'>[]> {
  return session.rows('SELECT DISTINCT feed_group, feed, version, column_name FROM ops.column_misfits');
}

/**
 * Counts the misfits of columns again from all staged rows, after values were moved between a column and `_rescued`.
 * (Staging itself counts those of new files as it goes.) Part of the caller's transaction.
 * @param columns whose counts are replaced; those that no longer exist are only removed
 */
export async function recountMisfits(
  session: Session,
  table: TableName,
  feed: MisfitFeed,
  columns: readonly { name: string; exists: boolean }[],
): Promise<void> {
  for (const statement of recountStatements(table, feed, columns)) await session.run(statement);
}

/** The statements of {@link recountMisfits}. Pure. */
function recountStatements(
  table: TableName,
  { group, feed, version }: MisfitFeed,
  columns: readonly { name: string; exists: boolean }[],
): string[] {
  const of = `feed_group = ${literal(group)} AND feed = ${literal(feed)} AND version = ${literal(version)}`;
  return columns.flatMap(({ name, exists }) => [
    `DELETE FROM ops.column_misfits WHERE ${of} AND column_name = ${literal(name)}`,
    ...(exists
      ? [
          `INSERT INTO ops.column_misfits
SELECT ${literal(group)}, ${literal(feed)}, ${literal(version)}, ${literal(name)}, _file_id, count(*)
FROM ${qualified(table)} WHERE ${identifier(name)} IS NULL AND _rescued IS NOT NULL
  AND list_contains(json_keys(_rescued), ${literal(fieldName(name))})
GROUP BY _file_id`,
        ]
      : []),
  ]);
}
