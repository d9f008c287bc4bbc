import picocolors from 'picocolors';
import type { Cell, ResultRows, ResultTable } from '../warehouse/values.ts';
import { cellText, isNumeric } from './cells.ts';
import { places, prepareFor } from './places.ts';
import { printable } from './printable.ts';

/** The width to which a text column may be cut to make a table fit. */
const MIN_TEXT_WIDTH = 8;
/** Types that are never cut, besides numbers: half a timestamp is useless, and half a number is wrong. */
const WHOLE_TYPES = /^(TIMESTAMP|DATE|TIME|UUID|BOOLEAN)/;
/** The widest padding without a terminal, where nothing is cut: a longer cell only shifts the rest of its own row. */
const MAX_PADDING = 60;
/** The gap between two columns. */
export const GAP = '  ';
/** How many rows are measured to set the widths of columns. */
const MEASURED_ROWS = 10_000;

interface TextColumn {
  name: string;
  numeric: boolean;
  /** Whether its cells must not be cut. */
  whole: boolean;
  /** The width of its longest cell. */
  widest: number;
  width: number;
}

interface TableLayout {
  columns: TextColumn[];
  /** Width of the terminal; undefined where the output is not one. */
  width: number | undefined;
  colors: ReturnType<typeof picocolors.createColors>;
}

/**
 * A table as lines of text in columns. Numbers are aligned to the right, and NULL is dim.
 *
 * @param width of the terminal: long texts are cut to fit, and if that is not enough each row becomes a block with a
 *   line for each column. Undefined: nothing is cut.
 */
export async function* tableLines(
  table: ResultRows,
  { width, color }: { width: number | undefined; color: boolean },
): AsyncGenerator<string> {
  const colors = picocolors.createColors(color);
  const { first, rows } = await takeMeasuredRows(table.rows);
  await prepareFor(rows === first ? textsOf(table.columns, first) : undefined);
  const columns = table.columns.map((column, index) => measure(column, first, index));
  const layout = { columns, width, colors };
  const space = width === undefined ? undefined : width - GAP.length * (columns.length - 1);
  // The first column identifies the row, so it is cut last.
  if (space !== undefined && !shrink(columns, space, 1) && !shrink(columns, space, 0)) {
    yield* blocks(rows, layout);
  } else {
    yield* grid(rows, layout);
  }
  if (first.length === 0) yield colors.dim('(no rows)');
}

type Rows = ResultRows['rows'];

/**
 * Takes the rows to be measured.
 * @returns those, and all rows including them
 */
async function takeMeasuredRows(all: Rows): Promise<{ first: Cell[][]; rows: Rows }> {
  if (Array.isArray(all) && all.length <= MEASURED_ROWS) return { first: all, rows: all };
  const first: Cell[][] = [];
  const iterator = Symbol.asyncIterator in all ? all[Symbol.asyncIterator]() : all[Symbol.iterator]();
  while (first.length < MEASURED_ROWS) {
    const { done, value } = await iterator.next();
    if (done) return { first, rows: first };
    first.push(value);
  }
  return { first, rows: joined(first, iterator) };
}

async function* joined(
  first: Cell[][],
  rest: Iterator<Cell[]> | AsyncIterator<Cell[]>,
): AsyncGenerator<Cell[]> {
  yield* first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** The width of each column when nothing is cut. */
export async function columnWidths({ columns, rows }: ResultTable): Promise<number[]> {
  await prepareFor(textsOf(columns, rows));
  return columns
    .map((column, index) => measure(column, rows, index))
    .map(({ name, widest }) => Math.max(widest, places(name)));
}

function measure(column: ResultRows['columns'][number], rows: Cell[][], index: number): TextColumn {
  const name = printable(column.name);
  const cells = rows.map((row) => row[index] ?? null);
  const widest = cells.reduce((most: number, cell) => Math.max(most, places(shown(cell))), 0);
  const filled = cells.filter((cell) => cell !== null);
  const numeric = filled.length > 0 && filled.every(isNumeric);
  const whole = numeric || WHOLE_TYPES.test(column.type);
  return { name, numeric, whole, widest, width: Math.min(Math.max(widest, places(name)), MAX_PADDING) };
}

/**
 * Narrows columns, the widest first, until they take no more than `space` places. False when they cannot.
 * @param kept how many columns are left as wide as they are
 */
function shrink(columns: TextColumn[], space: number, kept: number): boolean {
  const wanted = columns.map(({ name, widest }) => Math.max(widest, places(name)));
  const needed = columns.map(({ whole, widest }, index) =>
    whole || index < kept ? widest : Math.min(widest, MIN_TEXT_WIDTH),
  );
  const widthsAt = (limit: number) =>
    wanted.map((most, index) => Math.max(needed[index] ?? 0, Math.min(most, limit)));
  const total = (widths: number[]) => widths.reduce((sum, one) => sum + one, 0);
  let limit = Math.min(Math.max(0, ...wanted), space);
  while (limit > MIN_TEXT_WIDTH && total(widthsAt(limit)) > space) limit -= 1;
  const widths = widthsAt(limit);
  columns.forEach((column, index) => {
    column.width = widths[index] ?? 0;
  });
  return total(widths) <= space;
}

async function* grid(rows: Rows, layout: TableLayout): AsyncGenerator<string> {
  const { columns, colors, width } = layout;
  const line = (part: (column: TextColumn, index: number) => string) => columns.map(part).join(GAP).trimEnd();
  const fitted = (text: string, column: TextColumn) =>
    pad(width === undefined || column.whole ? text : cut(text, column.width), column);
  yield line((column) => style(fitted(column.name, column), colors.bold));
  yield line((column) => colors.dim('─'.repeat(column.width)));
  for await (const row of rows) {
    yield line((column, index) => {
      const cell = row[index] ?? null;
      const text = fitted(shown(cell), column);
      return cell === null ? style(text, colors.dim) : text;
    });
  }
}

async function* blocks(rows: Rows, { columns, width = 0, colors }: TableLayout): AsyncGenerator<string> {
  const names = Math.max(...columns.map(({ name }) => places(name)));
  const nameWidth = Math.min(names, Math.floor(width / 2));
  let number = 0;
  for await (const row of rows) {
    number += 1;
    yield colors.dim(`── row ${number} `.padEnd(width, '─'));
    for (const [index, { name }] of columns.entries()) {
      const cell = row[index] ?? null;
      const text = cut(shown(cell), width - nameWidth - GAP.length);
      const label = cut(name, nameWidth);
      yield `${colors.bold(label)}${' '.repeat(nameWidth - places(label))}${GAP}${cell === null ? colors.dim(text) : text}`;
    }
  }
}

function* textsOf(columns: ResultRows['columns'], rows: Cell[][]): Generator<string> {
  for (const { name } of columns) yield printable(name);
  for (const row of rows) for (const cell of row) yield shown(cell);
}

function shown(cell: Cell): string {
  return cell === null ? 'NULL' : printable(cellText(cell));
}

function pad(text: string, { numeric, width }: TextColumn): string {
  const blanks = ' '.repeat(Math.max(0, width - places(text)));
  return numeric ? blanks + text : text + blanks;
}

/** Colours a padded text but not its padding, so that lines can be trimmed. */
function style(text: string, paint: (text: string) => string): string {
  const word = text.trim();
  return word === '' ? text : text.replace(word, () => paint(word));
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

function cut(text: string, width: number): string {
  if (places(text) <= width) return text;
  let kept = '';
  let taken = 0;
  // Only a prefix is examined, since a cell may hold megabytes.
  for (const { segment } of graphemes.segment(text.slice(0, width * 4))) {
    taken += places(segment);
    if (taken > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
