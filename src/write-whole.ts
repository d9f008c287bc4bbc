import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from './errors.ts';
import { makeFolder } from './files.ts';

/**
 * Writes a file, and the folders above it. Whoever reads it meanwhile gets the old one or the new one.
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
