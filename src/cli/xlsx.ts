import { Readable } from 'node:stream';
import { UsageError } from '../errors.ts';
import { type Cell, ExactNumber, type ResultRows } from '../warehouse/values.ts';
import { cellText } from './cells.ts';

/**
 * A workbook of one sheet. By hucre, since it writes row by row in little memory, has no dependencies, and is looked after:
 * `xlsx` is not any more on npm, `exceljs` has had no release since 2023, `write-excel-file` takes all rows at once, and
 * DuckDB's own writer is an extension.
 *
 * - numbers are numbers as long as a sheet keeps them: it has 15 digits, so what has more becomes text, and is not rounded
 * - DATE and TIMESTAMP are dates, shown to the second; what lies before March 1900, which a sheet counts wrongly, is text
 * - nested values are JSON; NULL is an empty cell
 * @throws UsageError for a text that is longer than a cell may be; rows past what a sheet holds go on in another sheet
 */
export async function xlsxStream({ columns, rows }: ResultRows): Promise<Readable> {
  // Loaded by the one command that needs it.
  const { writeXlsxStream } = await import('hucre/xlsx');
  const stream = writeXlsxStream(sheetRows(columns, rows), {
    name: 'query',
    columns: columns.map(({ name, type }) => ({ header: sheetText(name, 'a name'), ...FORMATS[type] })),
    freezePane: { rows: 1 },
  });
  return Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]);
}

type SheetCell = string | number | boolean | Date | null;

/** More than a sheet keeps is shown as zeros. */
const SHEET_DIGITS = 15;
const LONGEST_TEXT = 32_767;
/** A sheet takes 1900 for a leap year. */
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

/** The instant that `2026-01-05 10:00:00` says; a sheet knows no zones, and here all is UTC. */
function day(text: string): Date | undefined {
  const found = /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?))?(?:\+00)?$/.exec(text);
  const [, date = '', time = '00:00:00'] = found ?? [];
  return found && date >= FIRST_DAY ? new Date(`${date}T${time}Z`) : undefined;
}

/** `_x0041_` is how a workbook spells `A`: what looks like that is spelled so itself. */
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
