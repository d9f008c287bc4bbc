import { readdir, readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INSTALLATION, manifest } from '../src/installation.ts';

async function textsOf(folder: string, ending: string): Promise<[name: string, text: string][]> {
  const names = await readdir(join(INSTALLATION, folder), { recursive: true });
  return Promise.all(
    names
      .filter((name) => name.endsWith(ending))
      .map(
        async (name): Promise<[string, string]> => [
          name,
          await readFile(join(INSTALLATION, folder, name), 'utf8'),
        ],
      ),
  );
}

test('only one module asks where its code lies, since that is elsewhere once it is bundled', async () => {
  const asking = (await textsOf('src', '.ts')).filter(([, text]) => text.includes('import.meta'));
  expect(asking.map(([name]) => name)).toEqual(['installation.ts']);
});

/** The package of an import in the bundle. */
const IMPORTED = /(?:^import .*|import\(|require\()"((?:@[\w-]+\/)?[\w-]+)[\w/.-]*"/gm;

test('who installs the program gets all packages that the bundle leaves outside, and no others', async () => {
  const needed = (await textsOf('dist', '.js')).flatMap(([, text]) =>
    [...text.matchAll(IMPORTED)].flatMap(([, name]) => name ?? []),
  );
  const packages = [...new Set(needed.filter((name) => !isBuiltin(name)))].sort();
  expect(packages).toEqual(Object.keys(manifest().dependencies));
});

test("DuckDB's client in the bundle is of the version of its native code beside it", () => {
  const { dependencies, devDependencies } = manifest();
  expect(dependencies['@duckdb/node-bindings']).toMatch(/^\d/);
  expect(devDependencies['@duckdb/node-api']).toBe(dependencies['@duckdb/node-bindings']);
});
