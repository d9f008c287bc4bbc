import type { ResultTable } from '../warehouse/values.ts';
import { columnWidths, GAP } from './table-text.ts';

/**
 * As many columns of a table as fit into `width`, the most important ones first, in their original order. Among columns
 * without a rank, earlier ones are more important. Nothing is cut, since a shortened name may name something else.
 * @param important names of columns; the first is always kept
 */
export async function fittingColumns(
  table: ResultTable,
  important: readonly string[],
  width: number,
): Promise<ResultTable> {
  const widths = await columnWidths(table);
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
