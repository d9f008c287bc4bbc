import { stringify } from 'csv-stringify/sync';
import type { Cell, ResultRows } from '../warehouse/values.ts';
import { cellJson, cellText, quoted } from './cells.ts';
import { tableLines } from './layout.ts';
import { printable } from './printable.ts';
import { DEFAULT_WIDTH, type OutputStream } from './terminal.ts';

export const OUTPUT_FORMATS = ['table', 'json', 'csv'] as const;

/** The value of `--output`. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface PrintOptions {
  format: OutputFormat;
  stream: OutputStream;
  /** Whether ANSI colours are wanted, see `wantsColor`. */
  color: boolean;
  /** Places across; left out: the terminal's, and no limit where there is no terminal. */
  width?: number;
}

/** Rows that are turned into text at a time. */
const BATCH = 500;

/**
 * Prints a table: with {@link printText} the one way from a command to stdout.
 *
 * - `table`: columns for people; cut to the terminal's width, and never cut where there is no terminal
 * - `json`: one array with an object for each row, a line each, `[]` when there are none; see {@link cellJson}
 * - `csv`: quoted as RFC 4180 says, lines end in LF; NULL is nothing, an empty text is `""`; nested values as JSON
 *
 * In `json` and `csv` a second column `a` is called `a_1`: readers key values by name. Whoever reads the output may go
 * away at any time (`| head`); that is no error. On return everything is written. Rows are taken as they come, a batch at a
 * time.
 */
export async function printTable(table: ResultRows, options: PrintOptions): Promise<void> {
  await printChunks(options.stream, chunks(table, options));
}

/** Prints what is data but no table. */
export async function printText(stream: OutputStream, text: string | Uint8Array): Promise<void> {
  await printChunks(stream, [text]);
}

async function printChunks(
  stream: OutputStream,
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  // A failed write tells twice, its callback first; the event must find a listener, or it ends the process.
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
      // Only a terminal acts upon control characters; a file or a pipe gets the values as they are.
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
    // An empty text is quoted, so that it is not NULL; so is a lone CR, which some readers take for a line's end.
    quoted_match: [/^$/, /[\r\n]/],
    // A line with nothing on it is no row to most readers.
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

/** Names of which no two are the same: a second `a` becomes `a_1`, or the first `a_N` that is free. */
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
