import { FeedError, FileError, SourceError, UsageError, WarehouseError } from '../errors.ts';
import { storageTrouble } from './trouble.ts';

/**
 * How far an error reaches: one of a file concerns only that file, one of a feed only that feed, one of a source only
 * that source. One odd item must never keep the others out, today or in later runs. Only an error that nothing else
 * could go on after ends the run.
 */

/**
 * @returns the error that ends the run; undefined when it concerns only a file, a feed or a source
 * @param signal when it was aborted, its reason is the error: whoever asked to stop is not told anything else
 */
export function fatal(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  return storageTrouble(error) ?? (error instanceof UsageError ? error : undefined);
}

/** The error as one of a file. For errors that do not end the run. */
export function asFileError(path: string, error: unknown, what = 'be read'): FileError {
  if (error instanceof FileError) return error;
  const { message, ...details } = describeError(error);
  const says = error instanceof SourceError ? message : `${path} cannot ${what}: ${message}`;
  return new FileError(says, { ...details, cause: error });
}

/** The error as one of a feed, which the caller names in its message. For errors that do not end the run. */
export function asFeedError(error: unknown): FeedError {
  if (error instanceof FeedError) return error;
  const { message, ...details } = describeError(error);
  return new FeedError(message, { ...details, cause: error });
}

/** The error as one of a source. For errors that do not end the run. */
export function asSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const { message, ...details } = describeError(error);
  return new SourceError(message, { ...details, cause: error });
}

/** The first line of an error's message, and what can be done about it. */
function describeError(error: unknown): { message: string; hint?: string; retryable?: boolean } {
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
