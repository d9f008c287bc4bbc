import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Environment } from '../../config/config.ts';

/** How many statements are kept. */
export const HISTORY_SIZE = 500;

/**
 * The file that keeps typed statements. It lies in the user's state folder, as is usual for such programs
 * (https://specifications.freedesktop.org/basedir-spec/latest/).
 */
export function historyFile(env: Environment): string {
  const state = env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state');
  return join(state, 'asapp-warehouse', 'history');
}

/** The kept statements, newest first; none when there is no such file. */
export async function readHistory(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

/**
 * Keeps statements for later shells, readable only for their user since they may name customers. A failure is not an
 * error.
 */
export async function writeHistory(file: string, statements: readonly string[]): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(
      file,
      statements
        .slice(0, HISTORY_SIZE)
        .map((line) => `${line}\n`)
        .join(''),
      { mode: 0o600 },
    );
  } catch {
    // The next shell starts without a history.
  }
}
