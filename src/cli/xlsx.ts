import { Readable } from 'node:stream';
import { UsageError } from '../errors.ts';
import { type Cell, ExactNumber, type ResultRows } from '../warehouse/values.ts';
import { cellText } from './cells.ts';

/**
 * A workbook with one sheet, written with hucre: it writes row by row in little memory, has no dependencies, and is
 * maintained. `xlsx` is no longer maintained on npm, `exceljs` has had no release since 2023, `write-excel-file` takes
 * all rows at once, and DuckDB's own writer is an extension.
 *
 * - numbers stay numbers up to the 15 digits that a sheet keeps; longer ones become text instead of being rounded
 * - DATE and TIMESTAMP become dates, shown to the second; those before March 1900, which a sheet counts wrongly, become
 *   text
 * - nested values are JSON; NULL is an empty cell
 * @throws UsageError for text longer than a cell may be; rows beyond the size of a sheet go into another sheet
 */
export async function xlsxStream({ columns, rows }: ResultRows): Promise<Readable> {
  // Only loaded by the command that needs it.
  const { writeXlsxStream } = await import('hucre/xlsx');
  const stream = writeXlsxStream(sheetRows(columns, rows), {
    name: 'query',
    columns: columns.map(({ name, type }) => ({ header: sheetText(name, 'a name'), ...FORMATS[type] })),
    freezePane: { rows: 1 },
  });
  return Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]);
}

type SheetCell = string | number | boolean | Date | null;

/** Further digits would be shown as zeros. */
const SHEET_DIGITS = 15;
const LONGEST_TEXT = 32_767;
/** A sheet treats 1900 as a leap year, so earlier dates would be wrong. */
const FIRST_DAY = '1900-03-01';

const DATE_AND_TIME = { numFmt: 'yyyy-mm-dd hh:mm:ss' };
const FORMATS: Readonly<Record<string, { numFmt: string }>> = {
  DATE: { numFmt: 'yyyy-mm-dd' },
  TIMESTAMP: DATE_AND_TIME,
  TIMESTAMP_S: DATE_AND_TIME,
  TIMESTAMP_MS: DATE_AND_TIME,
  'TIMESTAMP WITH TIME ZONE': DATE_AND_TIME,
};

async function* sheetRows(
  columns: ResultRows['columns'],
  rows: ResultRows['rows'],
): AsyncGenerator<SheetCell[]> {
  for await (const row of rows)
    yield row.map((cell, index) => {
      const { name = '', type = '' } = columns[index] ?? {};
      return sheetCell(cell, type, name);
    });
}

function sheetCell(cell: Cell, type: string, column: string): SheetCell {
  if (cell === null || typeof cell === 'boolean') return cell;
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : String(cell);
  if (typeof cell === 'bigint' || cell instanceof ExactNumber) return numberOrText(String(cell));
  const text = cellText(cell);
  return (typeof cell === 'string' && type in FORMATS && day(text)) || sheetText(text, column);
}

function numberOrText(text: string): number | string {
  const digits = text.replace(/[-.]/g, '').replace(/^0+/, '');
  return digits.length <= SHEET_DIGITS ? Number(text) : text;
}

/** The instant of `2026-01-05 10:00:00`, which is UTC; a sheet knows no time zones. */
function day(text: string): Date | undefined {
  const found = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?))?(?:\+00)?$/.exec(text);
  const [, date = '', time = '00:00:00'] = found ?? [];
  return found && date >= FIRST_DAY ? new Date(`${date}T${time}Z`) : undefined;
}

/** A workbook reads `_x0041_` as `A`, so text that looks like that is escaped. */
function sheetText(text: string, column: string): string {
  if (text.length > LONGEST_TEXT)
    throw new UsageError(
      `${column} holds a text of ${text.length} characters, and a cell of a workbook takes ${LONGEST_TEXT}`,
      {
        hint: 'cut it in the query with left(…), or write csv or parquet',
      },
    );
  return text.replace(/_(?=x[0-9A-Fa-f]{4}_)/g, '_x005F_');
}
