import { readdirSync } from 'node:fs';
import { readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, type ExpectStatic, test } from 'vitest';
import { printTable } from '../src/cli/output.ts';
import { exitCodeOf } from '../src/errors.ts';
import { Warehouse } from '../src/warehouse/warehouse.ts';
import { Project } from './support/project.ts';

/**
 * Whole-path cases: each folder of `cases/` is one. Its README.md says what it shows, and its numbered folders are steps:
 *
 * - everything in a step is laid over the user's folder (`feeds/…`, `warehouse.yaml`, `models/…`), but for what follows;
 *   a `.gz` file is plain text here and compressed on the way
 * - `changes.txt` then does to files what laying over cannot: `remove PATH`, `rename OLD NEW`, `cut PATH BYTES`
 * - `run` is called, and must end with the number in `exit`, else 0
 * - each `expect/NAME.sql` must give what `expect/NAME.csv` holds. It asks the published warehouse; the loader's own is
 *   there as `loader`
 *
 * `UPDATE_CASES=1 npx vitest run test/cases.test.ts` writes what came out into the `.csv` and `exit` files: read the
 * difference before you keep it.
 */
const CASES = fileURLToPath(new URL('cases', import.meta.url));
const UPDATE = process.env.UPDATE_CASES === '1';

// They run side by side, so that each takes the longer.
describe('a case folder', { timeout: 120_000 }, () => {
  test.concurrent.for(foldersOf(CASES))('gives what it expects: %s', async (name, { expect }) => {
    await using project = await Project.create();
    for (const step of foldersOf(join(CASES, name)).sort((a, b) => Number(a) - Number(b))) {
      const folder = join(CASES, name, step);
      await layOver(folder, project);
      await change(folder, project);
      const exit = await project.run().then(({ exitCode }) => exitCode, exitCodeOf);
      await meets(expect, join(folder, 'exit'), `${exit}\n`, '0\n');
      await nothingIsHalf(expect, project);
      await answers(expect, join(folder, 'expect'), project);
    }
  });
});

function foldersOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

const NOT_LAID_OVER = /^(exit|changes\.txt|expect(\/.*)?)$/;

async function layOver(step: string, project: Project): Promise<void> {
  for (const entry of await readdir(step, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(step.length + 1);
    if (!entry.isFile() || NOT_LAID_OVER.test(path)) continue;
    const bytes = await readFile(join(step, path));
    await project.write(path, path.endsWith('.gz') ? gzipSync(bytes) : bytes);
  }
}

async function change(step: string, project: Project): Promise<void> {
  const text = await readFile(join(step, 'changes.txt'), 'utf8').catch(() => '');
  for (const line of text.split('\n').filter(Boolean)) {
    const [verb, path = '', argument = ''] = line.split(' ');
    if (verb === 'remove') await rm(project.path(path), { recursive: true });
    else if (verb === 'rename') await rename(project.path(path), project.path(argument));
    else if (verb === 'cut') await truncate(project.path(path), Number(argument));
    else throw new Error(`changes.txt: ${line}`);
  }
}

/** What holds after every run, whatever it found. */
async function nothingIsHalf(expect: ExpectStatic, project: Project): Promise<void> {
  expect(await project.loader('SELECT name FROM ops.conservation WHERE NOT holds')).toEqual([]);
  expect(await project.loader('FROM ops.unnumbered')).toEqual([]);
  expect(await readdir(project.path('landing'))).toEqual([]);
  expect(await readdir(project.path('published'))).toEqual(['warehouse.duckdb']);
}

async function answers(expect: ExpectStatic, folder: string, project: Project): Promise<void> {
  await using warehouse = await Warehouse.open(':memory:', { fileAccess: { folders: [project.folder] } });
  const session = await warehouse.session();
  await session.run(`ATTACH '${project.path('warehouse.duckdb')}' AS loader (READ_ONLY);
    ATTACH '${project.path('published/warehouse.duckdb')}' AS published (READ_ONLY); USE published`);
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.sql')) continue;
    const table = await session.table(await readFile(join(folder, name), 'utf8'));
    let csv = '';
    const stream = new Writable({
      write(chunk, _encoding, done) {
        csv += chunk;
        done();
      },
    });
    await printTable(table, { format: 'csv', stream, color: false });
    await meets(expect, join(folder, name.replace(/sql$/, 'csv')), csv);
  }
}

/** @param usual what a file that is not there would hold */
async function meets(expect: ExpectStatic, file: string, actual: string, usual?: string): Promise<void> {
  const place = file.slice(CASES.length + 1);
  if (!UPDATE) {
    const expected = await readFile(file, 'utf8').catch((error) => {
      if (usual === undefined) throw error;
      return usual;
    });
    expect.soft(actual, place).toBe(expected);
  } else if (actual === usual) {
    await rm(file, { force: true });
  } else {
    await writeFile(file, actual);
  }
}
