import { open, rm } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { FileError, SourceError, StorageError, WarehouseError } from '../errors.ts';
import type { FetchOptions, ListedFile } from './connector.ts';
import { backOff, PATIENCE, type Patience } from './retry.ts';

/** How one file comes from one kind of place. */
export interface Arrival {
  file: ListedFile;
  /** The local file that its bytes go to; it may hold a beginning of them. */
  partial: string;
  /**
   * Opens the file's bytes from `start` (below its size) to its end. Keeps its own time-outs until it has the stream.
   * @param signal ends the request; the stream itself is destroyed by {@link receive}
   * @throws FileError when the file there is not the one that was listed. An error of ours is final; any other is
   *   explained, and tried again when that says so
   */
  read(start: number, signal: AbortSignal): Promise<Readable>;
  /** Says in our errors what went wrong. After a `retryable` one, fetching goes on from where the bytes stopped. */
  explain(error: unknown): WarehouseError;
  /**
   * Called when all bytes are there: compares them with the place's checksum, or looks whether the file is still the
   * one that was listed.
   * @throws FileError when it is not
   */
  verify?(): Promise<void>;
}

/**
 * Does what `Connector.fetch` promises, for connectors that can read a file from any byte on: goes on from a
 * beginning, resumes when the connection breaks or falls silent, and leaves no partial file that cannot be trusted.
 */
export async function receive(
  arrival: Arrival,
  options: FetchOptions = {},
  patience: Patience = PATIENCE,
): Promise<void> {
  options.signal?.throwIfAborted();
  try {
    await receiveAll(arrival, options, patience);
    await arrival.verify?.();
  } catch (error) {
    options.signal?.throwIfAborted();
    const failure = explained(arrival, error);
    if (failure instanceof FileError) await rm(arrival.partial, { force: true });
    throw failure;
  }
}

async function receiveAll(arrival: Arrival, options: FetchOptions, patience: Patience): Promise<void> {
  const { file, partial } = arrival;
  await using handle = await onDisk(partial, () => open(partial, 'a'));
  let size = (await handle.stat()).size;
  if (size > file.bytes) {
    // Whatever this is, it is not a beginning of the file.
    await handle.truncate(0);
    size = 0;
  }
  let failures = 0;
  while (size < file.bytes) {
    const start = size;
    try {
      for await (const chunk of chunks(arrival, start, options.signal, patience)) {
        size += chunk.length;
        if (size > file.bytes)
          throw new FileError(`${file.path} is longer than the ${file.bytes} bytes that were listed`, {
            hint: 'It was replaced while it was being fetched; the next run lists it again.',
          });
        await onDisk(partial, () => handle.appendFile(chunk));
        options.onBytes?.(chunk.length);
      }
      if (size < file.bytes) throw new Broken(`it ended after ${size} of ${file.bytes} bytes`);
    } catch (error) {
      options.signal?.throwIfAborted();
      const failure = explained(arrival, error);
      // A try that brought something counts as a fresh start: a long file over a bad line still arrives.
      failures = size > start ? 1 : failures + 1;
      const isFinal = error instanceof WarehouseError || failure instanceof FileError || !failure.retryable;
      if (isFinal || failures >= patience.attempts) throw failure;
      await backOff(failures, patience, options.signal);
    }
  }
}

/** The connection ended early or fell silent. */
class Broken extends Error {}

/** The bytes from `start` on, until they end, the signal comes, or nothing comes for too long. */
async function* chunks(
  { read }: Arrival,
  start: number,
  signal: AbortSignal | undefined,
  { stallMs }: Patience,
): AsyncGenerator<Uint8Array> {
  const stall = new AbortController();
  const stop = signal ? AbortSignal.any([signal, stall.signal]) : stall.signal;
  const stream = addAbortSignal(stop, await read(start, stop));
  const timer = setTimeout(() => stall.abort(new Broken(`nothing came for ${stallMs / 1000} s`)), stallMs);
  try {
    for await (const chunk of stream) {
      yield chunk;
      timer.refresh();
    }
  } catch (error) {
    throw stall.signal.aborted ? stall.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

function explained(arrival: Arrival, error: unknown): WarehouseError {
  if (error instanceof WarehouseError) return error;
  if (error instanceof Broken)
    return new SourceError(`${arrival.file.path} did not arrive whole: ${error.message}`, {
      hint: 'Run again: what came is kept, and fetching goes on from there.',
      retryable: true,
    });
  return arrival.explain(error);
}

/** Keeps trouble with our own disk apart from trouble with the place that the bytes come from. */
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
