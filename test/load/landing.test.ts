import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connector, ListedFile } from '../../src/connectors/connector.ts';
import { local } from '../../src/connectors/local.ts';
import { FileError, SourceError } from '../../src/errors.ts';
import { parsePath } from '../../src/feeds/paths.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import type { WantedFile } from '../../src/load/file.ts';
import { Landing } from '../../src/load/landing.ts';
import { asOrdinaryUser } from '../support/ordinary-user.ts';

const NOW = new Date('2026-02-01T00:00:00Z');
const FOLDER = 'calls/version=1/format=jsonl/dt=2026-01-05/hr=07';

let root: string;
let folder: string;
let inPlace: Connector;
/** The same folder as a place whose files have to be fetched. */
let remote: Connector;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'landing-'));
  folder = join(root, 'landing');
  await mkdir(join(root, 'feeds'));
  inPlace = await local.open({ root: join(root, 'feeds') });
  remote = {
    location: 'far://away',
    seal: 'marker' as const,
    entries: (path) => inPlace.entries(path),
    files: (path, from) => inPlace.files(path, from),
    fetch: (file, partial, options) => inPlace.fetch(file, partial, options),
    [Symbol.asyncDispose]: async () => {},
  };
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Delivers a file, as a listing shows it. */
async function deliver(name: string, bytes: string | Buffer): Promise<WantedFile> {
  const path = `${FOLDER}/${name}`;
  await mkdir(dirname(join(root, 'feeds', path)), { recursive: true });
  await writeFile(join(root, 'feeds', path), bytes);
  let listed: ListedFile | undefined;
  for await (const file of inPlace.files(FOLDER)) if (file.path === path) listed = file;
  const parsed = parsePath(path);
  if (parsed.kind !== 'data' || !listed) throw new Error(`${path} is no file of a feed`);
  return { ...listed, fileId: 1, name: parsed.file, partition: parsed.partition };
}

function delivered(file: WantedFile): string {
  return join(root, 'feeds', file.path);
}

function overwritten(bytes: Buffer, at: number, by: number[]): Buffer {
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(by), bytes.subarray(at + by.length)]);
}

function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const TEXT = '{"a":1}\n{"a":2}\n';
const open = () => Landing.open(folder, NOW);

describe('a file that is whole', () => {
  test('is read where it lies, when it lies on this machine', async () => {
    const landing = await open();
    const file = await deliver('calls.jsonl', TEXT);
    let bytes = 0;
    const landed = await landing.land(inPlace, file, {
      onBytes: (count) => {
        bytes += count;
      },
    });
    expect(landed).toMatchObject({
      fileId: 1,
      lines: 2,
      irregular: false,
      sha256: sha256(TEXT),
      text: delivered(file),
    });
    expect(bytes).toBe(TEXT.length);
    await landed.recheck();
    await landed.remove();
    expect(await readFile(delivered(file), 'utf8')).toBe(TEXT);
    expect(await readdir(folder)).toEqual([]);
  });

  test('is fetched under a temporary name, and removed once it was staged', async () => {
    const landing = await open();
    const file = await deliver('calls.jsonl', TEXT);
    const names: string[][] = [];
    const spying: Connector = {
      ...remote,
      fetch: async (listed, partial, options) => {
        await remote.fetch(listed, partial, options);
        names.push(await readdir(folder));
      },
    };
    const landed = await landing.land(spying, file);
    expect(names).toEqual([[expect.stringMatching(/^[0-9a-f]{32}\.raw\.part$/)]]);
    expect(await readdir(folder)).toEqual([expect.stringMatching(/^[0-9a-f]{32}\.raw$/)]);
    expect(await readFile(landed.text, 'utf8')).toBe(TEXT);
    await landed.remove();
    expect(await readdir(folder)).toEqual([]);
    expect(await readFile(delivered(file), 'utf8')).toBe(TEXT);
  });

  test('is decompressed, and its hash is that of the bytes as delivered', async () => {
    const landing = await open();
    const bytes = gzipSync(TEXT);
    const landed = await landing.land(inPlace, await deliver('calls.jsonl.gz', bytes));
    expect(landed).toMatchObject({ lines: 2, sha256: sha256(bytes) });
    expect(await readFile(landed.text, 'utf8')).toBe(TEXT);
    await landed.remove();
    expect(await readdir(folder)).toEqual([]);
  });

  test('may consist of several gzip members, as tools that append make them', async () => {
    const bytes = Buffer.concat([gzipSync('{"a":1}\n'), gzipSync('{"a":2}\n')]);
    const landed = await (await open()).land(inPlace, await deliver('calls.jsonl.gz', bytes));
    expect(await readFile(landed.text, 'utf8')).toBe(TEXT);
  });

  test('may be empty', async () => {
    const landing = await open();
    expect(await landing.land(inPlace, await deliver('calls.jsonl', ''))).toMatchObject({
      lines: 0,
      irregular: false,
    });
    const zipped = await deliver('calls.jsonl.gz', gzipSync(''));
    expect(await landing.land(remote, zipped)).toMatchObject({ lines: 0 });
  });

  test('may be larger than what is read at a time', async () => {
    const text = `${JSON.stringify({ a: 'x'.repeat(100_000) })}\n`.repeat(40);
    const landed = await (await open()).land(remote, await deliver('calls.jsonl.gz', gzipSync(text)));
    expect(landed).toMatchObject({ lines: 40, irregular: false });
    expect((await stat(landed.text)).size).toBe(text.length);
  });

  test('may be as large as the limits say, and no larger', async () => {
    const zipped = await deliver('calls.jsonl.gz', gzipSync(TEXT));
    const plain = await deliver('calls.jsonl', TEXT);
    for (const file of [zipped, plain])
      for (const connector of [inPlace, remote]) {
        const land = async (file_bytes: number) =>
          (await open()).land(connector, file, { limits: { ...DEFAULT_LIMITS, file_bytes } });
        expect(await land(TEXT.length)).toMatchObject({ lines: 2 });
        await expect(land(TEXT.length - 1)).rejects.toThrow(
          /is not loaded: it is larger than limits.file_bytes \(15B\)/,
        );
      }
  });

  test('is kept apart from another version of itself, and from its namesake elsewhere', async () => {
    const landing = await open();
    const file = await deliver('calls.jsonl', TEXT);
    const texts = [
      await landing.land(remote, file),
      await landing.land({ ...remote, location: 'far://elsewhere' }, file),
      await landing.land(remote, await deliver('calls.jsonl', TEXT.replace('1', '3'))),
    ].map(({ text }) => text);
    expect(new Set(texts).size).toBe(3);
  });
});

describe('a file that is not whole', () => {
  const zipped = gzipSync(TEXT.repeat(1000));
  test.each<[string, Buffer, RegExp]>([
    [
      'cut off',
      zipped.subarray(0, zipped.length - 10),
      /does not decompress to its end: unexpected end of file/,
    ],
    ['cut off in its checksum', zipped.subarray(0, zipped.length - 1), /does not decompress to its end/],
    ['without a single byte', Buffer.alloc(0), /does not decompress to its end/],
    [
      'with other bytes in the middle',
      overwritten(zipped, 60, [1, 2, 3, 4]),
      /does not decompress to its end/,
    ],
    [
      'with a wrong checksum',
      overwritten(zipped, zipped.length - 8, [0, 0]),
      /does not decompress to its end/,
    ],
    ['that is no gzip at all', Buffer.from(TEXT), /does not decompress to its end: incorrect header check/],
  ])('is refused as a .gz file %s', async (_, bytes, message) => {
    const landing = await open();
    const file = await deliver('calls.jsonl.gz', bytes);
    for (const connector of [inPlace, remote]) {
      const failure = await landing.land(connector, file).catch((error) => error);
      expect(failure).toBeInstanceOf(FileError);
      expect(failure.message).toMatch(message);
      expect(failure.message).toContain(file.path);
    }
    expect((await readdir(folder)).filter((name) => /jsonl/.test(name))).toEqual([]);
  });

  test('is refused when it has another size than was listed', async () => {
    const landing = await open();
    const file = await deliver('calls.jsonl', TEXT);
    await writeFile(delivered(file), TEXT + TEXT);
    await expect(landing.land(inPlace, file)).rejects.toThrow(
      `${file.path} was listed with 16 bytes and has 32`,
    );
    await expect(landing.land(remote, file)).rejects.toThrow(FileError);
  });

  test('is refused when it is gone since it was listed', async () => {
    const landing = await open();
    const file = await deliver('calls.jsonl', TEXT);
    await rm(delivered(file));
    await expect(landing.land(remote, file)).rejects.toThrow(FileError);
    await expect(landing.land(inPlace, file)).rejects.toThrow(FileError);
  });

  test('is refused when it cannot be read', async () => {
    const landing = await open();
    const file = await deliver('calls.jsonl', TEXT);
    await chmod(delivered(file), 0o000);
    await asOrdinaryUser(root, () =>
      expect(landing.land(inPlace, file)).rejects.toThrow(/permission|EACCES/),
    );
  });

  test('is refused when it is encrypted and there is no key', async () => {
    const landing = await open();
    await expect(landing.land(inPlace, await deliver('calls.jsonl.gz.enc', TEXT))).rejects.toThrow(
      /is encrypted, and no key is configured/,
    );
  });

  test('is fetched on from what came before a fetch failed', async () => {
    const landing = await open();
    const file = await deliver('calls.jsonl', TEXT);
    const breaking: Connector = {
      ...remote,
      fetch: async (_, partial) => {
        await writeFile(partial, TEXT.slice(0, 5));
        throw new SourceError('the line is down');
      },
    };
    await expect(landing.land(breaking, file)).rejects.toThrow(SourceError);
    const [name] = await readdir(folder);
    expect(name).toMatch(/\.raw\.part$/);
    const landed = await (await open()).land(remote, file);
    expect(await readFile(landed.text, 'utf8')).toBe(TEXT);
  });
});

describe('a file that changes while it is staged', () => {
  test.each<[string, (file: WantedFile) => Promise<void>]>([
    ['grows', (file) => writeFile(delivered(file), `${TEXT}{}\n`)],
    ['has other bytes of the same number', (file) => writeFile(delivered(file), TEXT.replace('1', '3'))],
    ['is removed', (file) => rm(delivered(file))],
  ])('is refused because it %s', async (_, change) => {
    const landing = await open();
    for (const name of ['calls.jsonl', 'calls.jsonl.gz']) {
      const file = await deliver(name, name.endsWith('gz') ? gzipSync(TEXT) : TEXT);
      // A clock of milliseconds may not have moved on since.
      await utimes(delivered(file), 1, 1);
      const landed = await landing.land(inPlace, file);
      await change(file);
      await expect(landed.recheck()).rejects.toThrow(
        new FileError(`${file.path} changed while it was read`, { retryable: true }),
      );
    }
  });

  test('does not matter once it was fetched', async () => {
    const file = await deliver('calls.jsonl', TEXT);
    const landed = await (await open()).land(remote, file);
    await rm(delivered(file));
    await landed.recheck();
    expect(await readFile(landed.text, 'utf8')).toBe(TEXT);
  });
});

describe('the landing folder', () => {
  const HASH = '0123456789abcdef0123456789abcdef';

  test('is made with rights for its owner only, and so are the files in it', async () => {
    const landing = await open();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const landed = await landing.land(inPlace, await deliver('calls.jsonl.gz', gzipSync(TEXT)));
    expect((await stat(landed.text)).mode & 0o077).toBe(0);
  });

  test('is cleared of what a killed run left, except for downloads that can go on', async () => {
    await mkdir(folder);
    const left = [`${HASH}.raw`, `${HASH}.jsonl`, 'columns-123.jsonl', `${HASH}.raw.part`];
    for (const name of left) await writeFile(join(folder, name), 'x');
    const yesterday = NOW.getTime() / 1000 - 86_400;
    await utimes(join(folder, `${HASH}.raw.part`), yesterday, yesterday);
    await open();
    expect(await readdir(folder)).toContain(`${HASH}.raw.part`);
    const longAgo = NOW.getTime() / 1000 - 8 * 86_400;
    await utimes(join(folder, `${HASH}.raw.part`), longAgo, longAgo);
    await open();
    expect(await readdir(folder)).toEqual([]);
  });

  test('is cleared of all that landed when it is closed, whatever became of it', async () => {
    let landed: string;
    {
      await using landing = await open();
      landed = (await landing.land(remote, await deliver('calls.jsonl.gz', gzipSync(TEXT)))).text;
      expect(await readFile(landed, 'utf8')).toBe(TEXT);
      // What is on the way when it is left is waited for.
      void landing.land(remote, await deliver('calls.jsonl.01.gz', gzipSync(TEXT))).catch(() => {});
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test('keeps no half-made text, since nothing can go on from it', async () => {
    await mkdir(folder);
    await writeFile(join(folder, `${HASH}.jsonl.part`), 'x');
    await open();
    expect(await readdir(folder)).toEqual([]);
  });

  test('keeps what is not ours', async () => {
    await mkdir(join(folder, 'archive'), { recursive: true });
    const theirs = [
      'calls.jsonl',
      'notes.raw',
      'columns.jsonl',
      `${HASH}.txt`,
      '.hidden.part',
      `${HASH}0.raw`,
    ];
    for (const name of theirs) await writeFile(join(folder, name), 'x');
    await open();
    expect((await readdir(folder)).sort()).toEqual([...theirs, 'archive'].sort());
  });
});
