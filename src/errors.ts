/**
 * Errors a person can act on. Everything the program throws on purpose is one of these; anything else is a bug.
 *
 * `message` says what happened, and to which file, line or key; `hint` says what to do next, as a command
 * where there is one. {@link exitCodeOf} is the one place that turns them into exit codes.
 */

export interface ErrorDetails {
  /** What to do next, in plain English. */
  hint?: string;
  /** Whether the same call may succeed later without anybody changing anything. */
  retryable?: boolean;
  cause?: unknown;
}

export abstract class WarehouseError extends Error {
  /** A stable word for programs, e.g. `config`, `busy`, `source`. */
  abstract readonly code: string;
  readonly hint: string | undefined;
  readonly retryable: boolean;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = new.target.name;
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
  }
}

/** A wrong command, or one that names something that does not exist. Nothing was started. */
export class UsageError extends WarehouseError {
  readonly code = 'usage';
}

/** One problem in `warehouse.yaml`. */
export interface Problem {
  file: string;
  /** 1-based; left out when something is missing altogether. */
  line?: number;
  /** Dotted path of the key, e.g. `sources.messaging.bucket`. */
  key: string;
  message: string;
}

/** Everything wrong with the configuration, at once. */
export class ConfigError extends WarehouseError {
  readonly code = 'config';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], details: ErrorDetails = {}) {
    const lines = problems.map(
      ({ file, line, key, message }) => `${file}${line === undefined ? '' : `:${line}`}: ${key}: ${message}`,
    );
    super(lines.join('\n'), details);
    this.problems = problems;
  }
}

/** Another process holds the warehouse file. */
export class BusyError extends WarehouseError {
  readonly code = 'busy';
}

/** A source could not be reached, listed or read. */
export class SourceError extends WarehouseError {
  readonly code = 'source';
}

/** One feed of a source cannot be listed or staged. The other feeds go on. */
export class FeedError extends WarehouseError {
  readonly code = 'feed';
}

/** One delivered file is incomplete, or not what it claims to be. The other files go on. */
export class FileError extends WarehouseError {
  readonly code = 'file';
}

/** A model file, a test file or a selection that cannot be understood. */
export class ModelError extends WarehouseError {
  readonly code = 'model';
}

/** The warehouse file or its disk has a problem: the file is missing or of another version, or the disk is full. */
export class StorageError extends WarehouseError {
  readonly code = 'storage';
}

/** A DuckDB file is damaged. Whoever knows which file it is adds how to replace it. */
export class DamagedError extends StorageError {
  readonly file: string | undefined;

  constructor(message: string, details: ErrorDetails & { file?: string } = {}) {
    super(message, details);
    this.file = details.file;
  }
}

/**
 * The exit code of a command that threw: 2 for bad usage or configuration, when nothing was started; 4 when another run
 * holds the warehouse; else 1. (3, done but a person should look, is an outcome and not an error.)
 */
export function exitCodeOf(error: unknown): 1 | 2 | 4 {
  if (error instanceof UsageError || error instanceof ConfigError || error instanceof ModelError) return 2;
  if (error instanceof BusyError) return 4;
  return 1;
}
