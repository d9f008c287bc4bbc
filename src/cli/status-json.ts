import type { Attention } from '../attention.ts';
import { secondText } from '../text.ts';
import { type Cell, type ResultTable, tableOf } from '../warehouse/values.ts';
import { cellJson, quoted } from './cells.ts';
import type { WarehouseStatus } from './status-text.ts';

/**
 * The columns of `status --attention` and the fields of an item in `status --output json`. All are always there, even
 * when empty.
 */
const FIELDS = ['kind', 'severity', 'source', 'feed', 'model', 'count', 'message', 'hint'] as const;

/** Items as a table, one row for each. */
export function attentionTable(items: readonly Attention[]): ResultTable {
  return tableOf(FIELDS, items, { count: 'BIGINT' });
}

/**
 * `status --output json`: one object, unlike commands that print one table as an array. It has several parts, and
 * scripts address each by its name.
 * @param exitCode the exit code of `status`
 */
export function statusJson(
  { lastRun, published, attention, feeds }: WarehouseStatus,
  exitCode: number,
): string {
  const last: Cell = lastRun ? cells({ ...lastRun }) : null;
  const parts = {
    exit_code: String(exitCode),
    last_run: cellJson(last),
    published: cellJson(published ? cells({ ...published }) : null),
    attention: list(attentionTable(attention)),
    feeds: list(feeds),
  };
  const lines = Object.entries(parts).map(([name, json]) => `${quoted(name)}:${json}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** One row on each line. */
function list({ columns, rows }: ResultTable): string {
  const objects = rows.map((row) =>
    cellJson(Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null]))),
  );
  return objects.length === 0 ? '[]' : `[\n${objects.join(',\n')}\n]`;
}

function cells(fields: Record<string, string | number | boolean | Date | null | undefined>): Cell {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]): [string, Cell] => [
      name,
      value instanceof Date ? secondText(value) : (value ?? null),
    ]),
  );
}
