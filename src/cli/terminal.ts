import type { Writable } from 'node:stream';

/** stdout or stderr, which know whether they are a terminal and how wide it is. */
export type OutputStream = Writable & { isTTY?: boolean; columns?: number };

/** How wide a terminal is that does not say, or says 0, as those do that a program has made for another. */
export const DEFAULT_WIDTH = 80;

/** Whether to colour what goes to `stream`: a terminal that can, and nobody who set NO_COLOR (https://no-color.org). */
export function wantsColor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** Places across what is printed: those of the terminal, or of the one that a pipe comes out at, where COLUMNS says so. */
export function widthOf(stream: { columns?: number }, env: NodeJS.ProcessEnv): number {
  return stream.columns || Math.trunc(Number(env.COLUMNS)) || DEFAULT_WIDTH;
}
