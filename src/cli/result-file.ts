import { createReadStream } from 'node:fs';
import { chmod, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StorageError, UsageError } from '../errors.ts';
import { storageTrouble } from '../warehouse/trouble.ts';
import { type OutputFormat, RESULT_FORMATS, type ResultFormat } from './formats.ts';
import type { OutputStream } from './terminal.ts';

export function isText(format: ResultFormat): format is OutputFormat {
  return format !== 'parquet' && format !== 'xlsx';
}

/**
 * The format to use: the one asked for, else that of the file's extension, else a table. Pure.
 * @throws UsageError when the extension is unknown
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

/** A temporary file for a result, and what happens once it is complete. Without `done` it is deleted. */
export interface ResultFile extends AsyncDisposable {
  /** The temporary file, which does not exist yet. */
  file: string;
  /**
   * Moves or sends the result to its place.
   * @throws StorageError when that fails
   */
  done(): Promise<void>;
}

/**
 * A temporary file beside a named target, which it replaces when it is complete.
 * @throws UsageError when the target exists and is not a file
 */
export async function fileBeside(named: string): Promise<ResultFile> {
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

/** A temporary file for a stream, to which its bytes are sent when it is complete. It lies in a private folder. */
export async function fileForStream(stream: OutputStream): Promise<ResultFile> {
  const folder = await mkdtemp(join(tmpdir(), 'asapp-warehouse-'));
  const file = join(folder, 'result');
  return {
    file,
    done: () => pipeline(createReadStream(file), stream, { end: false }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** An error of writing a result, as a message with the name of the file. */
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

/**
 * The reason in DuckDB's message when it cannot open a file for writing: `Cannot open file "…": No such file or
 * directory`.
 */
function duckdbReason(error: unknown): string | undefined {
  const found = /Cannot open file "[^"]*": (.+)/.exec(error instanceof Error ? error.message : '');
  if (!found) return undefined;
  return found[1] === 'No such file or directory' ? REASONS.ENOENT : found[1]?.toLowerCase();
}
