import type { ColumnType } from '../schema/types.ts';

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
 * The type of a column that the program itself reads, whatever comes in it: one odd value is rescued and told of, and
 * everything else goes on being compared. Undefined where the data decide.
 */
export function fixedType(
  { group, feed }: { group: string; feed: string },
  name: string,
): ColumnType | undefined {
  return group === ROW_COUNTS.group && feed === ROW_COUNTS.feed && isCount(name) ? 'BIGINT' : undefined;
}
