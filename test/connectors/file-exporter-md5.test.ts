import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Md5Thread } from '../../src/connectors/file-exporter/md5-thread.ts';
import { StorageError } from '../../src/errors.ts';
import { rejection } from './contract.ts';

let folder: string;
let thread: Md5Thread;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'md5-'));
  thread = new Md5Thread();
});

afterEach(async () => {
  await thread[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function md5(...chunks: Buffer[]): string {
  return createHash('md5').update(Buffer.concat(chunks)).digest('hex');
}

it('a thread computes the MD5s of several files side by side, while they grow', async () => {
  const files = [0, 1, 2].map((size) => Array.from({ length: size }, () => randomBytes(3_000_000)));
  const digests = await Promise.all(
    files.map(async (chunks, index) => {
      const path = join(folder, String(index));
      await appendFile(path, '');
      using hash = thread.of(path);
      for (const chunk of chunks) {
        await appendFile(path, chunk);
        hash.readOn();
      }
      return hash.digest();
    }),
  );
  expect(digests).toEqual(files.map((chunks) => md5(...chunks)));
});

it('a thread also reads a beginning that was there, and what came unannounced', async () => {
  const [beginning, rest] = [randomBytes(1000), randomBytes(1000)];
  const path = join(folder, 'file');
  await appendFile(path, beginning);
  using hash = thread.of(path);
  expect(await hash.digest()).toBe(md5(beginning));
  await appendFile(path, rest);
  expect(await hash.digest()).toBe(md5(beginning, rest));
});

it('a thread says which file it cannot read, and goes on with others', async () => {
  using missing = thread.of(join(folder, 'missing'));
  missing.readOn();
  const failed = await rejection(missing.digest());
  expect(failed).toBeInstanceOf(StorageError);
  expect((failed as StorageError).message).toContain(join(folder, 'missing'));
  await appendFile(join(folder, 'there'), 'x');
  using there = thread.of(join(folder, 'there'));
  expect(await there.digest()).toBe(md5(Buffer.from('x')));
});

it('a thread that is ended leaves nobody waiting', async () => {
  const waiting = rejection(thread.of(join(folder, 'file')).digest());
  await thread[Symbol.asyncDispose]();
  expect(await waiting).toMatchObject({ message: 'the thread that computes checksums has ended' });
});
