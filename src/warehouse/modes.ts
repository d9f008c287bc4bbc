/** What the loader makes is its owner's alone, unless the configuration says otherwise: it holds what customers said. */
export const PRIVATE_MODE = 0o600;

/** What is taken from the mode of every file and folder that a process makes, so that files get `mode`. Pure. */
export function umaskOf(mode: number): number {
  return 0o777 & ~folderMode(mode);
}

/** Who may read a file may enter its folder. Pure. */
export function folderMode(mode: number): number {
  return mode | ((mode & 0o444) >> 2);
}
