import type { FeedSpec } from './catalogue.ts';
import type { ColumnType } from './types.ts';

/**
 * The feed in which the vendor sends row counts. The program reads it to prove that nothing was lost. Pure.
 *
 * Its columns are not published. Its key names `export_date`, `export_job` and `export_interval`; the count is in the
 * column that has `row` or `count` as a part of its name (`exported_rows`, `row_count`).
 */
export const ROW_COUNTS = { group: 'messaging', feed: 'export_row_counts' } as const;

/** Whether a column of {@link ROW_COUNTS} holds counts. `account_id` does not. */
export function isCountColumn(name: string): boolean {
  return /(^|_)(rows?|counts?)(_|$)/i.test(name);
}

/**
 * The fixed type of a column that nobody published; undefined where the type is inferred from the data. A type is fixed
 * when a person gave one, or when the program itself reads the column as a count: then one odd value is rescued and
 * reported, and the other counts can still be compared.
 */
export function fixedType(
  { group, feed, corrected }: Pick<FeedSpec, 'group' | 'feed' | 'corrected'>,
  name: string,
): ColumnType | undefined {
  const said = corrected?.get(name.toLowerCase());
  if (said) return said.type;
  return group === ROW_COUNTS.group && feed === ROW_COUNTS.feed && isCountColumn(name) ? 'BIGINT' : undefined;
}
