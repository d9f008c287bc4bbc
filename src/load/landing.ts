import { createHash } from 'node:crypto';
import { renameSync, statSync } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connector, FetchOptions, ListedFile } from '../connectors/connector.ts';
import { FileError } from '../errors.ts';
import { LITTLE_BYTES, makeFolder } from '../files.ts';
import type { Limits } from '../limits.ts';
import { sweepLanding, sweepLandingAtExit } from '../workspace/landing-folder.ts';
import type { Decryptor } from './decrypt/decrypt.ts';
import type { LandedFile, WantedFile } from './file.ts';
import { fileError, inspect } from './inspect.ts';

export interface LandOptions extends FetchOptions {
  /** Left out: the usual ones. */
  limits?: Limits;
  /** Makes plain files of encrypted ones; left out where the source has no key. */
  decryptor?: Decryptor;
}

/**
 * The folder where files lie between their arrival and their staging.
 *
 * A file arrives under a name that ends in `.part`, is checked, and only then gets its real name. The name says source,
 * path, size and etag in one hash: no delivered name becomes a path here, and the next run finds what this one left.
 */
export class Landing implements AsyncDisposable {
  readonly folder: string;
  readonly #running = new Set<Promise<unknown>>();
  #close = async () => {};

  /** Nothing is made or removed yet: see {@link Landing.open}. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Opens the folder, rid of what earlier runs left; it is swept again when this is disposed of, and when the process ends. */
  static async open(folder: string, now: Date): Promise<Landing> {
    await makeFolder(folder, 0o700);
    await sweepLanding(folder, now);
    const landing = new Landing(folder);
    const leave = sweepLandingAtExit(folder);
    landing.#close = async () => {
      await Promise.allSettled(landing.#running);
      await sweepLanding(folder, now);
      leave();
    };
    return landing;
  }

  /** To be called once whoever lands files was told to stop: what is on the way is waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  /**
   * Brings one file here and looks at all of its bytes.
   * @throws FileError when it did not arrive whole, cannot be decrypted, does not decompress to its end, or cannot be read
   * @throws SourceError when the source cannot be reached
   */
  async land(connector: Connector, wanted: WantedFile, options: LandOptions = {}): Promise<LandedFile> {
    const landing = this.#land(connector, wanted, options);
    this.#running.add(landing);
    try {
      return await landing;
    } finally {
      this.#running.delete(landing);
    }
  }

  async #land(connector: Connector, wanted: WantedFile, options: LandOptions): Promise<LandedFile> {
    const { path, bytes, problem } = wanted;
    const { gzip, encrypted } = wanted.name;
    if (problem !== undefined)
      throw new FileError(`${path} cannot be fetched: ${problem}`, {
        hint: 'Ask those who run the place; the next run lists it again.',
      });
    const decryptor = encrypted ? await usable(options.decryptor, path) : undefined;
    const name = landingName(connector.location, wanted);
    const inPlace = connector.localPath?.(wanted);
    const delivered = inPlace ?? (await this.#fetch(connector, wanted, name, options));
    const isPlain = !gzip && !encrypted;
    const text = isPlain ? delivered : join(this.folder, `${name}.jsonl`);
    // What lies in the landing folder is answered for sooner than another thread could be asked to ask.
    const look = async () => (inPlace ? stat(delivered) : statSync(delivered));
    const remove = async () => {
      if (!inPlace) await removeFile(delivered);
      if (!isPlain) await removeFile(text);
    };
    try {
      const before = await look();
      if (before.size !== bytes) {
        throw new FileError(`${path} was listed with ${bytes} bytes and has ${before.size}`, {
          retryable: true,
        });
      }
      const { signal, limits } = options;
      const plain = isPlain ? undefined : text;
      const isLittle = !inPlace && bytes <= LITTLE_BYTES;
      const seen = await inspect(delivered, { isLittle, plain, gzip, decryptor, signal, limits });
      if (inPlace) options.onBytes?.(bytes);
      return {
        ...wanted,
        ...seen,
        text,
        recheck: async () => {
          const now = await look().catch(() => undefined);
          if (now?.size !== before.size || now.mtimeMs !== before.mtimeMs) {
            throw new FileError(`${path} changed while it was read`, { retryable: true });
          }
        },
        remove,
      };
    } catch (error) {
      await remove();
      options.signal?.throwIfAborted();
      throw fileError(path, error);
    }
  }

  async #fetch(
    connector: Connector,
    file: ListedFile,
    name: string,
    { signal, onBytes }: FetchOptions,
  ): Promise<string> {
    const delivered = join(this.folder, `${name}.raw`);
    const partial = `${delivered}.part`;
    await connector.fetch(file, partial, { ...(signal && { signal }), ...(onBytes && { onBytes }) });
    renameSync(partial, delivered);
    return delivered;
  }
}

/** Of one that is there: `rm` looks first whether it is a folder, which takes as long again. */
async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** The decryptor, once it is sure that it has what it needs: without that no file needs to be fetched. */
async function usable(decryptor: Decryptor | undefined, path: string): Promise<Decryptor> {
  if (!decryptor)
    throw new FileError(`${path} is encrypted, and no key is configured for its source`, {
      hint: 'Set decrypt of this source in warehouse.yaml.',
    });
  await decryptor.prepare().catch((error) => {
    throw fileError(path, error);
  });
  return decryptor;
}

function landingName(location: string, { path, bytes, etag }: ListedFile): string {
  return createHash('sha256')
    .update(JSON.stringify([location, path, bytes, etag]))
    .digest('hex')
    .slice(0, 32);
}
