import {
  appendFile,
  close,
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  writev,
  writevSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { finished, type Readable } from 'node:stream';
import { promisify } from 'node:util';
import { FileError, SourceError, StorageError, WarehouseError } from '../errors.ts';
import { LITTLE_BYTES } from '../files.ts';
import type { FetchOptions, ListedFile } from './connector.ts';
import { backOff, PATIENCE, type Patience } from './retry.ts';

/** How one file is transferred from one kind of place. */
export interface FileTransfer {
  file: ListedFile;
  /** The local file for its bytes; it may hold a beginning of them. */
  partial: string;
  /**
   * Opens the file's bytes from `start` (below its size) to its end. Keeps its own time-outs until it has the stream.
   * @param signal ends the request; the stream itself is destroyed by {@link receive}
   * @throws FileError when the file there is not the one that was listed. An error of ours is final; any other is
   *   explained, and tried again when that says so
   */
  read(start: number, signal: AbortSignal): Promise<Readable>;
  /** Sees all bytes that {@link read} brings, each once and in order, before they are on the disk. */
  see?(chunk: Uint8Array): void;
  /** Turns an error into one of ours. After a `retryable` one, fetching resumes where the bytes stopped. */
  explain(error: unknown): WarehouseError;
  /**
   * Called when all bytes have arrived: compares them with the place's checksum, or checks that the file is still the
   * one that was listed.
   * @throws FileError when it is not
   */
  verify?(): Promise<void>;
}

/**
 * Implements `Connector.fetch` for connectors that can read a file from any byte on: resumes a beginning, resumes when
 * the connection breaks or falls silent, and leaves no partial file that cannot be trusted.
 */
export async function receive(
  arrival: FileTransfer,
  options: FetchOptions = {},
  patience: Patience = PATIENCE,
): Promise<void> {
  options.signal?.throwIfAborted();
  try {
    await receiveAll(arrival, options, patience);
    await arrival.verify?.();
  } catch (error) {
    options.signal?.throwIfAborted();
    const failure = toOurError(arrival, error);
    if (failure instanceof FileError) await rm(arrival.partial, { force: true });
    throw failure;
  }
}

async function receiveAll(arrival: FileTransfer, options: FetchOptions, patience: Patience): Promise<void> {
  const { file, partial } = arrival;
  await using tail = await onDisk(partial, async () => new PartialFile(arrival, options.onBytes));
  // Whatever this is, it is not a beginning of the file.
  if (tail.size > file.bytes) tail.empty();
  let failures = 0;
  while (tail.size < file.bytes) {
    const start = tail.size;
    try {
      await receiveRest(arrival, tail, options.signal, patience);
      if (tail.size < file.bytes)
        throw new BrokenConnection(`it ended after ${tail.size} of ${file.bytes} bytes`);
    } catch (error) {
      options.signal?.throwIfAborted();
      const failure = toOurError(arrival, error);
      // An attempt that brought some bytes resets the count, so that a long file still arrives over a bad line.
      failures = tail.size > start ? 1 : failures + 1;
      const isFinal = error instanceof WarehouseError || failure instanceof FileError || !failure.retryable;
      if (isFinal || failures >= patience.attempts) throw failure;
      await backOff(failures, patience, options.signal);
    }
  }
}

/** The connection ended early or fell silent. */
class BrokenConnection extends Error {}

/**
 * Appends the bytes that arrive until they end, the signal aborts, or nothing arrives for too long. In each case
 * everything that arrived is then on disk.
 */
async function receiveRest(
  { read }: FileTransfer,
  tail: PartialFile,
  signal: AbortSignal | undefined,
  { stallMs }: Patience,
): Promise<void> {
  const stall = new AbortController();
  const stop = signal ? AbortSignal.any([signal, stall.signal]) : stall.signal;
  const stream = await read(tail.size, stop);
  const timer = setTimeout(
    () => stall.abort(new BrokenConnection(`nothing came for ${stallMs / 1000} s`)),
    stallMs,
  );
  const onAbort = () => stream.destroy(stop.reason);
  stop.addEventListener('abort', onAbort);
  try {
    await new Promise<void>((resolve, reject) => {
      finished(stream, (error) => (error ? reject(error) : resolve()));
      if (stop.aborted) onAbort();
      // A stream can be read in many ways; this one hands out each chunk as it came, without a copy and without a promise.
      stream.on('data', (chunk: Uint8Array) => {
        timer.refresh();
        const full = tail.append(chunk);
        if (!full) return;
        stream.pause();
        full.then(
          () => stream.resume(),
          (error) => stream.destroy(error),
        );
      });
    });
  } catch (error) {
    throw stall.signal.aborted ? stall.signal.reason : error;
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', onAbort);
    await tail.flush();
  }
}

/**
 * How many bytes are written at once. Some connections deliver short chunks (16 KB with TLS), and writing each one
 * takes longer than receiving it.
 */
const BATCH_BYTES = 1 << 20;
/** On a slow line a smaller batch is written after so many milliseconds, so that what arrived is safe and counted. */
const BATCH_MS = 100;

/**
 * Appends to a partial file in batches, each written while the next one arrives.
 *
 * What takes no time is done by this very thread: to ask another one to open and close a small file takes longer than to
 * send for it.
 */
class PartialFile implements AsyncDisposable {
  readonly #arrival: FileTransfer;
  readonly #descriptor: number;
  readonly #onBytes: FetchOptions['onBytes'];
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #batchBegan = performance.now();
  #writing = Promise.resolve();
  /** The bytes on disk. */
  size: number;

  constructor(arrival: FileTransfer, onBytes: FetchOptions['onBytes']) {
    this.#arrival = arrival;
    this.#descriptor = openSync(arrival.partial, 'a');
    this.#onBytes = onBytes;
    this.size = fstatSync(this.#descriptor).size;
  }

  empty(): void {
    ftruncateSync(this.#descriptor);
    this.size = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Its number may be another file's as soon as it is closed.
    await this.#writing.catch(() => {});
    if (this.size <= LITTLE_BYTES) closeSync(this.#descriptor);
    else await promisify(close)(this.#descriptor);
  }

  /**
   * Appends a chunk.
   * @returns a promise to wait for before appending more; undefined while there is room
   */
  append(chunk: Uint8Array): Promise<void> | undefined {
    this.#arrival.see?.(chunk);
    this.#batch.push(chunk);
    this.#batchBytes += chunk.length;
    const isDue = this.#batchBytes >= BATCH_BYTES || performance.now() - this.#batchBegan > BATCH_MS;
    return isDue ? this.#writeBatch() : undefined;
  }

  /** Writes what is left. */
  async flush(): Promise<void> {
    if (this.#batchBytes > 0) this.#writeBatch();
    await this.#writing;
  }

  /**
   * Starts to write the present batch.
   * @returns a promise for when the batch before is written
   */
  #writeBatch(): Promise<void> {
    const before = this.#writing;
    const [batch, bytes] = [this.#batch, this.#batchBytes];
    this.#batch = [];
    this.#batchBytes = 0;
    this.#batchBegan = performance.now();
    this.#writing = before.then(() => this.#write(batch, bytes));
    // The promise is awaited later, and must not count as unhandled until then.
    this.#writing.catch(() => {});
    return before;
  }

  async #write(batch: Uint8Array[], bytes: number): Promise<void> {
    const { file, partial } = this.#arrival;
    if (this.size + bytes > file.bytes)
      throw new FileError(`${file.path} is longer than the ${file.bytes} bytes that were listed`, {
        hint: 'It was replaced while it was being fetched; the next run lists it again.',
      });
    await onDisk(partial, async () => {
      // A little is written sooner than another thread could be asked to.
      const bytesWritten =
        bytes <= LITTLE_BYTES
          ? writevSync(this.#descriptor, batch)
          : (await promisify(writev)(this.#descriptor, batch)).bytesWritten;
      // A full disk takes a part of the batch, and only reports an error when it is given the rest.
      if (bytesWritten < bytes)
        await promisify(appendFile)(this.#descriptor, Buffer.concat(batch).subarray(bytesWritten));
    });
    this.size += bytes;
    this.#onBytes?.(bytes);
  }
}

/** The error for a file that is no longer the one that was listed. */
export function changedError({ path }: ListedFile, how: 'removed' | 'replaced'): FileError {
  return new FileError(`${path} was ${how} since it was listed`, {
    hint: 'The next run lists it again.',
    retryable: true,
  });
}

function toOurError(arrival: FileTransfer, error: unknown): WarehouseError {
  if (error instanceof WarehouseError) return error;
  if (error instanceof BrokenConnection)
    return new SourceError(`${arrival.file.path} did not arrive whole: ${error.message}`, {
      hint: 'Run again: what came is kept, and fetching goes on from there.',
      retryable: true,
    });
  return arrival.explain(error);
}

/** Reports errors of our own disk as such, and not as errors of the source. */
async function onDisk<T>(partial: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new StorageError(`cannot write ${partial}: ${(cause as Error).message}`, {
      hint: 'Look at the free space and the permissions of that folder.',
      cause,
    });
  }
}
