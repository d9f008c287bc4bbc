/** Rows that two tables do not share, as lines that a person can compare. Pure. */

export type TextRow = Readonly<Record<string, string | null>>;

/** More lines than this say no more. */
const MOST_LINES = 20;

/**
 * `-` stands before rows that were expected and did not come, `+` before rows that came and were not expected. Rows that are
 * alike stand together.
 */
export function differenceLines(missing: readonly TextRow[], unexpected: readonly TextRow[]): string[] {
  const marked = [
    ...missing.map((row) => ({ mark: '-', row })),
    ...unexpected.map((row) => ({ mark: '+', row })),
  ];
  const columns = Object.keys(marked[0]?.row ?? {});
  const cells = (row: TextRow) => columns.map((name) => row[name] ?? 'NULL');
  const sorted = marked.toSorted((a, b) => compare(cells(a.row), cells(b.row)) || (a.mark < b.mark ? 1 : -1));
  const shown = sorted.slice(0, MOST_LINES);
  const table = [columns, ...shown.map(({ row }) => cells(row))];
  const widths = columns.map((_, index) => Math.max(...table.map((row) => (row[index] as string).length)));
  const line = (mark: string, row: readonly string[]) =>
    `${mark} ${row.map((cell, index) => cell.padEnd(widths[index] as number)).join('  ')}`.trimEnd();
  const left = sorted.length - shown.length;
  return [
    line(' ', columns),
    ...shown.map(({ mark, row }) => line(mark, cells(row))),
    ...(left > 0 ? [`  and ${left} more`] : []),
  ];
}

function compare(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((cell, index) => cell !== b[index]);
  if (at < 0) return 0;
  return (a[at] as string) < (b[at] as string) ? -1 : 1;
}
