import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ListedFile } from '../../src/connectors/connector.ts';
import type { S3Options } from '../../src/connectors/s3/options.ts';
import { s3 } from '../../src/connectors/s3.ts';
import { type Bucket, type S3Server, s3ServerKind, startS3 } from '../support/s3-server.ts';
import { collect, describeConnector, type Place } from './contract.ts';

let server: S3Server;
let bucket: Bucket;

beforeAll(async () => {
  server = await startS3();
  bucket = await server.createBucket(`contract-${randomUUID()}`);
  return () => server.stop();
}, 60_000);

function options(more: Partial<S3Options> = {}): S3Options {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  return {
    bucket: bucket.name,
    region,
    prefix: '',
    endpoint,
    credentials: { accessKeyId, secretAccessKey },
    ...more,
  };
}

describe.skipIf(s3ServerKind === 's3rver')(`on a real server (${s3ServerKind})`, () => {
  describeConnector('s3', {
    seal: 'marker',
    layout: 'free',
    noticesSameSize: true,
    start: async (): Promise<Place> => {
      // A neighbour of the prefix that must never show.
      await bucket.put('exports-old/x/x.jsonl', Buffer.from('{}'));
      return {
        put: (path, bytes) => bucket.put(`exports/${path}`, bytes),
        remove: (path) => bucket.remove(`exports/${path}`),
        connector: () => s3.open(options({ prefix: 'exports/' })),
        stop: async () => {},
      };
    },
  });

  it('s3 lists a bucket from its top, and a prefix only below itself', async () => {
    for (const key of ['top/a.txt', 'top/in/b.txt', 'top-not/c.txt']) await bucket.put(key, Buffer.from('x'));
    await using whole = await s3.open(options());
    const paths = (await collect(whole.files(''))).map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['top/a.txt', 'top/in/b.txt', 'top-not/c.txt']));
    await using below = await s3.open(options({ prefix: 'top/' }));
    expect((await collect(below.files(''))).map(({ path }) => path)).toEqual(['a.txt', 'in/b.txt']);
    expect(below.location).toBe(`s3://${bucket.name}/top/`);
  });

  it.each(['', 'many/'])(
    's3 fetches many files over one connector, whatever their names: below "%s"',
    async (prefix) => {
      const names = [
        'a.txt',
        'b c.txt',
        "it's (1)!*.txt",
        'ä/ü~.txt',
        'x+y%20z&q=1?.txt',
        'n//m.txt',
        'empty.txt',
      ];
      const contents = new Map(names.map((name) => [name, name === 'empty.txt' ? '' : `of ${name}`]));
      for (const [name, text] of contents) await bucket.put(`many/${name}`, Buffer.from(text));
      await using connector = await s3.open(options({ prefix }));
      const below = prefix === '' ? 'many/' : '';
      const found = await collect(connector.files(prefix === '' ? 'many' : ''));
      expect(found.map(({ path }) => path).sort()).toEqual(names.map((name) => below + name).sort());
      const scratch = await mkdtemp(join(tmpdir(), 's3-many-'));
      onTestFinished(() => rm(scratch, { recursive: true }));
      for (const [number, file] of [...found, ...found].entries()) {
        const partial = join(scratch, String(number));
        await connector.fetch(file, partial);
        expect(await readFile(partial, 'utf8')).toBe(contents.get(file.path.slice(below.length)));
      }
    },
  );

  it('s3 notices that a file is no longer the one that was listed, also after others were fetched', async () => {
    const names = ['first.txt', 'replaced.txt', 'removed.txt'];
    for (const name of names) await bucket.put(`later/${name}`, Buffer.from('old'));
    await using connector = await s3.open(options({ prefix: 'later/' }));
    const [first, removed, replaced] = (await collect(connector.files(''))) as [
      ListedFile,
      ListedFile,
      ListedFile,
    ];
    const scratch = await mkdtemp(join(tmpdir(), 's3-later-'));
    onTestFinished(() => rm(scratch, { recursive: true }));
    await connector.fetch(first, join(scratch, '0'));
    await bucket.put('later/replaced.txt', Buffer.from('new'));
    await bucket.remove('later/removed.txt');
    await expect(connector.fetch(replaced, join(scratch, '1'))).rejects.toThrow('replaced.txt was replaced');
    await expect(connector.fetch(removed, join(scratch, '2'))).rejects.toThrow('removed.txt was removed');
  });

  it('s3 does not take the marker of an empty folder for a file', async () => {
    for (const key of ['marked/', 'marked/sub/', 'marked/sub/a.txt', 'marked//nameless.txt'])
      await bucket.put(key, Buffer.from(key.endsWith('/') ? '' : 'x'));
    await using connector = await s3.open(options());
    expect(await collect(connector.entries('marked'))).toEqual([{ kind: 'folder', name: 'sub' }]);
    const paths = (await collect(connector.files('marked'))).map(({ path }) => path);
    expect(paths).toEqual(['marked//nameless.txt', 'marked/sub/a.txt']);
  });

  it('s3 leaves out days at the server: no page of days before `from` is asked for', async () => {
    await using connector = await s3.open(options({ prefix: 'pages/' }));
    const old = Array.from(
      { length: 30 },
      (_, n) => `pages/f/dt=2025-01-${String(n + 1).padStart(2, '0')}/a`,
    );
    for (const key of [...old, 'pages/f/dt=2026-01-01/a']) await bucket.put(key, Buffer.from('x'));
    const send = vi.spyOn((await import('@aws-sdk/client-s3')).S3Client.prototype, 'send');
    await collect(connector.files('f', 'dt=2026-01-01'));
    const answers = await Promise.all(send.mock.results.map(({ value }) => value));
    send.mockRestore();
    expect(answers).toMatchObject([{ KeyCount: 1, EncodingType: 'url' }]);
  });

  describe('s3 without keys', () => {
    afterEach(() => vi.unstubAllEnvs());

    it('uses the standard AWS chain', async () => {
      await bucket.put('chain/a.txt', Buffer.from('x'));
      vi.stubEnv('AWS_ACCESS_KEY_ID', server.accessKeyId);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.secretAccessKey);
      await using connector = await s3.open(options({ credentials: undefined }));
      expect(await collect(connector.entries('chain'))).toMatchObject([{ name: 'a.txt' }]);
    });

    it('uses a profile', async () => {
      await bucket.put('profile/a.txt', Buffer.from('x'));
      const folder = await mkdtemp(join(tmpdir(), 'aws-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      const keys = `aws_access_key_id=${server.accessKeyId}\naws_secret_access_key=${server.secretAccessKey}\n`;
      await writeFile(join(folder, 'credentials'), `[exports]\n${keys}`);
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
      vi.stubEnv('AWS_PROFILE', 'exports');
      await using connector = await s3.open(options({ credentials: undefined }));
      expect(await collect(connector.entries('profile'))).toMatchObject([{ name: 'a.txt' }]);
    });
  });
});

const UNCHECKED = 'signatures, If-Match, order and paging of listings, odd keys, broken connections';

if (s3ServerKind === 's3rver') {
  describe(`on s3rver, which leaves unchecked: ${UNCHECKED}`, () => {
    it('s3 lists, fetches and resumes', async () => {
      const content = randomBytes(100_000);
      await bucket.put('smoke/f/version=1/f.jsonl', content);
      await using connector = await s3.open(options({ prefix: 'smoke/' }));
      expect(await collect(connector.entries('f'))).toEqual([{ kind: 'folder', name: 'version=1' }]);
      const [file] = await collect(connector.files(''));
      expect(file).toMatchObject({ path: 'f/version=1/f.jsonl', bytes: 100_000 });
      const scratch = await mkdtemp(join(tmpdir(), 's3-'));
      onTestFinished(() => rm(scratch, { recursive: true }));
      for (const begun of [0, 40_000]) {
        const partial = join(scratch, String(begun));
        await writeFile(partial, content.subarray(0, begun));
        if (file) await connector.fetch(file, partial);
        expect((await readFile(partial)).equals(content)).toBe(true);
      }
    });

    it.skip(
      `is not tested on s3rver: ${UNCHECKED}; install radosgw ceph-mon ceph-osd, or set S3_TEST_ENDPOINT`,
    );
  });
}

describe('the keys of an S3 source', () => {
  const context = { name: 'messaging', directory: '/etc/feeds', company: 'acme', environment: 'prod' };
  const resolve = (input: object, around: object = {}) =>
    s3.resolve(s3.keys.parse(input) as Parameters<typeof s3.resolve>[0], { ...context, ...around });

  it('make the name of the bucket from company, environment and region', () => {
    expect(resolve({})).toEqual({
      bucket: 'asapp-prod-acme-exports-us-east-1',
      region: 'us-east-1',
      prefix: '',
      endpoint: undefined,
      credentials: undefined,
    });
    expect(resolve({ region: 'eu-west-1' })).toMatchObject({ bucket: 'asapp-prod-acme-exports-eu-west-1' });
    expect(resolve({ bucket: 'mine' }, { company: undefined })).toMatchObject({ bucket: 'mine' });
  });

  it('say what is missing for the name of the bucket', () => {
    expect(resolve({}, { company: undefined, environment: undefined })).toEqual({
      problems: [
        {
          key: 'bucket',
          message:
            'is left out, and cannot be made from company, environment and region without company and environment',
        },
      ],
    });
    expect(resolve({}, { environment: undefined })).toMatchObject({
      problems: [{ key: 'bucket', message: expect.stringMatching(/without environment$/) }],
    });
    expect(resolve({}, { company: 'Acme Corp' })).toMatchObject({
      problems: [
        { key: 'bucket', message: expect.stringContaining('"asapp-prod-Acme Corp-exports-us-east-1"') },
      ],
    });
  });

  it('must hold both the ID and the secret, or neither', () => {
    expect(resolve({ access_key_id: 'A' })).toMatchObject({ problems: [{ key: 'secret_access_key' }] });
    expect(resolve({ secret_access_key: 'S' })).toMatchObject({ problems: [{ key: 'access_key_id' }] });
    expect(resolve({ access_key_id: 'A', secret_access_key: 'S' })).toMatchObject({
      credentials: { accessKeyId: 'A', secretAccessKey: 'S' },
    });
  });

  it.each([
    ['', ''],
    ['/', ''],
    ['feeds', 'feeds/'],
    ['/a/b/', 'a/b/'],
  ])('turn the prefix %j into %j', (prefix, folder) => {
    expect(resolve({ prefix })).toMatchObject({ prefix: folder });
  });

  it('allow only a URL as endpoint', () => {
    expect(s3.keys.safeParse({ endpoint: 'http://127.0.0.1:9000' }).success).toBe(true);
    expect(s3.keys.safeParse({ endpoint: 'localhost:9000' }).success).toBe(false);
    expect(s3.keys.safeParse({ endpoint: 'ftp://x' }).success).toBe(false);
  });
});
