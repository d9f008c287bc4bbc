import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Connector, ListedFile } from '../../../src/connectors/connector.ts';
import { openBucket } from '../../../src/connectors/s3/bucket.ts';
import { s3 } from '../../../src/connectors/s3.ts';
import { SourceError } from '../../../src/errors.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../src/limits.ts';
import { selfSigned } from '../../support/certificate.ts';
import { listing, oddServer } from '../../support/s3-answers.ts';

const PATIENCE = { connectMs: 1000, stallMs: 2000, attempts: 2, backoffMs: 10 };

function bucketAt(
  endpoint: string,
  { signal, limits = {} }: { signal?: AbortSignal; limits?: Partial<Limits> } = {},
): Connector {
  const credentials = { accessKeyId: 'key-id', secretAccessKey: 'secret' };
  return openBucket(
    { bucket: 'b', region: 'us-east-1', prefix: '', endpoint, credentials },
    { signal, limits: { ...DEFAULT_LIMITS, ...limits } },
    PATIENCE,
  );
}

async function filesOf(connector: Connector): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  for await (const file of connector.files('')) files.push(file);
  return files;
}

const paths = async (connector: Connector) => (await filesOf(connector)).map(({ path }) => path);

describe('a listing that goes over several pages', () => {
  /** Six files in three pages; `tokens` are what the pages say comes next. */
  const pages = (tokens: readonly (string | undefined)[]) => (question: URL) => {
    const number = Number(question.searchParams.get('continuation-token')?.replace(/\D/g, '') ?? 0);
    const keys = [2 * number, 2 * number + 1].map((file) => `f/${file}`);
    const token = tokens[number];
    return listing({ keys, truncated: number < 2, ...(token !== undefined && { token }) });
  };

  it('is read to its end', async () => {
    await using server = await oddServer(pages(['t1', 't2']));
    expect(await paths(bucketAt(server.url))).toEqual(['f/0', 'f/1', 'f/2', 'f/3', 'f/4', 'f/5']);
  });

  it.each([
    ['has no token for the next', [undefined], /there is more, and not how to ask for it/],
    ['has an empty token', ['t1', ''], /there is more, and not how to ask for it/],
    ['has the same token for ever', ['t0', 't0', 't0'], /again and again that the same page comes next/],
    ['goes round in a circle', ['t1', 't0'], /again and again that the same page comes next/],
  ])('is refused when a page %s', async (_, tokens, problem) => {
    await using server = await oddServer(pages(tokens));
    const error = await filesOf(bucketAt(server.url)).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(SourceError);
    expect((error as Error).message).toMatch(problem);
    expect(server.asked.length).toBeLessThan(6);
  });

  it('is given up at a limit, which is named', async () => {
    let page = 0;
    await using server = await oddServer(() => listing({ truncated: true, token: `t${++page}` }));
    await expect(filesOf(bucketAt(server.url, { limits: { listing_pages: 5 } }))).rejects.toThrow(
      /does not end within limits.listing_pages \(5\) pages/,
    );
    expect(server.asked).toHaveLength(5);
  });

  it('ends at once at a signal: between two pages, and when a page does not come', async () => {
    for (const last of [1, 0]) {
      const stop = new AbortController();
      let page = 0;
      await using server = await oddServer(() => {
        page += 1;
        if (page === 3) stop.abort(new Error('stopped'));
        return page === 3 && last === 0 ? undefined : listing({ truncated: true, token: `t${page}` });
      });
      const started = Date.now();
      await expect(filesOf(bucketAt(server.url, { signal: stop.signal }))).rejects.toThrow('stopped');
      expect(Date.now() - started).toBeLessThan(1500);
      expect(server.asked).toHaveLength(3);
    }
  });
});

describe('an answer to a listing', () => {
  it.each([
    ['the page of a console', '<html><head><title>Console</title></head><body>Welcome</body></html>'],
    ['a page that is no XML', '<!DOCTYPE html><html><head><meta charset="utf-8"><p>Hi<br></html>'],
    ['nothing', ''],
    ['JSON', '{"buckets": []}'],
    ['another answer of S3', '<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>'],
    [
      'a listing that does not say whether it ends',
      listing({}).replace(/<IsTruncated>.*<\/IsTruncated>/, ''),
    ],
  ])('is refused, and not taken for an empty listing, when it is %s', async (_, body) => {
    await using server = await oddServer(() => body);
    const error = await filesOf(bucketAt(server.url)).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(SourceError);
    expect((error as SourceError).message).toMatch(/^cannot list s3:\/\/b\/: /);
    expect((error as SourceError).hint).toMatch(/endpoint/);
  });

  it('is an empty listing when it says so', async () => {
    await using server = await oddServer(() => listing({}));
    expect(await filesOf(bucketAt(server.url))).toEqual([]);
  });

  it('is refused when it lists something that was not asked for', async () => {
    await using server = await oddServer(() => listing({ keys: ['other/file'] }));
    await expect(async () => {
      for await (const _ of bucketAt(server.url).files('feed'));
    }).rejects.toThrow('the listing of feed/ holds other/file, which was not asked for');
  });

  it('is not read to its end when it is too long', async () => {
    await using server = await oddServer(() => listing({ keys: [`f/${'x'.repeat(100_000)}`] }));
    await expect(filesOf(bucketAt(server.url, { limits: { response_bytes: 50_000 } }))).rejects.toThrow(
      /longer than limits.response_bytes \(50000B\)$/,
    );
  });
});

it('one odd file in a listing does not keep the others out', async () => {
  const keys = [
    'f/%zz',
    { key: 'f/1', size: 'many' },
    { key: 'f/3', size: '-1' },
    { key: 'f/4', size: '1.5' },
    'f/a%20b',
  ];
  await using server = await oddServer(() => listing({ keys, folders: ['%zz/', 'f/'] }));
  const files = await filesOf(bucketAt(server.url));
  expect(files.map(({ path, problem }) => [path, problem])).toEqual([
    ['f/%zz', 'it is listed without a key that can be decoded'],
    ...[1, 3, 4].map((file) => [`f/${file}`, 'it is listed without a size']),
    ['f/a b', undefined],
  ]);
  expect(files.every(({ bytes }) => Number.isSafeInteger(bytes))).toBe(true);
});

describe('a file that is not the first one', () => {
  it.each([
    ['the server is overloaded', { status: 503, body: 'busy' }, undefined],
    ['the server has another version', { status: 412, body: '' }, 'f/2 was replaced since it was listed'],
    ['the server no longer has it', { status: 404, body: '' }, 'f/2 was removed since it was listed'],
    ['the answer has another length', 'short', 'f/2 was replaced since it was listed'],
  ])('is asked for as the first one was when %s', async (_, answer, refused) => {
    const text = 'fourteen bytes';
    let failures = 0;
    await using server = await oddServer(({ pathname, searchParams }) => {
      if (searchParams.has('list-type')) return listing({ keys: ['f/1', 'f/2'] });
      const isOdd = pathname === '/b/f/2' && (refused !== undefined || failures++ === 0);
      return isOdd ? answer : text;
    });
    await using connector = bucketAt(server.url);
    const [first, second] = (await filesOf(connector)) as [ListedFile, ListedFile];
    const folder = await mkdtemp(join(tmpdir(), 's3-second-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await connector.fetch(first, join(folder, '1'));
    const fetching = connector.fetch(second, join(folder, '2'));
    if (refused !== undefined) return await expect(fetching).rejects.toThrow(refused);
    await fetching;
    expect(await readFile(join(folder, '2'), 'utf8')).toBe(text);
  });
});

describe('the connection', () => {
  it('is over TLS that is checked, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async () => {
    const { key, certificate } = await selfSigned();
    const server = createServer({ key, cert: certificate }, (_, answer) => void answer.end(listing({})));
    await new Promise<void>((resolve) => server.listen(0, resolve));
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    try {
      const { port } = server.address() as AddressInfo;
      await expect(filesOf(bucketAt(`https://127.0.0.1:${port}`))).rejects.toThrow(/no secure connection/);
    } finally {
      vi.unstubAllEnvs();
      server.close();
    }
  });

  it.each([
    ['http://minio.internal:9000', 1],
    ['http://10.0.0.7:9000', 1],
    ['http://127.0.0.1:9000', 0],
    ['http://localhost:9000', 0],
    ['https://minio.internal:9000', 0],
    [undefined, 0],
  ])('comes with a warning only where others can read it: %s', (endpoint, warnings) => {
    const options = { bucket: 'b', region: 'us-east-1', prefix: '', endpoint, credentials: undefined };
    expect(s3.warnings?.(options)).toHaveLength(warnings);
  });
});
