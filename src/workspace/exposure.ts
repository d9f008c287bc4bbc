import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';

/** Something that others on this machine can read, and what to do about it. */
export interface Exposure {
  message: string;
  hint: string;
}

const OTHERS = 0o077;

/**
 * What others can read that was made before this program looked after modes, or by somebody else: what is delivered lies
 * decrypted in the landing folder, and `.env` holds the keys to it. Both keep the mode that somebody gave them.
 */
export async function exposures({ landing, directory, fileMode }: Config): Promise<Exposure[]> {
  const found: Exposure[] = [];
  const wanted = fileMode ?? 0;
  const folder = await modeOf(landing);
  if (folder?.isFolder && folder.mode & OTHERS & ~(wanted | (wanted >> 2)))
    found.push({
      message: `other users of this machine can look into ${landing}, where delivered files lie in plain text`,
      hint: `chmod 700 ${landing}`,
    });
  const env = join(directory, '.env');
  const file = await modeOf(env);
  if (file && !file.isFolder && file.mode & OTHERS)
    found.push({
      message: `other users of this machine can read ${env}, which holds secrets`,
      hint: `chmod 600 ${env}`,
    });
  return found;
}

async function modeOf(path: string): Promise<{ mode: number; isFolder: boolean } | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && { mode: found.mode & 0o777, isFolder: found.isDirectory() };
}
