import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../src/files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folders-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a folder is made with those above it, even by two at once, and one that is there is left as it is', async () => {
  const deep = join(folder, 'a/b/../c');
  await Promise.all([makeFolder(deep, 0o700), makeFolder(deep, 0o700), makeFolder(folder)]);
  expect((await stat(deep)).mode & 0o777).toBe(0o700);
  await makeFolder(deep);
});

test('a folder that cannot be made is reported with the file that is in its way', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(makeFolder(join(folder, 'file/x'))).rejects.toThrow(
    `the folder ${join(folder, 'file/x')} cannot be made: a file is in its way`,
  );
});

// Node's own never ends there.
test.skipIf(process.platform !== 'linux')('making a folder ends where none can be', async () => {
  await expect(makeFolder('/proc/x/y')).rejects.toThrow('the folder /proc/x cannot be made: nothing can be');
});
