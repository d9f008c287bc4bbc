import { createReadStream } from 'node:fs';
import { chmod, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StorageError, UsageError } from '../errors.ts';
import { storageTrouble } from '../warehouse/trouble.ts';
import { OUTPUT_FORMATS, type OutputFormat } from './output.ts';
import type { OutputStream } from './terminal.ts';

/** Formats of what a query answers: those that are no text need a file, or a pipe. */
export const RESULT_FORMATS = [...OUTPUT_FORMATS, 'parquet', 'xlsx'] as const;

export type ResultFormat = (typeof RESULT_FORMATS)[number];

export function isText(format: ResultFormat): format is OutputFormat {
  return format !== 'parquet' && format !== 'xlsx';
}

/**
 * The format that is meant: what was asked for, else what the file's name ends in, else a table. Pure.
 * @throws UsageError when the file's name says nothing
 */
export function resultFormat(output: ResultFormat | undefined, file: string | undefined): ResultFormat {
  if (output !== undefined || file === undefined) return output ?? 'table';
  const ending = extname(file).slice(1).toLowerCase();
  const found = RESULT_FORMATS.find((format) => format === ending && format !== 'table');
  if (found) return found;
  throw new UsageError(`${file} does not tell in which format it is to be written`, {
    hint: `add --output and one of ${RESULT_FORMATS.join(', ')}`,
  });
}

/** Where a result is written first, and what is done with it once it is whole; without `done` nothing is left of it. */
export interface ResultPlace extends AsyncDisposable {
  /** Not there yet. */
  file: string;
  /** @throws StorageError when it cannot be put where it belongs */
  done(): Promise<void>;
}

/**
 * A file that somebody named: it is written beside it, and takes its place when all is there.
 * @throws UsageError when something else has that name
 */
export async function placeAt(named: string): Promise<ResultPlace> {
  const target = resolve(named);
  const old = await stat(target).catch(() => undefined);
  if (old && !old.isFile())
    throw new UsageError(`${named} is there, and is no file`, { hint: 'name a file at --to' });
  const file = `${target}.${process.pid}.tmp`;
  return {
    file,
    async done() {
      if (old) await chmod(file, old.mode);
      await rename(file, target);
    },
    [Symbol.asyncDispose]: () => rm(file, { force: true }),
  };
}

/** A stream that takes bytes in order: they are written to a folder that nobody else can look into, and then sent. */
export async function placeBefore(stream: OutputStream): Promise<ResultPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'asapp-warehouse-'));
  const file = join(folder, 'result');
  return {
    file,
    done: () => pipeline(createReadStream(file), stream, { end: false }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** An error of writing a result, with the file that somebody named. */
export function writeProblem(named: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const reason = (syscall && REASONS[code ?? '']) || duckdbReason(error);
  if (reason) return new StorageError(`${named} cannot be written: ${reason}`, { cause: error });
  return storageTrouble(error, named) ?? error;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder is not there',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'part of its path is not a folder',
};

/** What DuckDB says when it cannot open a file to write it: `Cannot open file "…": No such file or directory`. */
function duckdbReason(error: unknown): string | undefined {
  const found = /Cannot open file "[^"]*": (.+)/.exec(error instanceof Error ? error.message : '');
  if (!found) return undefined;
  return found[1] === 'No such file or directory' ? REASONS.ENOENT : found[1]?.toLowerCase();
}
