import picocolors from 'picocolors';
import stringWidth from 'string-width';
import type { Cell, ResultRows, ResultTable } from '../warehouse/values.ts';
import { cellText, isNumeric } from './cells.ts';
import { printable } from './printable.ts';

/** A text column may be cut down to this many places to make a table fit. */
const MIN_TEXT_WIDTH = 8;
/** Half a timestamp says nothing, and half a number lies: these and numbers are not cut. */
const WHOLE_TYPES = /^(TIMESTAMP|DATE|TIME|UUID|BOOLEAN)/;
/** Without a terminal nothing is cut: a cell longer than this pushes the rest of its own row, not every row. */
const MAX_PADDING = 60;
const MAX_COUNTED = 2000;
/** What stands between two columns. */
export const GAP = '  ';
/** How wide columns are is told from so many rows; those behind follow, however many they are. */
const MEASURED_ROWS = 10_000;

interface Column {
  name: string;
  numeric: boolean;
  /** Whether its cells must not be cut. */
  whole: boolean;
  /** Places that its longest cell takes. */
  widest: number;
  width: number;
}

interface Layout {
  columns: Column[];
  /** Places across; undefined where the output is no terminal. */
  width: number | undefined;
  colors: ReturnType<typeof picocolors.createColors>;
}

/**
 * A table as lines of text, in columns: numbers to the right, NULL dim.
 *
 * @param width places across a terminal: long texts are cut to fit, and when that is not enough every row becomes a
 *   block with a line for each column. Undefined: nothing is cut.
 */
export async function* tableLines(
  table: ResultRows,
  { width, color }: { width: number | undefined; color: boolean },
): AsyncGenerator<string> {
  const colors = picocolors.createColors(color);
  const { first, rows } = await begin(table.rows);
  const columns = table.columns.map((column, index) => measure(column, first, index));
  const layout = { columns, width, colors };
  const space = width === undefined ? undefined : width - GAP.length * (columns.length - 1);
  // The first column says what a row is about: it is cut last.
  if (space !== undefined && !shrink(columns, space, 1) && !shrink(columns, space, 0)) {
    yield* blocks(rows, layout);
  } else {
    yield* grid(rows, layout);
  }
  if (first.length === 0) yield colors.dim('(no rows)');
}

type Rows = ResultRows['rows'];

/** Takes the rows that widths are told from. @returns those, and with them all rows */
async function begin(all: Rows): Promise<{ first: Cell[][]; rows: Rows }> {
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

/** How many places each column takes where nothing is cut. */
export function columnWidths({ columns, rows }: ResultTable): number[] {
  return columns
    .map((column, index) => measure(column, rows, index))
    .map(({ name, widest }) => Math.max(widest, places(name)));
}

function measure(column: ResultRows['columns'][number], rows: Cell[][], index: number): Column {
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
function shrink(columns: Column[], space: number, kept: number): boolean {
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

async function* grid(rows: Rows, layout: Layout): AsyncGenerator<string> {
  const { columns, colors, width } = layout;
  const line = (part: (column: Column, index: number) => string) => columns.map(part).join(GAP).trimEnd();
  const fitted = (text: string, column: Column) =>
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

async function* blocks(rows: Rows, { columns, width = 0, colors }: Layout): AsyncGenerator<string> {
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

function shown(cell: Cell): string {
  return cell === null ? 'NULL' : printable(cellText(cell));
}

/** How many places a text takes on a terminal: 中 takes two. One that is longer than any terminal is not counted out. */
function places(text: string): number {
  return text.length > MAX_COUNTED || /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}

function pad(text: string, { numeric, width }: Column): string {
  const blanks = ' '.repeat(Math.max(0, width - places(text)));
  return numeric ? blanks + text : text + blanks;
}

/** Colours a padded text without its blanks, so that lines can be trimmed. */
function style(text: string, paint: (text: string) => string): string {
  const word = text.trim();
  return word === '' ? text : text.replace(word, () => paint(word));
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

function cut(text: string, width: number): string {
  if (places(text) <= width) return text;
  let kept = '';
  let taken = 0;
  // No more than four times as many characters as places are looked at: a cell may hold megabytes.
  for (const { segment } of graphemes.segment(text.slice(0, width * 4))) {
    taken += places(segment);
    if (taken > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
