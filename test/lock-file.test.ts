import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

test('every package of the lock file is pinned by its checksum and names no server', async () => {
  const { packages } = JSON.parse(await readFile(new URL('../package-lock.json', import.meta.url), 'utf8'));
  const { '': own, ...others } = packages as Record<string, { integrity?: string; resolved?: string }>;
  expect(own).toBeDefined();
  const unpinned = Object.entries(others).filter(
    ([, { integrity, resolved }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? '') || resolved !== undefined,
  );
  expect(unpinned.map(([name]) => name)).toEqual([]);
});
