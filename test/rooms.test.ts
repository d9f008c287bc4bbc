import { execFile } from 'node:child_process';
import { access, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIOME = join(ROOT, 'node_modules/.bin/biome');

/** What the linter says of files that are planted in an empty project with this one's rules. */
async function lint(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rooms-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const name of ['biome.json', 'src/biome.json', '.gitignore'])
    await cp(join(ROOT, name), join(folder, name));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const found = await promisify(execFile)(BIOME, ['lint', '--error-on-warnings', '.'], { cwd: folder }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return `${found.stdout}${found.stderr}`;
}

const importing = (path: string) => `import { thing } from '${path}';\n\nexport const used = thing;\n`;

describe('the linter', () => {
  test('lets a room import what stands below it', async () => {
    const said = await lint({ 'src/load/plan.ts': importing('../ledger/files.ts') });
    expect(said).toContain('Checked');
    expect(said).not.toContain('lint/');
  });

  test.for([
    ['src/ledger/files.ts', '../load/plan.ts', 'only from the rooms below it'],
    ['src/errors.ts', './warehouse/session.ts', 'only from the rooms below it'],
    ['src/run/attention/late.ts', '../../cli/output.ts', 'only from the rooms below it'],
    ['src/models/build/build.ts', '../../load/plan.ts', 'models and load do not know each other'],
    ['src/web/page/page.ts', '../../load/plan.ts', 'shows what is published'],
    ['src/receive/spool.ts', '../warehouse/session.ts', 'written as files'],
    ['src/ledger/files.ts', '@duckdb/node-api', 'Only the warehouse talks to DuckDB'],
    ['src/feeds/names.ts', 'node:fs/promises', 'Only bundled.ts reads files'],
    ['src/schema/compare/compare.ts', 'node:fs/promises', 'does no I/O'],
    ['src/schema/decide/decide.ts', '../../ledger/files.ts', 'does no I/O'],
  ] as const)('refuses that %s imports %s', async ([file, path, message]) => {
    const said = await lint({ [file]: importing(path) });
    expect(said).toContain('lint/style/noRestrictedImports');
    expect(said).toContain(message);
  });

  test('refuses a circle, also one of types', async () => {
    const said = await lint({
      'src/feeds/a.ts': `import type { B } from './b.ts';\n\nexport type A = { b?: B };\n`,
      'src/feeds/b.ts': `import type { A } from './a.ts';\n\nexport type B = { a: A };\n`,
    });
    expect(said).toContain('lint/suspicious/noImportCycles');
  });
});

test.for(['src/README.md', 'CONTRIBUTING.md'])('every file that %s names is there', async (document) => {
  const text = await readFile(join(ROOT, document), 'utf8');
  const named = [...text.matchAll(/`((?:[\w-]+\/)*[\w-]+\.(?:ts|sql|json))`/g)].map(
    ([, path]) => path as string,
  );
  expect(named.length).toBeGreaterThan(2);
  const isThere = async (path: string) =>
    (await Promise.allSettled([join(ROOT, path), join(ROOT, 'src', path)].map((each) => access(each)))).some(
      ({ status }) => status === 'fulfilled',
    );
  const missing: string[] = [];
  for (const path of named) if (!(await isThere(path))) missing.push(path);
  expect(missing).toEqual([]);
});
