import type { ResultTable } from '../warehouse/values.ts';
import { columnWidths, GAP } from './layout.ts';

/**
 * As many columns of a table as fit, the most important ones first; they stay in their order. Of columns that nobody ranked the
 * first is the most important. Nothing is ever cut: a name that is cut names something else, or nothing.
 * @param important columns by name; the first of them is always there
 */
export function fitting(table: ResultTable, important: readonly string[], width: number): ResultTable {
  const widths = columnWidths(table);
  const rank = table.columns.map(({ name }) => {
    const at = important.indexOf(name);
    return at === -1 ? important.length : at;
  });
  const order = rank.map((_, index) => index).sort((a, b) => Number(rank[a]) - Number(rank[b]));
  const kept = new Set<number>();
  let taken = -GAP.length;
  for (const index of order) {
    const wider = taken + GAP.length + (widths[index] ?? 0);
    if (wider > width && kept.size > 0) continue;
    kept.add(index);
    taken = wider;
  }
  const shown = <T>(cells: readonly T[]) => cells.filter((_, index) => kept.has(index));
  return { columns: shown(table.columns), rows: table.rows.map(shown) };
}
