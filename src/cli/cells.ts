import { type Cell, ExactNumber, JsonText } from '../warehouse/values.ts';
import { printableJson } from './printable.ts';

/** A cell as text for a table or CSV; nested values as JSON. The caller shows NULL. */
export function cellText(cell: Exclude<Cell, null>): string {
  return typeof cell === 'object' && !(cell instanceof JsonText) && !(cell instanceof ExactNumber)
    ? cellJson(cell)
    : String(cell);
}

/**
 * A cell as JSON. Numbers keep every digit. NaN and the infinities, which JSON cannot write as numbers, become the
 * strings `"NaN"`, `"Infinity"`, `"-Infinity"`, since null would mean that there is no value. The value of a JSON
 * column is inserted unchanged, unless it is not strict JSON: DuckDB also accepts `[1,]` and `{"a": NaN}`, and such
 * text becomes a string.
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

/** Whether a cell is a number, to be aligned to the right. */
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
