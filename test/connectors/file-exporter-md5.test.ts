import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { Md5Thread } from '../../src/connectors/file-exporter/md5-thread.ts';
import { rejection } from './contract.ts';

/** The bytes in memory that threads share. */
function shared(bytes: Buffer): Uint8Array<SharedArrayBuffer> {
  const memory = new Uint8Array(new SharedArrayBuffer(bytes.length));
  memory.set(bytes);
  return memory;
}

it('a thread computes several MD5s side by side', async () => {
  await using thread = new Md5Thread();
  const files = [0, 1, 2].map((size) => Array.from({ length: size }, () => randomBytes(300_000)));
  const hashes = files.map(() => thread.hash());
  for (const round of [0, 1])
    await Promise.all(
      files.map(async (chunks, index) => {
        const chunk = chunks[round];
        if (chunk) await hashes[index]?.update(shared(chunk));
      }),
    );
  expect(await Promise.all(hashes.map((hash) => hash.digest()))).toEqual(
    files.map((chunks) => createHash('md5').update(Buffer.concat(chunks)).digest('hex')),
  );
});

it('a thread no longer needs the bytes that it has answered for', async () => {
  await using thread = new Md5Thread();
  const memory = shared(Buffer.from('first'));
  const hash = thread.hash();
  await hash.update(memory);
  memory.set(Buffer.from('other'));
  expect(await hash.digest()).toBe(createHash('md5').update('first').digest('hex'));
});

it('a thread that is ended leaves nobody waiting', async () => {
  const thread = new Md5Thread();
  const waiting = rejection(thread.hash().digest());
  await thread[Symbol.asyncDispose]();
  expect(await waiting).toMatchObject({ message: 'the thread that computes checksums has ended' });
});
