import { FeedError, FileError, SourceError, UsageError, WarehouseError } from '../errors.ts';
import { storageTrouble } from './trouble.ts';

/**
 * How far an error reaches: what fails with a file is that file's affair, what fails with a feed that feed's, and what
 * fails with a source that source's. Whatever it is: one odd item must not keep the others out, today and at each run
 * from now on. Only where nothing else could go on either does it end the run.
 */

/**
 * The error that ends the run; undefined when it is the affair of a file, a feed or a source.
 * @param signal whoever asked to stop is not told of anything else
 */
export function fatal(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  return storageTrouble(error) ?? (error instanceof UsageError ? error : undefined);
}

/** The error as one of a file; `error` is none that ends the run. */
export function asFileError(path: string, error: unknown, what = 'be read'): FileError {
  if (error instanceof FileError) return error;
  const { message, ...details } = inOurWords(error);
  const says = error instanceof SourceError ? message : `${path} cannot ${what}: ${message}`;
  return new FileError(says, { ...details, cause: error });
}

/** The error as one of a feed, which whoever tells of it names; `error` is none that ends the run. */
export function asFeedError(error: unknown): FeedError {
  if (error instanceof FeedError) return error;
  const { message, ...details } = inOurWords(error);
  return new FeedError(message, { ...details, cause: error });
}

/** The error as one of a source; `error` is none that ends the run. */
export function asSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const { message, ...details } = inOurWords(error);
  return new SourceError(message, { ...details, cause: error });
}

/** The first line of what DuckDB or Node says, and what can be done about it. */
function inOurWords(error: unknown): { message: string; hint?: string; retryable?: boolean } {
  const [message = ''] = String((error as Error).message ?? error).split('\n');
  if (error instanceof WarehouseError) {
    const { hint, retryable } = error;
    return { message: error.message, retryable, ...(hint !== undefined && { hint }) };
  }
  if (/^Out of Memory Error/.test(message))
    return {
      message: `DuckDB has not enough memory for it: ${message}`,
      hint: 'raise memory_limit in warehouse.yaml, or lower threads: each takes its share',
    };
  return { message, hint: 'the next run tries again; DEBUG=asapp-warehouse shows where it comes from' };
}
