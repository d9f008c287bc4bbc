import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StorageError } from './errors.ts';

/**
 * Makes a folder, and those above it that are missing. Node's own `mkdir` with `recursive` never ends below `/proc`, and no
 * signal reaches the process then: it makes the folder's parent, which is there, for ever.
 * @param mode of the folders that are made, whatever the umask; one that is there keeps its own
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
