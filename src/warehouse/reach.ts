import { globbed, literal } from './sql.ts';

/**
 * Files of this machine that SQL may touch, beside the database itself and what it spills. Everything else is refused by
 * DuckDB, network and extensions included: a mistake in a model, or a query that somebody handed over, reaches no further.
 */
export interface Reach {
  /** Folders, with all that lies below them. */
  folders?: readonly string[];
  files?: readonly string[];
}

/** A DuckDB file that is to be attached, with what DuckDB makes beside it. */
export function databaseFiles(path: string): string[] {
  return ['', '.wal', '.wal.recovery', '.wal.checkpoint'].map((end) => path + end);
}

/** What opens and closes a database's reach, in this order: once it is closed, nothing can open it again. */
export function reachSettings({ folders = [], files = [] }: Reach): string[] {
  // A folder's own glob characters are escaped where a reader is given its files.
  const asGlobs = folders.map(globbed).filter((path) => !folders.includes(path));
  return [
    `SET allowed_directories = ${list([...folders, ...asGlobs])}`,
    `SET allowed_paths = ${list(files)}`,
    'SET enable_external_access = false',
  ];
}

function list(paths: readonly string[]): string {
  return `[${paths.map(literal).join(', ')}]`;
}
