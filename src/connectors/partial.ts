import { type FileHandle, open, rm } from 'node:fs/promises';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FileError, SourceError, StorageError, WarehouseError } from '../errors.ts';
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
  await using handle = await onDisk(partial, () => open(partial, 'a'));
  let size = (await handle.stat()).size;
  if (size > file.bytes) {
    // Whatever this is, it is not a beginning of the file.
    await handle.truncate(0);
    size = 0;
  }
  const tail = new Tail(arrival, handle, size, options.onBytes);
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
 * Appends what comes until it ends, the signal comes, or nothing comes for too long. However that ends, what came is on
 * disk then.
 */
async function receiveRest(
  { read }: FileTransfer,
  tail: Tail,
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
  const sink = new Writable({
    // What waits in the sink is lost when the connection breaks: each chunk is in the batch before the next one is taken.
    highWaterMark: 1,
    write(chunk: Uint8Array, _, done) {
      timer.refresh();
      const full = tail.append(chunk);
      if (full) full.then(() => done(), done);
      else done();
    },
  });
  try {
    // An iteration would copy all that waits into one buffer each time.
    await pipeline(stream, sink, { signal: stop });
  } catch (error) {
    throw stall.signal.aborted ? stall.signal.reason : error;
  } finally {
    clearTimeout(timer);
    await tail.flush();
  }
}

/** Chunks of some connections are short (16 KB with TLS): written one by one, they take longer than to arrive. */
const BATCH_BYTES = 1 << 20;
/** On a slow line less is written at once: what came is safe, and said to have come, after so many milliseconds. */
const BATCH_MS = 100;

/** The end of a partial file. What comes is written in batches, each while the next one comes. */
class Tail {
  readonly #arrival: FileTransfer;
  readonly #handle: FileHandle;
  readonly #onBytes: FetchOptions['onBytes'];
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #batchBegan = performance.now();
  #writing = Promise.resolve();
  /** The bytes on disk. */
  size: number;

  constructor(arrival: FileTransfer, handle: FileHandle, size: number, onBytes: FetchOptions['onBytes']) {
    this.#arrival = arrival;
    this.#handle = handle;
    this.#onBytes = onBytes;
    this.size = size;
  }

  /** @returns what to wait for before more is appended; undefined while there is room */
  append(chunk: Uint8Array): Promise<void> | undefined {
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

  /** @returns when the batch before is written */
  #writeBatch(): Promise<void> {
    const before = this.#writing;
    const [batch, bytes] = [this.#batch, this.#batchBytes];
    this.#batch = [];
    this.#batchBytes = 0;
    this.#batchBegan = performance.now();
    this.#writing = before.then(() => this.#write(batch, bytes));
    // It is awaited later; until then a failure must not count as unhandled.
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
      const { bytesWritten } = await this.#handle.writev(batch);
      // A disk that is full takes a part, and says so only when it is to take the rest.
      if (bytesWritten < bytes) await this.#handle.appendFile(Buffer.concat(batch).subarray(bytesWritten));
    });
    this.size += bytes;
    this.#onBytes?.(bytes);
  }
}

/** What is thrown when the file that is there is not the one that was listed. */
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
