import { createReadStream } from 'node:fs';
import { chmod, mkdir, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { StorageError } from './errors.ts';

/** Functions on files and folders that Node lacks, or does not do well enough. */

/**
 * How many bytes of a file of ours are read or written by this very thread at most: that is done sooner than another thread
 * could be asked to.
 */
export const LITTLE_BYTES = 1 << 16;

/** Expands `~` and `~/x` as a shell does; other paths are unchanged. */
export function expandHome(path: string, home = homedir()): string {
  if (path === '~') return home;
  return path.startsWith('~/') ? join(home, path.slice(2)) : path;
}

/** Makes a path of `warehouse.yaml` absolute: `~/` is the home folder, relative paths start at `directory`. */
export function absolutePath(path: string, directory: string, home: string): string {
  return resolve(directory, expandHome(path, home));
}

/**
 * Makes a folder, and missing ones above it. Node's own recursive `mkdir` never returns below `/proc`: it tries to make
 * the existing parent again and again, and no signal reaches the process meanwhile.
 * @param mode of the folders that are made, whatever the umask; existing ones keep theirs
 * @throws StorageError when it cannot be made
 */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  const folder = resolve(path);
  try {
    if (await isFolder(folder)) return;
    if (dirname(folder) !== folder) await makeFolder(dirname(folder), mode);
    // Another program may make it meanwhile.
    const made = await mkdir(folder, mode).then(
      () => true,
      async (error) => {
        if (error.code !== 'EEXIST' || !(await isFolder(folder))) throw error;
        return false;
      },
    );
    if (made && mode !== undefined) await chmod(folder, mode);
  } catch (cause) {
    if (cause instanceof StorageError) throw cause;
    const { code = '', message } = cause as NodeJS.ErrnoException;
    throw new StorageError(`the folder ${folder} cannot be made: ${REASONS[code] ?? message}`, {
      hint: 'name another one, or make it by hand',
      cause,
    });
  }
}

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  ENOENT: 'nothing can be made there',
  ENOTDIR: 'a file is in its way',
};

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined || found.isDirectory()) return found !== undefined;
  throw Object.assign(new Error(), { code: 'ENOTDIR' });
}

/**
 * Reads a file that a person named, up to a limit: it may be anything, even `/dev/zero`.
 * @throws NodeJS.ErrnoException as `readFile` does; with the code `EFBIG` for a file of more than `most` bytes
 */
export async function readBounded(file: string, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: most })) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (bytes.length <= most) return bytes;
  throw Object.assign(new Error(`${file} is larger than ${most} bytes`), { code: 'EFBIG' });
}

/**
 * Writes a file, and makes missing folders above it. Readers see the old file or the new one, never a part.
 * @throws StorageError when it cannot be written
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await makeFolder(dirname(file));
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new StorageError(`${file} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

/** A new text for a file. */
export interface Replacement {
  path: string;
  text: string;
  /** The mode of the new file, whatever that of the old one was. */
  mode: number;
}

/**
 * Replaces the texts of several files. Readers see the old text or the new one, never a part. All new texts are on the
 * disk before the first file is replaced, so if one cannot be written, none is replaced.
 * @throws StorageError
 */
export async function replaceFiles(files: readonly Replacement[]): Promise<void> {
  const written: { temporary: string; target: string }[] = [];
  try {
    for (const { path, text, mode } of files) {
      // A symbolic link stays one, and its target is replaced.
      const target = await realpath(path).catch(() => path);
      const temporary = `${target}.${process.pid}.tmp`;
      written.push({ temporary, target });
      await write(temporary, text, mode).catch((cause) => {
        throw new StorageError(`${path} cannot be written: ${cause.message}`, {
          hint: `Nothing was changed. Look at the free space of ${dirname(target)}, and whether this user may write there.`,
          cause,
        });
      });
    }
    for (const { temporary, target } of written) await rename(temporary, target);
  } finally {
    for (const { temporary } of written) await rm(temporary, { force: true }).catch(() => {});
  }
}

async function write(temporary: string, text: string, mode: number): Promise<void> {
  await rm(temporary, { force: true });
  await using handle = await open(temporary, 'wx', mode);
  // The umask limits the mode that a file is created with.
  await handle.chmod(mode);
  await handle.writeFile(text);
  await handle.sync();
}
