import { BusyError, DamagedError, StorageError } from '../errors.ts';

/** How DuckDB's messages name a file or folder. */
const FILE = /(?:file|directory) "([^"]+)"/;

interface StorageTrouble {
  pattern: RegExp;
  /** Counts only when it is about the database itself: another file that cannot be read is an error of that file. */
  ownFile?: boolean;
  say(file: string): StorageError;
}

const FREE_SPACE =
  'free some space, then run it again: what was committed stays; asapp-warehouse debug shows what is free';

/** Messages of DuckDB and Node about the disk; the first match counts. */
const TROUBLES: readonly StorageTrouble[] = [
  {
    pattern: /no space left on device|max_temp_directory_size|disk quota exceeded|ENOSPC|EDQUOT/i,
    say: (file) =>
      new StorageError(`the disk is full${file && `: ${file} cannot be written`}`, { hint: FREE_SPACE }),
  },
  {
    pattern: /file too large|EFBIG/i,
    say: (file) =>
      new StorageError(`${file || 'a file'} has come to the size that a file may have here`, {
        hint: 'raise the limit (ulimit -f), or name a place on another file system in warehouse.yaml',
      }),
  },
  {
    pattern: /read-only file system|EROFS/i,
    say: (file) =>
      new StorageError(`${file || 'the disk'} cannot be written: the file system is read-only`, {
        hint: 'mount it to be written, or name another place in warehouse.yaml',
      }),
  },
  {
    pattern: /input\/output error/i,
    ownFile: true,
    say: (file) =>
      new StorageError(`the disk failed${file && ` at ${file}`}: input/output error`, {
        hint: "look at the system's log for the disk; what was committed stays",
      }),
  },
  {
    pattern:
      /corrupt database|could not read enough bytes|checksum .* does not match|failed to load metadata pointer/i,
    ownFile: true,
    say: (file) => new DamagedError(`${file || 'the database'} is damaged`, { file: file || undefined }),
  },
  {
    pattern: /database has been invalidated|^FATAL Error/i,
    say: () =>
      new StorageError('the warehouse cannot be used any further after an error that came before', {
        hint: 'run it again: what was committed stays',
      }),
  },
];

/**
 * The error as one of the warehouse or of the disk below it, after which no file, feed or model could go on; undefined
 * when it is about anything else. Pure.
 * @param file the database in use, for messages that name no file
 */
export function storageTrouble(error: unknown, file = ''): StorageError | BusyError | undefined {
  if (error instanceof StorageError || error instanceof BusyError) return error;
  if (!(error instanceof Error)) return undefined;
  // Only the first sentence says what happened; behind it the query is quoted, which may contain anything.
  const said = error.message.split('\n\nLINE ')[0] ?? '';
  const trouble = TROUBLES.find(({ pattern }) => pattern.test(said));
  const named = FILE.exec(said)?.[1] ?? (error as NodeJS.ErrnoException).path;
  const isOwn = named === undefined || named === file;
  if (!trouble || !isAboutFiles(error, said) || (trouble.ownFile && !isOwn)) return undefined;
  const problem = trouble.say(named ?? file);
  problem.cause = error;
  return problem;
}

/**
 * Whether the error is about files at all. A message can quote a value from the data, such as the text that a cast was
 * given, and that text must not be taken for a message about the disk.
 */
function isAboutFiles(error: Error, said: string): boolean {
  const isNode = (error as NodeJS.ErrnoException).syscall !== undefined;
  return (
    isNode ||
    /^(?:Failed to [a-z ]+: )?(?:IO|FATAL|Out of Memory|TransactionContext|INTERNAL) Error/.test(said)
  );
}
