import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

/** What Node.js is told about running this program, where it can be told. */

/**
 * By version of V8, what has it wait twenty times as long as it would before it optimizes a function: it takes a fifth of
 * the time of a short command to optimize what is soon over, and no measurable part of a long one to wait. Only versions
 * that this was tried with, since the words differ.
 */
const LATER: Readonly<Record<string, string>> = {
  11: '--interrupt-budget=1350000',
  12: '--invocation-count-for-turbofan=60000',
};

/** Node.js has it from 22.1 on. */
const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };

/** Sets Node.js to commands that end soon, and come again. */
export function prepareEngine(): void {
  const flag = LATER[process.versions.v8.split('.')[0] ?? ''];
  if (flag) setFlagsFromString(flag);
  keepCompiled();
}

/**
 * What was compiled of the program need not be compiled by the next command. It is kept in a folder of the user's own,
 * since whoever can write there decides what runs; where that cannot be, nothing is kept.
 */
function keepCompiled(): void {
  try {
    enableCompileCache?.(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'asapp-warehouse'));
  } catch {
    // A user without a home.
  }
}
