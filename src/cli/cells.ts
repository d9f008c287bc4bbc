import { type Cell, ExactNumber, JsonText } from '../warehouse/values.ts';
import { printableJson } from './printable.ts';

/** How a cell reads in a table or in CSV; nested values as JSON. NULL is the caller's to show. */
export function cellText(cell: Exclude<Cell, null>): string {
  return typeof cell === 'object' && !(cell instanceof JsonText) && !(cell instanceof ExactNumber)
    ? cellJson(cell)
    : String(cell);
}

/**
 * How a cell reads as JSON. Every digit of a number stays; NaN and the infinities, which JSON has no number for, become
 * the strings `"NaN"`, `"Infinity"`, `"-Infinity"`: null would say that there is no value. What a JSON column holds is
 * put in as it is; DuckDB also takes `[1,]` and `{"a": NaN}` for JSON, and such text becomes a string.
 */
export function cellJson(cell: Cell): string {
  if (cell === null) return 'null';
  if (typeof cell === 'number' && !Number.isFinite(cell)) return `"${cell}"`;
  if (typeof cell === 'string') return quoted(cell);
  if (cell instanceof JsonText) return isJson(cell.text) ? printableJson(cell.text) : quoted(cell.text);
  if (typeof cell !== 'object' || cell instanceof ExactNumber) return String(cell);
  if (Array.isArray(cell)) return `[${cell.map(cellJson).join(',')}]`;
  const entries = Object.entries(cell).map(([key, value]) => `${quoted(key)}:${cellJson(value)}`);
  return `{${entries.join(',')}}`;
}

/** Whether it reads as a number, to be aligned by its last digit. */
export function isNumeric(cell: Cell): boolean {
  return typeof cell === 'number' || typeof cell === 'bigint' || cell instanceof ExactNumber;
}

/** A name as a JSON string. */
export function quoted(text: string): string {
  return printableJson(JSON.stringify(text));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
