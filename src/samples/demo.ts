import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { INSTALLATION } from '../installation.ts';
import { questions } from './questions.ts';

/**
 * `npm run demo`: what a new user would type, typed for them, in the folder `demo`: sample feeds become a warehouse, and
 * the warehouse answers questions.
 */
const program = join(INSTALLATION, 'dist/cli/main.js');
const folder = resolve('demo');

function type(...words: string[]): void {
  const shown = words.map((word) => (/[\s"]/.test(word) ? `"${word.replaceAll('"', '\\"')}"` : word));
  console.log(`\n$ asapp-warehouse ${shown.join(' ')}`);
  const { status } = spawnSync(process.execPath, [program, ...words], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
type('init', '--demo');
type('run');
type('status');
for (const { title, sql } of questions) {
  console.log(`\n${title}`);
  type('query', sql);
}
console.log(
  `\nThe warehouse for analysts is ${relative('.', resolve(folder, 'published/warehouse.duckdb'))}.`,
);
