import { escapeGlob, literal } from './sql.ts';

/**
 * Files of this machine that SQL may touch, besides the database and its temporary files. DuckDB refuses everything
 * else, including the network and extensions, so that neither a mistake in a model nor a query from somebody else can
 * reach further.
 */
export interface FileAccess {
  /** Folders, with everything below them. */
  folders?: readonly string[];
  files?: readonly string[];
}

/** A DuckDB file and the files that DuckDB makes beside it, as {@link FileAccess} needs them to attach it. */
export function databaseFiles(path: string): string[] {
  return ['', '.wal', '.wal.recovery', '.wal.checkpoint'].map((end) => path + end);
}

/**
 * The statements that set what SQL may touch, in the order in which they must run: after the last one, none of it can
 * be changed.
 */
export function fileAccessSettings({ folders = [], files = [] }: FileAccess): string[] {
  // DuckDB compares these with the paths that its readers are given, in which glob characters are escaped.
  const asGlobs = folders.map(escapeGlob).filter((path) => !folders.includes(path));
  return [
    `SET allowed_directories = ${list([...folders, ...asGlobs])}`,
    `SET allowed_paths = ${list(files)}`,
    'SET enable_external_access = false',
  ];
}

function list(paths: readonly string[]): string {
  return `[${paths.map(literal).join(', ')}]`;
}
