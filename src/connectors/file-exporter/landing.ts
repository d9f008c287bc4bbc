import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { StorageError } from '../../errors.ts';

/** Chunks arrive in the 16 KB of a TLS record; written one by one, the disk's part takes longer than the network's. */
const BATCH_BYTES = 1 << 20;

/** The local file that grows, with the checksum of what it holds. */
export class Landing implements AsyncDisposable {
  readonly #path: string;
  readonly #handle: FileHandle;
  #hash: Hash | undefined;
  #bytes: number;

  private constructor(path: string, handle: FileHandle, bytes: number, hash: Hash | undefined) {
    this.#path = path;
    this.#handle = handle;
    this.#hash = hash;
    this.#bytes = bytes;
  }

  /**
   * Opens the file, with the beginning it may hold already; one longer than `longest` bytes is none, and goes.
   * @param isHashed whether {@link md5} will be asked for
   */
  static async open(path: string, longest: number, isHashed: boolean): Promise<Landing> {
    return onDisk(path, async () => {
      const handle = await open(path, 'a');
      const { size } = await handle.stat();
      const landing = new Landing(path, handle, size, isHashed ? createHash('md5') : undefined);
      if (size > longest) await landing.restart();
      else if (isHashed) for await (const chunk of createReadStream(path)) landing.#hash?.update(chunk);
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
    this.#hash &&= createHash('md5');
    this.#bytes = 0;
  }

  /**
   * Appends what comes, the next part of it arriving while the last is written. When the stream breaks, what came is
   * kept before the error goes on.
   * @param skip bytes at the start of the stream that are there already
   */
  async append(
    stream: AsyncIterable<Buffer>,
    skip: number,
    onBytes?: (count: number) => void,
  ): Promise<void> {
    let batch: Buffer[] = [];
    let gathered = 0;
    let writing = Promise.resolve();
    const write = async () => {
      const whole = Buffer.concat(batch, gathered);
      batch = [];
      gathered = 0;
      await writing;
      writing = this.#write(whole, onBytes);
      // It is awaited later; until then a failure must not count as unhandled.
      writing.catch(() => {});
    };
    let left = skip;
    try {
      for await (const chunk of stream) {
        const fresh = chunk.subarray(left);
        left -= chunk.length - fresh.length;
        batch.push(fresh);
        gathered += fresh.length;
        if (gathered >= BATCH_BYTES) await write();
      }
    } finally {
      if (gathered > 0) await write();
      await writing;
    }
  }

  /** The MD5 of what is there, in hexadecimal. Ends the hashing. */
  md5(): string | undefined {
    return this.#hash?.digest('hex');
  }

  async #write(bytes: Buffer, onBytes?: (count: number) => void): Promise<void> {
    const written = onDisk(this.#path, () => this.#handle.appendFile(bytes));
    this.#hash?.update(bytes);
    await written;
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
