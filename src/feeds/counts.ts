import type { FeedSpec } from './catalogue.ts';
import type { ColumnType } from './types.ts';

/**
 * The feed of the vendor's own row counts, which the program itself reads to prove that nothing was lost. Pure.
 *
 * Its columns are not published. Its key names `export_date`, `export_job` and `export_interval`; the count is the column
 * whose name speaks of rows or counts (`exported_rows`, `row_count`).
 */
export const ROW_COUNTS = { group: 'messaging', feed: 'export_row_counts' } as const;

/** Whether a column of {@link ROW_COUNTS} holds counts. `account_id` does not. */
export function isCount(name: string): boolean {
  return /(^|_)(rows?|counts?)(_|$)/i.test(name);
}

/**
 * The type of a column that nobody published, and that the data do not decide: a person says it, or the program itself reads
 * the column. One odd value in it is rescued and told of, and everything else goes on being compared. Undefined elsewhere.
 */
export function fixedType(
  { group, feed, corrected }: Pick<FeedSpec, 'group' | 'feed' | 'corrected'>,
  name: string,
): ColumnType | undefined {
  const said = corrected?.get(name.toLowerCase());
  if (said) return said.type;
  return group === ROW_COUNTS.group && feed === ROW_COUNTS.feed && isCount(name) ? 'BIGINT' : undefined;
}
