/**
 * Mode of the files that the loader makes, unless the configuration gives another: only their owner may read them,
 * since they hold what customers said.
 */
export const PRIVATE_MODE = 0o600;

/** The umask with which the process makes files of mode `mode` and folders to match. Pure. */
export function umaskOf(mode: number): number {
  return 0o777 & ~folderMode(mode);
}

/** The mode of a folder for files of mode `mode`: whoever may read the files may enter it. Pure. */
export function folderMode(mode: number): number {
  return mode | ((mode & 0o444) >> 2);
}
