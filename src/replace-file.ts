import { open, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from './errors.ts';

/** A file that is to be written whole. */
export interface Replacement {
  path: string;
  text: string;
  /** Who may do what with it, whoever could before. */
  mode: number;
}

/**
 * Writes files whole: whoever looks sees the old text or the new one, whatever happens meanwhile. All of the new texts are
 * on the disk before the first takes the place of an old one: where one cannot be written, none is.
 * @throws StorageError
 */
export async function replaceFiles(files: readonly Replacement[]): Promise<void> {
  const written: { temporary: string; target: string }[] = [];
  try {
    for (const { path, text, mode } of files) {
      // A link stays one: what it leads to is replaced.
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
  // The mode that a file is made with is cut by the umask.
  await handle.chmod(mode);
  await handle.writeFile(text);
  await handle.sync();
}
