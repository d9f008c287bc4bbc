import { createHash } from 'node:crypto';
import { closeSync, createReadStream, createWriteStream, openSync, readSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { FileError, StorageError } from '../errors.ts';
import { LITTLE_BYTES } from '../files.ts';
import { DEFAULT_LIMITS, type Limits, limitText, RATIO_COUNTS_FROM_BYTES } from '../limits.ts';
import type { Decryptor } from './decrypt/decrypt.ts';
import { DecryptError } from './decrypt/error.ts';
import type { LandedFile } from './file.ts';
import { DecompressError, gunzip } from './gunzip.ts';
import { LineCounter } from './lines.ts';

interface InspectOptions {
  /** Where the plain text goes; left out when the file is plain already. */
  plain?: string;
  gzip: boolean;
  /** Whether it is small and was written here a moment ago: to ask another thread for it takes longer than to read it. */
  isLittle?: boolean;
  /** Left out where it is not encrypted. */
  decryptor?: Decryptor;
  signal?: AbortSignal;
  /** Left out: the usual ones. */
  limits?: Limits;
}

const CHUNK_BYTES = 1 << 20;

/**
 * Reads a delivered file once: its hash, its lines, and its plain text where that has to be made.
 *
 * The plain text goes to a file that only its owner can read, and which gets its name once all was decrypted,
 * decompressed and found to be whole.
 * @param delivered where it lies on this machine
 * @throws what {@link fileError} understands; the signal's reason
 */
export async function inspect(
  delivered: string,
  { plain, gzip, isLittle = false, decryptor, signal, limits = DEFAULT_LIMITS }: InspectOptions,
): Promise<Pick<LandedFile, 'sha256' | 'lines' | 'irregular' | 'longest'>> {
  const hash = createHash('sha256');
  const counter = new LineCounter();
  const size = { delivered: 0, plain: 0 };
  const hashing = (chunk: Uint8Array) => {
    hash.update(chunk);
    size.delivered += chunk.length;
  };
  const counting = (chunk: Uint8Array) => {
    size.plain += chunk.length;
    mustBeWithin(limits, size);
    counter.push(chunk);
  };
  if (plain !== undefined) {
    const hashed = passing(chunksOf(delivered), hashing);
    const decrypted = decryptor ? decryptor.decrypt(hashed, signal) : hashed;
    const counted = (chunks: AsyncIterable<Uint8Array>) => passing(chunks, counting);
    await writePlain(plain, gzip ? gunzip(decrypted) : decrypted, counted, signal);
  } else {
    const look = (piece: Uint8Array) => {
      signal?.throwIfAborted();
      hashing(piece);
      counting(piece);
    };
    if (isLittle) readLittle(delivered, look);
    else await readPieces(delivered, look);
  }
  counter.finish();
  return {
    sha256: hash.digest('hex'),
    lines: counter.lines,
    irregular: counter.irregular,
    longest: counter.longest,
  };
}

/** Opens the file once it is asked for the first of them: an error then meets whoever asks. */
async function* chunksOf(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Uint8Array>;
}

async function* passing(
  chunks: AsyncIterable<Uint8Array>,
  look: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    look(chunk);
    yield chunk;
  }
}

/**
 * Reads a file into one buffer again and again: less than half the work of a stream where files are small.
 * @param look gets a piece that it must not keep
 */
async function readPieces(file: string, look: (piece: Uint8Array) => void): Promise<void> {
  const handle = await open(file);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer);
      if (bytesRead === 0) return;
      look(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

const LITTLE = Buffer.allocUnsafe(LITTLE_BYTES);

/** Does the same without leaving this thread. */
function readLittle(file: string, look: (piece: Uint8Array) => void): void {
  const handle = openSync(file, 'r');
  try {
    for (;;) {
      const length = readSync(handle, LITTLE, 0, LITTLE.length, null);
      if (length === 0) return;
      look(LITTLE.subarray(0, length));
    }
  } finally {
    closeSync(handle);
  }
}

async function writePlain(
  plain: string,
  chunks: AsyncIterable<Uint8Array>,
  counted: (chunks: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const partial = `${plain}.part`;
  // One that is there already could be open to others, and would stay so.
  await rm(partial, { force: true });
  try {
    await pipeline(chunks, counted, createWriteStream(partial, { flags: 'wx', mode: 0o600 }), { signal });
    await rename(partial, plain);
  } catch (error) {
    await rm(partial, { force: true });
    throw firstCause(error);
  }
}

/** What comes out is bounded as it comes: a file of some megabytes can hold more than any disk. */
function mustBeWithin(limits: Limits, { delivered, plain }: { delivered: number; plain: number }): void {
  if (plain > limits.file_bytes) throw new TooLarge(`it is larger than ${limitText(limits, 'file_bytes')}`);
  if (plain > RATIO_COUNTS_FROM_BYTES && plain > delivered * limits.file_ratio)
    throw new TooLarge(`it is more times larger than delivered than ${limitText(limits, 'file_ratio')}`);
}

class TooLarge extends Error {}

/** A file that came whole and whose bytes cannot be read: the same bytes will come to the same. */
export class UnreadableFile extends FileError {}

/** Where the parts of a pipeline fail one after the other, Node gathers their errors, the first one first. */
function firstCause(error: unknown): unknown {
  return error instanceof AggregateError ? error.errors[0] : error;
}

/**
 * What went wrong with one file on this machine, as an error of ours; what is no trouble with a file stays what it is.
 * @param path as it was listed
 */
export function fileError(path: string, cause: unknown): unknown {
  const { message, code, name, syscall } = cause as NodeJS.ErrnoException;
  if (cause instanceof DecryptError)
    return new UnreadableFile(`${path} cannot be decrypted: ${message}`, {
      ...(cause.hint && { hint: cause.hint }),
      cause,
    });
  if (cause instanceof DecompressError || code?.startsWith('Z_'))
    return new UnreadableFile(`${path} does not decompress to its end: ${message}`, { cause });
  if (cause instanceof TooLarge)
    return new UnreadableFile(`${path} is not loaded: ${message}`, {
      hint: 'When it is as it should be, raise that limit in warehouse.yaml.',
      cause,
    });
  // Whoever was asked to stop has looked at the signal before: this one is of a stream that ended by itself.
  if (name === 'AbortError' || code === 'ERR_STREAM_PREMATURE_CLOSE')
    return new FileError(`${path} cannot be read to its end: ${message}`, { cause });
  if (syscall === 'write')
    return new StorageError(`the plain text of ${path} cannot be written: ${message}`, {
      hint: 'Look at the free space and the permissions of the landing folder.',
      cause,
    });
  return syscall === undefined ? cause : new FileError(`${path} cannot be read: ${message}`, { cause });
}
