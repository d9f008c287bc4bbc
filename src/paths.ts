import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** `~` and `~/x` as they read in a shell; anything else comes back as it is. */
export function expandHome(path: string, home = homedir()): string {
  if (path === '~') return home;
  return path.startsWith('~/') ? join(home, path.slice(2)) : path;
}

/** A path of `warehouse.yaml`, absolute: `~/` is the home folder, a relative one starts at `directory`. */
export function absolutePath(path: string, directory: string, home: string): string {
  return resolve(directory, expandHome(path, home));
}
