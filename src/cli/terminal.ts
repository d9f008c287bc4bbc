import type { Writable } from 'node:stream';

/** stdout or stderr, which know whether they are a terminal and how wide it is. */
export type OutputStream = Writable & { isTTY?: boolean; columns?: number };

/** The assumed width of a terminal that reports none, or 0 as some emulated ones do. */
export const DEFAULT_WIDTH = 80;

/**
 * Whether to colour what is written to `stream`: it is a terminal that can, and NO_COLOR is not set
 * (https://no-color.org).
 */
export function wantsColor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** The width for printing: that of the terminal or, behind a pipe, of COLUMNS. */
export function widthOf(stream: { columns?: number }, env: NodeJS.ProcessEnv): number {
  return stream.columns || Math.trunc(Number(env.COLUMNS)) || DEFAULT_WIDTH;
}
