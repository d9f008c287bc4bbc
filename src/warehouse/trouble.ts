import { BusyError, StorageError } from '../errors.ts';

/** What DuckDB says when it cannot go on with its file, whatever it was asked. */
const DISK =
  /No space left on device|Disk quota exceeded|Read-only file system|Could not (?:write|sync|truncate) /i;
const BROKEN =
  /^FATAL Error|database has been invalidated|Corrupt database|checksum .* does not match|Failed to load metadata pointer/i;

const DISK_CODES = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/**
 * The error as trouble with the warehouse or the disk below it, which no other file, feed or model can do without;
 * undefined when it is about anything else. Pure.
 */
export function storageTrouble(error: unknown): StorageError | BusyError | undefined {
  if (error instanceof StorageError || error instanceof BusyError) return error;
  if (!(error instanceof Error)) return undefined;
  const { code, message } = error as NodeJS.ErrnoException;
  const said = message.split('\n')[0];
  if (DISK_CODES.has(code ?? '') || DISK.test(message))
    return new StorageError(`the disk takes no more: ${said}`, {
      hint: 'make room on it, or give the warehouse, its landing folder and its copy a larger one; then run again: what was committed is whole',
      cause: error,
    });
  if (BROKEN.test(message))
    return new StorageError(`the warehouse file cannot be used any further: ${said}`, {
      hint: 'run again; when it stays so, restore the file from a backup, or move it away and load again from the sources',
      cause: error,
    });
  return undefined;
}
