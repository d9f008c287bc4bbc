import { stringify } from 'csv-stringify/sync';
import type { Cell, ResultRows } from '../warehouse/values.ts';
import { cellJson, cellText, quoted } from './cells.ts';
import type { OutputFormat } from './formats.ts';
import { printable } from './printable.ts';
import { tableLines } from './table-text.ts';
import { DEFAULT_WIDTH, type OutputStream } from './terminal.ts';

export interface PrintOptions {
  format: OutputFormat;
  stream: OutputStream;
  /** Whether ANSI colours are wanted, see `wantsColor`. */
  color: boolean;
  /** The width; left out: the terminal's, or none where there is no terminal. */
  width?: number;
}

/** How many rows are turned into text at a time. */
const BATCH = 500;

/**
 * Prints a table. This and {@link printText} are the only ways from a command to stdout.
 *
 * - `table`: columns for people; cut to the terminal's width, and never cut where there is no terminal
 * - `json`: one array with one object on a line for each row, `[]` when there are none; see {@link cellJson}
 * - `csv`: quoted as in RFC 4180, with LF line ends; NULL is nothing, empty text is `""`; nested values as JSON
 *
 * In `json` and `csv` a second column `a` is called `a_1`, because readers address values by name. Whoever reads the
 * output may stop at any time (`| head`), which is no error. Rows are written in batches as they come, and everything
 * is written on return.
 */
export async function printTable(table: ResultRows, options: PrintOptions): Promise<void> {
  await printChunks(options.stream, chunks(table, options));
}

/** Prints data that is not a table. */
export async function printText(stream: OutputStream, text: string | Uint8Array): Promise<void> {
  await printChunks(stream, [text]);
}

async function printChunks(
  stream: OutputStream,
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  // A failed write is reported twice, to the callback and as an event. Without a listener the event would end the
  // process.
  const heard = () => {};
  stream.on('error', heard);
  try {
    for await (const chunk of chunks) await written(stream, chunk);
    stream.off('error', heard);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

function written(stream: OutputStream, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

async function* chunks(
  table: ResultRows,
  { format, stream, color, width }: PrintOptions,
): AsyncGenerator<string> {
  const terminal = stream.isTTY === true;
  switch (format) {
    case 'json':
      yield* jsonChunks(table);
      break;
    case 'csv':
      // Only a terminal interprets control characters; a file or pipe gets the values unchanged.
      yield* csvChunks(table, terminal ? printable : (text) => text);
      break;
    case 'table': {
      const across = width ?? (terminal ? stream.columns || DEFAULT_WIDTH : undefined);
      const lines = tableLines(table, { width: across, color });
      for await (const some of batches(lines)) yield `${some.join('\n')}\n`;
    }
  }
}

async function* jsonChunks({ columns, rows }: ResultRows): AsyncGenerator<string> {
  const keys = distinct(columns.map(({ name }) => name)).map(quoted);
  const object = (row: Cell[]) =>
    `{${keys.map((key, index) => `${key}:${cellJson(row[index] ?? null)}`).join(',')}}`;
  let before = '[';
  for await (const batch of batches(rows)) {
    yield `${before}\n${batch.map(object).join(',\n')}`;
    before = ',';
  }
  yield before === '[' ? '[]\n' : '\n]\n';
}

async function* csvChunks(
  { columns, rows }: ResultRows,
  safe: (text: string) => string,
): AsyncGenerator<string> {
  const options = {
    // Empty text is quoted to tell it from NULL. So is a lone CR, which some readers take for a line end.
    quoted_match: [/^$/, /[\r\n]/],
    // Most readers skip an empty line, so a row with one NULL needs quotes.
    quoted_empty: columns.length === 1,
  };
  yield stringify([distinct(columns.map(({ name }) => safe(name)))], options);
  for await (const batch of batches(rows)) {
    yield stringify(
      batch.map((row) => row.map((cell) => (cell === null ? null : safe(cellText(cell))))),
      options,
    );
  }
}

/** Makes names unique: a second `a` becomes `a_1`, or the first `a_N` that is free. */
function distinct(names: string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let number = 1; seen.has(unique); number += 1) {
      const next = `${name}_${number}`;
      if (!taken.has(next)) unique = next;
    }
    seen.add(unique);
    taken.add(unique);
    return unique;
  });
}

async function* batches<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length === BATCH) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
