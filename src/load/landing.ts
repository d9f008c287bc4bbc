import { createHash } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connector, FetchOptions, ListedFile } from '../connectors/connector.ts';
import { FileError } from '../errors.ts';
import type { FileName, PartitionKey } from '../feeds/paths.ts';
import { makeFolder } from '../files.ts';
import type { Limits } from '../limits.ts';
import { sweepLanding, sweepLandingAtExit } from '../workspace/landing-folder.ts';
import type { Decryptor } from './decrypt/decrypt.ts';
import { fileError, type Inspected, inspect } from './inspect.ts';

/** A file that is to be staged. */
export interface WantedFile {
  fileId: number;
  listed: ListedFile;
  name: FileName;
  partition: PartitionKey;
}

/** A file that has arrived whole and lies on this machine as plain JSON Lines. */
export interface LandedFile extends WantedFile, Inspected {
  /** The plain text, on this machine. */
  text: string;
  /** Throws when the file has changed since it was looked at; called before its rows are committed. */
  recheck(): Promise<void>;
  /** Removes what was made for it; the delivered file itself stays. */
  remove(): Promise<void>;
}

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
    const { listed } = wanted;
    if (listed.problem !== undefined)
      throw new FileError(`${listed.path} cannot be fetched: ${listed.problem}`, {
        hint: 'Ask those who run the place; the next run lists it again.',
      });
    const decryptor = wanted.name.encrypted ? await usable(options.decryptor, listed.path) : undefined;
    const name = landingName(connector.location, listed);
    const inPlace = connector.localPath?.(listed);
    const delivered = inPlace ?? (await this.#fetch(connector, listed, name, options));
    const isPlain = !wanted.name.gzip && !wanted.name.encrypted;
    const plain = isPlain ? delivered : join(this.folder, `${name}.jsonl`);
    const remove = async () => {
      if (!inPlace) await rm(delivered, { force: true });
      if (!isPlain) await rm(plain, { force: true });
    };
    try {
      const before = await stat(delivered);
      if (before.size !== listed.bytes) {
        throw new FileError(`${listed.path} was listed with ${listed.bytes} bytes and has ${before.size}`, {
          retryable: true,
        });
      }
      const file = { path: delivered, gzip: wanted.name.gzip, decryptor };
      const seen = await inspect(file, isPlain ? undefined : plain, options);
      if (inPlace) options.onBytes?.(listed.bytes);
      return {
        ...wanted,
        ...seen,
        text: plain,
        recheck: async () => {
          const now = await stat(delivered).catch(() => undefined);
          if (now?.size !== before.size || now.mtimeMs !== before.mtimeMs) {
            throw new FileError(`${listed.path} changed while it was read`, { retryable: true });
          }
        },
        remove,
      };
    } catch (error) {
      await remove();
      options.signal?.throwIfAborted();
      throw fileError(listed.path, error);
    }
  }

  async #fetch(
    connector: Connector,
    listed: ListedFile,
    name: string,
    { signal, onBytes }: FetchOptions,
  ): Promise<string> {
    const delivered = join(this.folder, `${name}.raw`);
    const partial = `${delivered}.part`;
    await connector.fetch(listed, partial, { ...(signal && { signal }), ...(onBytes && { onBytes }) });
    await rename(partial, delivered);
    return delivered;
  }
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
