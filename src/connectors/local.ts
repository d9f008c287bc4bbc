import { createReadStream, type Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { FileError, SourceError } from '../errors.ts';
import type { Connector, ConnectorDefinition, Entry, FetchOptions, ListedFile } from './connector.ts';
import { receive } from './partial.ts';

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

/** Feeds in a folder: an archive on disk, or a mounted bucket. Files are read where they lie. */
export const local: ConnectorDefinition<z.infer<typeof keys>, LocalOptions> = {
  name: 'local',
  keys,
  defaultGroup: 'messaging',
  secrets: [],
  resolve: ({ path }, { directory }) => ({
    root: resolve(directory, path.replace(/^~(?=\/|$)/, homedir())),
  }),
  open: async ({ root }) => {
    await rootMustBeFolder(root);
    return new LocalConnector(root);
  },
};

class LocalConnector implements Connector {
  readonly seal = 'marker';
  readonly location: string;
  readonly #root: string;

  constructor(root: string) {
    this.location = root;
    this.#root = root;
  }

  async *entries(path: string): AsyncGenerator<Entry> {
    const folder = this.#inside(path);
    // The first read opens the folder: a root that is gone since `open` is not just empty.
    if (path === '') await rootMustBeFolder(this.#root);
    for await (const batch of batches(folder)) {
      const entries = await Promise.all(batch.map((child) => this.#entry(path, child)));
      for (const entry of entries) if (entry) yield entry;
    }
  }

  async *files(path: string, from?: string): AsyncGenerator<ListedFile> {
    for await (const entry of this.entries(path)) {
      if (from !== undefined && entry.name < from) continue;
      if (entry.kind === 'folder') yield* this.files(joined(path, entry.name));
      else yield { path: entry.path, bytes: entry.bytes, etag: entry.etag };
    }
  }

  async fetch(file: ListedFile, partial: string, options?: FetchOptions): Promise<void> {
    const source = this.localPath(file);
    await receive(
      {
        file,
        partial,
        read: async (start) => {
          await this.#unchanged(file);
          return createReadStream(source, { start, end: file.bytes - 1 });
        },
        explain: (cause) => explain(file.path, cause),
        // There is no checksum: that its time and size stayed the same while it was read has to do.
        verify: () => this.#unchanged(file),
      },
      options,
    );
  }

  localPath(file: ListedFile): string {
    return this.#inside(file.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #entry(folder: string, child: Dirent): Promise<Entry | undefined> {
    const path = joined(folder, child.name);
    if (child.isDirectory()) return { kind: 'folder', name: child.name };
    const listed = await this.#look(path);
    if (listed === 'folder')
      return (await this.#isLoop(folder, path)) ? undefined : { kind: 'folder', name: child.name };
    return listed && { kind: 'file', name: child.name, ...listed };
  }

  /** What `path` is, through symbolic links; undefined when it is neither file nor folder, or not there. */
  async #look(path: string): Promise<(ListedFile & { modified: Date }) | 'folder' | undefined> {
    try {
      const found = await stat(join(this.#root, path), { bigint: true });
      if (found.isDirectory()) return 'folder';
      if (!found.isFile()) return undefined;
      return { path, bytes: Number(found.size), etag: String(found.mtimeNs), modified: found.mtime };
    } catch (error) {
      // Removed since its folder was read, or a symbolic link to nothing or to itself.
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

  async #unchanged(file: ListedFile): Promise<void> {
    const now = await this.#look(file.path);
    const still = now !== undefined && now !== 'folder';
    if (still && now.bytes === file.bytes && now.etag === file.etag) return;
    throw new FileError(`${file.path} was ${still ? 'replaced' : 'removed'} since it was listed`, {
      hint: 'The next run lists it again.',
    });
  }

  #inside(path: string): string {
    const full = resolve(this.#root, `./${path}`);
    if (full === this.#root || full.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep))
      return full;
    throw new SourceError(`${path} leads out of ${this.#root}`);
  }
}

const BATCH = 64;

/**
 * The children of a folder, some at a time so that they can be looked at together; none when it is not there. Their names
 * are read at once: a feed has a folder a day, a day one an hour, and most of a listing is opening them.
 */
async function* batches(folder: string): AsyncGenerator<Dirent[]> {
  let children: Dirent[];
  try {
    children = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return;
    throw explain(folder, error);
  }
  for (let start = 0; start < children.length; start += BATCH) yield children.slice(start, start + BATCH);
}

async function rootMustBeFolder(root: string): Promise<void> {
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
