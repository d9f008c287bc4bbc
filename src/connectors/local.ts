import { createReadStream, type Dirent, readdirSync, statSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { SourceError } from '../errors.ts';
import type { Connector, ConnectorDefinition, Entry, FetchOptions, ListedFile } from './connector.ts';
import { Disk } from './disk.ts';
import { changedError, receive } from './partial.ts';

const keys = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe(
      'The folder that holds the feeds, laid out as the vendor does. Relative to the folder of warehouse.yaml; ~/ is your home.',
    ),
});

export interface LocalOptions {
  /** The source's root, absolute. */
  root: string;
}

/** Feeds in a folder: an archive on disk, or a mounted bucket. Files are read in place. */
export const local: ConnectorDefinition<z.infer<typeof keys>, LocalOptions> = {
  name: 'local',
  keys,
  defaultGroup: 'messaging',
  secrets: [],
  resolve: ({ path }, { directory }) => ({
    root: resolve(directory, path.replace(/^~(?=\/|$)/, homedir())),
  }),
  folder: ({ root }) => root,
  open: async ({ root }, { signal } = {}) => {
    await requireRootFolder(root);
    return new LocalConnector(root, signal);
  },
};

class LocalConnector implements Connector {
  readonly seal = 'marker';
  readonly location: string;
  readonly #root: string;
  readonly #signal: AbortSignal | undefined;
  readonly #disk = new Disk();

  constructor(root: string, signal: AbortSignal | undefined) {
    this.location = root;
    this.#root = root;
    this.#signal = signal;
  }

  async *entries(path: string): AsyncGenerator<Entry> {
    const folder = this.#locate(path);
    // A root that has disappeared since `open` is an error, and not an empty folder.
    if (path === '') await requireRootFolder(this.#root);
    for (const batch of await this.#batches(folder)) yield* await this.#entries(path, batch);
  }

  async *files(path: string, from?: string): AsyncGenerator<ListedFile> {
    for await (const entry of this.entries(path)) {
      if (from !== undefined && entry.name < from) continue;
      if (entry.kind === 'file') {
        yield listedFile(entry);
        continue;
      }
      yield* await this.#below(joined(path, entry.name));
      // What is found at once must not keep all else from being done until all is found.
      await turn();
    }
  }

  /** All files below a folder, such as a day, whose hours are listed together. */
  async #below(path: string): Promise<ListedFile[]> {
    const found: ListedFile[][] = [];
    for (const batch of await this.#batches(this.#full(path))) {
      const entries = await this.#entries(path, batch);
      const nested = await Promise.all(
        entries.map((entry) =>
          entry.kind === 'folder' ? this.#below(joined(path, entry.name)) : [listedFile(entry)],
        ),
      );
      found.push(nested.flat());
    }
    return found.flat();
  }

  async fetch(file: ListedFile, partial: string, options?: FetchOptions): Promise<void> {
    const source = this.localPath(file);
    await receive(
      {
        file,
        partial,
        read: async (start) => {
          await this.#requireUnchanged(file);
          return createReadStream(source, { start, end: file.bytes - 1 });
        },
        explain: (cause) => explain(file.path, cause),
        // There is no checksum, so an unchanged time and size have to do.
        verify: () => this.#requireUnchanged(file),
      },
      options,
    );
  }

  localPath(file: ListedFile): string {
    return this.#locate(file.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #entries(folder: string, children: readonly Dirent[]): Promise<Entry[]> {
    this.#signal?.throwIfAborted();
    const entries = await Promise.all(children.map((child) => this.#entry(folder, child)));
    return entries.filter((entry) => entry !== undefined);
  }

  async #entry(folder: string, child: Dirent): Promise<Entry | undefined> {
    const path = joined(folder, child.name);
    if (child.isDirectory()) return { kind: 'folder', name: child.name };
    const listed = await this.#stat(path);
    if (listed === 'folder')
      return (await this.#isLoop(folder, path)) ? undefined : { kind: 'folder', name: child.name };
    return listed && { kind: 'file', name: child.name, ...listed };
  }

  /** What `path` is, following symbolic links; undefined when it is neither file nor folder, or does not exist. */
  async #stat(path: string): Promise<(ListedFile & { modified: Date }) | 'folder' | undefined> {
    try {
      const full = this.#full(path);
      const found = await this.#disk.ask(
        () => statSync(full, { bigint: true }),
        () => stat(full, { bigint: true }),
      );
      if (found.isDirectory()) return 'folder';
      if (!found.isFile()) return undefined;
      return { path, bytes: Number(found.size), etag: String(found.mtimeNs), modified: found.mtime };
    } catch (error) {
      // It was removed since its folder was read, or is a symbolic link to nothing or to itself.
      if (isMissing(error)) return undefined;
      throw explain(path, error);
    }
  }

  /** Whether the symbolic link `path` leads to `folder` itself or to one above it, so that it would never end. */
  async #isLoop(folder: string, path: string): Promise<boolean> {
    const target = await realpath(join(this.#root, path));
    const names = folder === '' ? [] : folder.split('/');
    for (let depth = names.length; depth >= 0; depth--) {
      if ((await realpath(join(this.#root, ...names.slice(0, depth)))) === target) return true;
    }
    return false;
  }

  async #requireUnchanged(file: ListedFile): Promise<void> {
    const now = await this.#stat(file.path);
    const still = now !== undefined && now !== 'folder';
    if (still && now.bytes === file.bytes && now.etag === file.etag) return;
    throw changedError(file, still ? 'replaced' : 'removed');
  }

  /**
   * The children of a folder in batches, which are looked at together; none when it does not exist. Their names are read
   * at once: a feed has one folder for each day and a day one for each hour, so most of the time of a listing goes into
   * opening folders.
   */
  async #batches(folder: string): Promise<Dirent[][]> {
    try {
      const children = await this.#disk.ask(
        () => readdirSync(folder, { withFileTypes: true }),
        () => readdir(folder, { withFileTypes: true }),
      );
      const count = Math.ceil(children.length / BATCH);
      return Array.from({ length: count }, (_, index) => children.slice(index * BATCH, (index + 1) * BATCH));
    } catch (error) {
      if (isMissing(error)) return [];
      throw explain(folder, error);
    }
  }

  /** Where a path that was found below the root lies. */
  #full(path: string): string {
    return `${this.#root}/${path}`;
  }

  /** @throws SourceError for a path that came from elsewhere, and leads out of the root */
  #locate(path: string): string {
    const full = resolve(this.#root, `./${path}`);
    if (full === this.#root || full.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep))
      return full;
    throw new SourceError(`${path} leads out of ${this.#root}`);
  }
}

const BATCH = 64;

function listedFile({ path, bytes, etag }: ListedFile): ListedFile {
  return { path, bytes, etag };
}

async function requireRootFolder(root: string): Promise<void> {
  try {
    if ((await stat(root)).isDirectory()) return;
  } catch (cause) {
    if (!isMissing(cause)) throw explain(root, cause);
    throw new SourceError(`the folder ${root} is not there`, {
      hint: 'Correct `path` of this source in warehouse.yaml, or mount it. Relative paths start at the folder of warehouse.yaml.',
      cause,
    });
  }
  throw new SourceError(`${root} is a file, not a folder`, {
    hint: 'Set `path` of this source in warehouse.yaml to the folder that holds the feeds.',
  });
}

function explain(path: string, cause: unknown): SourceError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM')
    return new SourceError(`no permission to read ${path}`, {
      hint: 'Give the user that runs this command the right to read it.',
      cause,
    });
  return new SourceError(`cannot read ${path}: ${message}`, { cause });
}

function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
