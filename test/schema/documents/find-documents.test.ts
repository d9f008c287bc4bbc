import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connector } from '../../../src/connectors/connector.ts';
import { local } from '../../../src/connectors/local.ts';
import { isExportDocument } from '../../../src/feeds/documents/names.ts';
import { DEFAULT_LIMITS } from '../../../src/limits.ts';
import {
  type FindOptions,
  fetchDocument,
  findDocuments,
} from '../../../src/schema/documents/find-documents.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'watch-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(path: string, content: string | Buffer = 'schemas: []'): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

/** The paths of the documents that are found, in order, and how many folders were listed for it. */
async function find(options: Partial<FindOptions> = {}): Promise<{ paths: string[]; listings: number }> {
  await using connector = await local.open({ root });
  let listings = 0;
  const counted: Connector = {
    ...connector,
    location: root,
    seal: 'marker',
    files: (path, from) => connector.files(path, from),
    fetch: (file, partial) => connector.fetch(file, partial),
    entries(path) {
      listings += 1;
      return connector.entries(path);
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const found = await findDocuments(counted, {
    pinned: undefined,
    isFeed: (name) => name === 'calls',
    hints: [],
    ...options,
  });
  return { paths: found.map(({ listed }) => listed.path), listings };
}

test.each([
  ['export_docs.yaml', true],
  ['export_docs.yml', true],
  ['export_docs.json', true],
  ['EXPORT_DOCS.YAML.GZ', true],
  ['export_docs.json.gz', true],
  ['export_docs.txt', false],
  ['my_export_docs.yaml', false],
  ['export_docs.yaml.bak', false],
])('%s is a schema document: %s', (name, expected) => {
  expect(isExportDocument(name)).toBe(expected);
});

describe('a document is found', () => {
  test('among the files of the root', async () => {
    await put('export_docs.yaml');
    expect((await find()).paths).toEqual(['export_docs.yaml']);
  });

  test('in a folder of its own, the newest day first, and none when there is none', async () => {
    expect((await find()).paths).toEqual([]);
    for (const day of ['2026-01-05', '2026-01-07', '2026-01-06']) {
      await put(`export_docs/version=1/format=yaml/dt=${day}/export_docs.yaml`);
    }
    // Of dated folders, only the newest that has one is looked into.
    expect((await find()).paths).toEqual([
      'export_docs/version=1/format=yaml/dt=2026-01-07/export_docs.yaml',
    ]);
  });

  test('in yesterday’s folder, when today’s has none yet', async () => {
    await put('docs/2026/01/05/export_docs.yml');
    await put('docs/2026/01/06/_SUCCESS');
    expect((await find()).paths).toEqual(['docs/2026/01/05/export_docs.yml']);
  });

  test('in the newest hour and minute of a day', async () => {
    await put('export_docs/dt=2026-01-05/hr=07/mi=15/export_docs.json');
    await put('export_docs/dt=2026-01-05/hr=07/mi=30/export_docs.json');
    expect((await find()).paths[0]).toBe('export_docs/dt=2026-01-05/hr=07/mi=30/export_docs.json');
  });

  test('without a time behind those with one', async () => {
    await put('export_docs.yaml');
    await put('export_docs/dt=2020-01-05/export_docs.yaml');
    expect((await find()).paths).toEqual(['export_docs/dt=2020-01-05/export_docs.yaml', 'export_docs.yaml']);
  });

  test('by its last change among those of one day, or without one', async () => {
    const day = 'dt=2026-01-05/export_docs';
    const paths = [
      'export_docs.json',
      'export_docs.yaml',
      `b/${day}.yaml`,
      `a/${day}.yaml`,
      `c/${day}.json.gz`,
    ];
    for (const [seconds, path] of paths.entries()) {
      await put(path);
      await utimes(join(root, path), 1_000 + seconds, 1_000 + seconds);
    }
    expect((await find()).paths).toEqual([paths[4], paths[3], paths[2], paths[1], paths[0]]);
    await utimes(join(root, paths[2] as string), 2_000, 2_000);
    expect((await find()).paths[0]).toBe(paths[2]);
  });

  test('where a listing of feeds has met it', async () => {
    const path = 'calls/version=1/format=jsonl/dt=2026-01-05/export_docs.yaml';
    await put(path);
    expect((await find()).paths).toEqual([]);
    expect((await find({ hints: [path] })).paths).toEqual([path]);
  });

  test('where the configuration says: a file of any name, or a folder', async () => {
    await put('elsewhere/deep/our-schema.yaml');
    await put('export_docs.yaml');
    expect((await find({ pinned: 'elsewhere/deep/our-schema.yaml' })).paths).toEqual([
      'elsewhere/deep/our-schema.yaml',
    ]);
    await put('elsewhere/dt=2026-01-05/export_docs.yaml');
    expect((await find({ pinned: '/elsewhere/' })).paths).toEqual([
      'elsewhere/dt=2026-01-05/export_docs.yaml',
    ]);
    expect((await find({ pinned: 'nowhere/export_docs.yaml' })).paths).toEqual([]);
  });

  test('without listing the folders of feeds, or a whole history', async () => {
    for (let day = 10; day < 30; day += 1) {
      await put(`calls/version=1/format=jsonl/dt=2026-01-${day}/calls.jsonl`);
      await put(`unknown/version=1/format=jsonl/dt=2026-01-${day}/unknown.jsonl`);
    }
    await put('export_docs/dt=2026-01-05/export_docs.yaml');
    const { paths, listings } = await find();
    expect(paths).toEqual(['export_docs/dt=2026-01-05/export_docs.yaml']);
    expect(listings).toBeLessThan(20);
  });
});

describe('a document is fetched', () => {
  async function fetch(path: string): Promise<string> {
    await using connector = await local.open({ root });
    const [found] = await findDocuments(connector, { pinned: undefined, isFeed: () => false, hints: [] });
    expect(found?.listed.path).toBe(path);
    return await fetchDocument(connector, found as NonNullable<typeof found>, DEFAULT_LIMITS);
  }

  test('plain or compressed, without its byte order mark', async () => {
    await put('export_docs.yaml', '\uFEFFschemas: [é]');
    expect(await fetch('export_docs.yaml')).toBe('schemas: [é]');
    await rm(join(root, 'export_docs.yaml'));
    await put('export_docs.yaml.gz', gzipSync('schemas: [é]'));
    expect(await fetch('export_docs.yaml.gz')).toBe('schemas: [é]');
  });

  test('but refused when it is too large, even if only once decompressed, or cut off', async () => {
    await put('export_docs.json.gz', gzipSync(Buffer.alloc(100 * 2 ** 20, 32)));
    await expect(fetch('export_docs.json.gz')).rejects.toThrow('larger than limits.document_bytes (32MiB)');
    await put('export_docs.json.gz', gzipSync('{"schemas": []}').subarray(0, 12));
    await expect(fetch('export_docs.json.gz')).rejects.toThrow('does not decompress to its end');
    await rm(join(root, 'export_docs.json.gz'));
    await put('export_docs.yaml', Buffer.alloc(65 * 2 ** 20, 32));
    await expect(fetch('export_docs.yaml')).rejects.toThrow('larger than limits.document_bytes (32MiB)');
  });

  test('but refused when it changed since it was listed', async () => {
    await put('export_docs.yaml');
    await using connector = await local.open({ root });
    const [found] = await findDocuments(connector, { pinned: undefined, isFeed: () => false, hints: [] });
    await utimes(join(root, 'export_docs.yaml'), 1, 1);
    await expect(
      fetchDocument(connector, found as NonNullable<typeof found>, DEFAULT_LIMITS),
    ).rejects.toThrow('replaced');
  });
});
