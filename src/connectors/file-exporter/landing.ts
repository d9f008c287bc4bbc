import { type FileHandle, open } from 'node:fs/promises';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StorageError } from '../../errors.ts';
import type { Md5 } from './md5-thread.ts';

/** Chunks arrive in the 16 KB of a TLS record; written one by one, the disk's part takes longer than the network's. */
const BATCH_BYTES = 1 << 20;

/** Bytes that are on their way to the disk, in memory that is used again, and that the hashing thread can see. */
type Batch = Uint8Array<SharedArrayBuffer>;

/** The local file that grows, with the checksum of what it holds. */
export class Landing implements AsyncDisposable {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #begin: (() => Md5) | undefined;
  /** One is filled while the other is written. */
  readonly #batches: [Batch, Batch];
  #hash: Md5 | undefined;
  #bytes: number;

  private constructor(
    path: string,
    handle: FileHandle,
    bytes: number,
    { longest, begin }: { longest: number; begin: (() => Md5) | undefined },
  ) {
    this.#path = path;
    this.#handle = handle;
    this.#begin = begin;
    this.#hash = begin?.();
    this.#bytes = bytes;
    const batch = () => new Uint8Array(new SharedArrayBuffer(Math.min(BATCH_BYTES, Math.max(1, longest))));
    this.#batches = [batch(), batch()];
  }

  /**
   * Opens the file, with the beginning it may hold already; one longer than `longest` bytes is none, and goes.
   * @param begin begins the hash that {@link md5} tells; left out where it is not asked for
   */
  static async open(path: string, longest: number, begin: (() => Md5) | undefined): Promise<Landing> {
    return onDisk(path, async () => {
      const handle = await open(path, 'a+');
      const { size } = await handle.stat();
      const landing = new Landing(path, handle, size, { longest, begin });
      if (size > longest) await landing.restart();
      else await landing.#hashBeginning();
      return landing;
    });
  }

  /** How much is there. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Forgets what is there. */
  async restart(): Promise<void> {
    await onDisk(this.#path, () => this.#handle.truncate(0));
    this.#hash = this.#begin?.();
    this.#bytes = 0;
  }

  /**
   * Appends what comes, the next part of it arriving while the last is written. When the stream breaks, what came is
   * kept before the error goes on.
   * @param skip bytes at the start of the stream that are there already
   */
  async append(stream: Readable, skip: number, onBytes?: (count: number) => void): Promise<void> {
    let filled = 0;
    let writing = Promise.resolve();
    const room = () => this.#batches[0].length - filled;
    const put = (bytes: Buffer) => {
      this.#batches[0].set(bytes, filled);
      filled += bytes.length;
    };
    const write = async () => {
      await writing;
      const [full, free] = this.#batches;
      writing = this.#write(full.subarray(0, filled), onBytes);
      // It is awaited later; until then a failure must not count as unhandled.
      writing.catch(() => {});
      this.#batches.splice(0, 2, free, full);
      filled = 0;
    };
    const putAll = async (bytes: Buffer) => {
      for (let rest = bytes; rest.length > 0; ) {
        if (room() === 0) await write();
        const fitting = rest.subarray(0, room());
        put(fitting);
        rest = rest.subarray(fitting.length);
      }
    };
    let left = skip;
    const sink = new Writable({
      write(chunk: Buffer, _, done) {
        const fresh = chunk.subarray(left);
        left -= chunk.length - fresh.length;
        if (fresh.length > room()) return void putAll(fresh).then(() => done(), done);
        put(fresh);
        done();
      },
    });
    try {
      // An iteration would copy all that waits into one buffer each time.
      await pipeline(stream, sink);
    } finally {
      if (filled > 0) await write();
      await writing;
    }
  }

  /** The MD5 of what is there, in hexadecimal. Ends the hashing. */
  async md5(): Promise<string | undefined> {
    return this.#hash?.digest();
  }

  async #hashBeginning(): Promise<void> {
    const [batch] = this.#batches;
    for (let at = 0; this.#hash && at < this.#bytes; ) {
      const { bytesRead } = await this.#handle.read(batch, 0, batch.length, at);
      if (bytesRead === 0) throw new Error('it is shorter than it was a moment ago');
      await this.#hash.update(batch.subarray(0, bytesRead));
      at += bytesRead;
    }
  }

  async #write(bytes: Batch, onBytes?: (count: number) => void): Promise<void> {
    const hashed = this.#hash?.update(bytes);
    // It is awaited below, but for a disk that fails first.
    hashed?.catch(() => {});
    await onDisk(this.#path, () => this.#handle.appendFile(bytes));
    await hashed;
    this.#bytes += bytes.length;
    onBytes?.(bytes.length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** Keeps trouble with our own disk apart from trouble with the place that the bytes come from. */
async function onDisk<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new StorageError(`cannot write ${path}: ${(cause as Error).message}`, {
      hint: 'Look at the free space and the permissions of that folder.',
      cause,
    });
  }
}
