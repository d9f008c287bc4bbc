import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What `npm run build` writes last. */
const LAST_STEP = join(ROOT, 'dist/models.parsed');

/** The command line as users run it: `node PROGRAM run`. */
export const PROGRAM = join(ROOT, 'dist/cli/main.js');

/**
 * Before all tests: builds `dist/` as `npm run build` does, unless it is newer than everything that it is made from.
 * Types are not checked: `npm run types` does that.
 */
export default async function build(): Promise<void> {
  const built = await stat(LAST_STEP).catch(() => undefined);
  const newest = Math.max(...(await Promise.all(['src', 'schemas', 'models'].map(newestIn))));
  if (built && built.mtimeMs > newest) return;
  const execute = promisify(execFile);
  await execute('node_modules/.bin/rolldown', ['-c', '--logLevel', 'warn'], { cwd: ROOT });
  for (const room of ['feeds', 'models'])
    await execute(process.execPath, [`dist/${room}/write-parsed-copy.js`], { cwd: ROOT });
}

/** When anything in a folder was last changed. */
async function newestIn(folder: string): Promise<number> {
  const files = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  const times = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath, file.name))).mtimeMs);
  return Math.max(...(await Promise.all(times)));
}
