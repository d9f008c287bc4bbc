import { type LandedFile, textBytes } from './file.ts';

/**
 * What few and small files are. To ask DuckDB for their rows costs more than to read them: so they are read in the way that
 * is asked for in the shortest statement, and those of several feeds are staged together.
 */

/** Files of one batch that are few. */
export const FEW_FILES = 16;
/** Bytes of text that small files have at most, all together. */
export const SMALL_BYTES = 2 ** 25;
const SMALL_LINES = 50_000;

export function areSmall(files: readonly LandedFile[]): boolean {
  const sum = (of: (file: LandedFile) => number) => files.reduce((total, file) => total + of(file), 0);
  return sum(({ lines }) => lines) <= SMALL_LINES && sum(textBytes) <= SMALL_BYTES;
}
