import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ListedFile } from '../../src/connectors/connector.ts';
import type { Clock } from '../../src/connectors/file-exporter/clock.ts';
import { FileExporter, health } from '../../src/connectors/file-exporter/connector.ts';
import { FileError, SourceError } from '../../src/errors.ts';
import { startFileExporter } from '../support/file-exporter-server.ts';
import type { FileExporterServer, Mishap } from '../support/file-exporter-state.ts';
import { freePort } from '../support/ports.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { collect, exists, rejection } from './contract.ts';

/** A clock on which every wait is over at once, and is remembered. */
class JumpingClock implements Clock {
  #time = Date.now();
  readonly waits: number[] = [];

  now(): number {
    return this.#time;
  }

  async sleep(ms: number): Promise<void> {
    this.waits.push(ms);
    this.#time += ms;
  }
}

const PATH = 'utterances/version=1/format=jsonl/dt=2022-06-27/hr=07/utterances.jsonl';

let server: FileExporterServer;
let proxy: FaultProxy;
let clock: JumpingClock;
let connector: FileExporter;
let scratch: string;
let partial: string;

beforeEach(async () => {
  server = await startFileExporter();
  proxy = await startProxy(server.port);
  clock = new JumpingClock();
  connector = connect();
  scratch = await mkdtemp(join(tmpdir(), 'file-exporter-'));
  partial = join(scratch, 'partial');
});

afterEach(async () => {
  await connector[Symbol.asyncDispose]();
  await proxy.close();
  await server.stop();
  expect(server.complaints).toEqual([]);
  await rm(scratch, { recursive: true, force: true });
});

function options(baseUrl = server.url) {
  return { baseUrl, apiId: server.apiId, apiSecret: server.apiSecret, requestsPerSecond: Infinity };
}

function connect(baseUrl = server.url): FileExporter {
  const timeouts = { silenceMs: 600, answerMs: 5000 };
  return new FileExporter(options(baseUrl), { ca: server.certificate, clock, timeouts });
}

/** Stores a file and lists it; from then on links lead through the proxy. */
async function put(bytes: Uint8Array, headers?: Record<string, string>): Promise<ListedFile> {
  server.put(PATH, bytes, headers);
  const [file] = await collect(connector.files('utterances'));
  server.seen.length = 0;
  server.linkOrigin = `https://127.0.0.1:${proxy.port}`;
  return file as ListedFile;
}

function times(count: number, mishap: Mishap): Mishap[] {
  return Array.from({ length: count }, () => mishap);
}

/** What the storage was asked for, in order: the range and the version. */
function ranges(): (string | undefined)[] {
  return server.seen.filter(({ path }) => path.startsWith('/storage/')).map(({ headers }) => headers.range);
}

describe('a failure that may pass by itself', () => {
  it.each([
    ['429', [429, 429, 429], [1000, 2000, 4000]],
    ['500', [500, 500, 500], [250, 500, 1000]],
    ['503', [503, 502, 504], [250, 500, 1000]],
    ['both', [429, 500, 429, 503], [1000, 250, 2000, 500]],
  ])('is tried again after the waits that the vendor asks for: %s', async (_, statuses, waits) => {
    server.put(PATH, Buffer.from('{}'));
    server.fail(...statuses.map((status) => ({ path: /listfeeds/, status })));
    expect(await collect(connector.entries(''))).toEqual([{ kind: 'folder', name: 'utterances' }]);
    expect(clock.waits).toEqual(waits);
  });

  it.each([429, 500, 503])('is given up after three further tries: %d', async (status) => {
    server.fail(...times(9, { path: /listfeeds/, status }));
    const error = await rejection(collect(connector.entries('')));
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ retryable: true, message: expect.stringContaining(`answered ${status}`) });
    expect(server.seen.length).toBe(4);
  });

  it.each([
    ['seconds', () => ({ 'retry-after': '3' }), 3000],
    ['seconds beyond all patience', () => ({ 'retry-after': '86400' }), 60_000],
    ['no wait', () => ({ 'retry-after': '0' }), 0],
    [
      'a date',
      () => ({ date: 'Sat, 01 Jan 2022 00:00:00 GMT', 'retry-after': 'Sat, 01 Jan 2022 00:00:07 GMT' }),
      7000,
    ],
    ['a date that has been', () => ({ 'retry-after': 'Sat, 01 Jan 2022 00:00:00 GMT' }), 0],
    ['something else', () => ({ 'retry-after': 'soon' }), 1000],
  ])('is tried again after what Retry-After says: %s', async (_, headers, wait) => {
    server.fail({ path: /listfeeds/, status: 429, headers: headers() });
    await collect(connector.entries(''));
    expect(clock.waits).toEqual([wait]);
  });

  it('is also a server that cannot be reached', async () => {
    await using lost = connect(`https://127.0.0.1:${await freePort()}`);
    const error = await rejection(collect(lost.entries('')));
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ retryable: true, message: expect.stringContaining('ECONNREFUSED') });
    expect(clock.waits).toEqual([250, 500, 1000]);
  });

  it('is also a server that falls silent', async () => {
    server.put(PATH, Buffer.from('{}'));
    await using slow = connect(`https://127.0.0.1:${proxy.port}`);
    proxy.fail({ stallAfter: 0 }, { stallAfter: 400 });
    expect(await collect(slow.entries(''))).toEqual([{ kind: 'folder', name: 'utterances' }]);
    expect(clock.waits).toEqual([250, 500]);
  });
});

describe('a failure that does not pass by itself', () => {
  it.each([400, 401, 403, 409, 413, 422])(
    'is not tried again, and is reported in the words of the API: %d',
    async (status) => {
      const body = JSON.stringify({
        error: { requestId: '8e03-1a', code: `${status}-07`, message: 'Not like this' },
      });
      server.fail({ path: /listfeedversions/, status, body });
      const error = await rejection(collect(connector.files('utterances')));
      expect(error).toBeInstanceOf(SourceError);
      expect((error as SourceError).message).toBe(
        `POST ${server.url}/fileexporter/v1/static/listfeedversions for utterances answered ${status}: Not like this (code ${status}-07, request 8e03-1a)`,
      );
      expect((error as SourceError).retryable).toBe(false);
      expect(server.seen.length).toBe(1);
      expect(clock.waits).toEqual([]);
    },
  );

  it('comes with what to do when credentials are refused', async () => {
    await using stranger = new FileExporter({ ...options(), apiSecret: 'wrong' }, { ca: server.certificate });
    expect(await rejection(collect(stranger.entries('')))).toMatchObject({
      message: expect.stringContaining('401: Unauthorized'),
      hint: expect.stringContaining('api_id and api_secret'),
    });
    server.fail({ path: /listfeeds/, status: 403 });
    expect(await rejection(collect(connector.entries('')))).toMatchObject({
      message: expect.stringContaining('403: Forbidden Response'),
      hint: expect.stringContaining('Ask ASAPP'),
    });
  });

  it('is a certificate that is not trusted, whatever the environment says', async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await using trusting = new FileExporter(options(), { clock });
      expect(await rejection(collect(trusting.entries('')))).toMatchObject({
        code: 'source',
        retryable: false,
        message: expect.stringContaining('not trusted'),
        hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
      });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    expect(server.seen).toEqual([]);
    expect(clock.waits).toEqual([]);
  });

  it('is a redirect, which our secrets do not follow', async () => {
    server.fail({ path: /listfeeds/, status: 307, headers: { location: `${server.url}/elsewhere` } });
    expect(await rejection(collect(connector.entries('')))).toMatchObject({
      message: expect.stringContaining('answered 307'),
    });
    expect(server.seen.length).toBe(1);
  });

  it.each([
    ['over http', (link: string) => link.replace(/^.*?:\d+/, 'http://storage.example')],
    ['of another kind', () => 'ftp://storage.example/file'],
    ['that are no text', () => 42],
    ['that are left out', () => undefined],
    ['that are nonsense', () => 'https://['],
  ])('is what links %s lead to', async (_, write) => {
    const file = await put(Buffer.from('{}'));
    server.writeLink = write;
    const error = await rejection(connector.fetch(file, partial));
    expect(error).toBeInstanceOf(SourceError);
    expect((error as SourceError).message).toContain('no https link');
    expect(ranges()).toEqual([]);
  });
});

describe('links', () => {
  it('may be written without https:// in front', async () => {
    const file = await put(Buffer.from('{}'));
    server.writeLink = (link) => link.replace('https://', '');
    await connector.fetch(file, partial);
    expect(await readFile(partial, 'utf8')).toBe('{}');
  });

  it('are asked for anew when they are too old', async () => {
    const file = await put(Buffer.from('{}'));
    server.staleLinks = 3;
    await connector.fetch(file, partial);
    expect(await readFile(partial, 'utf8')).toBe('{}');
    server.staleLinks = 1;
    expect(await collect(connector.files('utterances'))).toEqual([file]);
    expect(clock.waits).toEqual([]);
  });

  it('are asked for anew, too, when the credentials behind them have expired', async () => {
    const file = await put(Buffer.from('{}'));
    server.fail({ path: /^\/storage/, status: 400, body: '<Error><Code>ExpiredToken</Code></Error>' });
    await connector.fetch(file, partial);
    expect(await exists(partial)).toBe(true);
  });

  it('are asked for a limited number of times', async () => {
    const file = await put(Buffer.from('{"a":1}'));
    await writeFile(partial, '{"a"');
    server.staleLinks = Infinity;
    const error = await rejection(connector.fetch(file, partial));
    expect(error).toBeInstanceOf(SourceError);
    expect((error as SourceError).message).toContain(`answered 403 AccessDenied for ${PATH}`);
    expect(server.seen.filter(({ path }) => path.endsWith('getfeedfile')).length).toBe(4);
    expect(await readFile(partial, 'utf8')).toBe('{"a"');
  });

  it('are used for one try each', async () => {
    const file = await put(Buffer.from('{}'));
    server.links.length = 0;
    server.fail({ path: /^\/storage/, status: 503 }, { path: /^\/storage/, status: 503 });
    await connector.fetch(file, partial);
    expect(server.links.length).toBe(3);
    expect(clock.waits).toEqual([250, 500]);
  });
});

describe('a transfer', () => {
  it('goes on where it broke off, with the same version of the file', async () => {
    const content = randomBytes(5_000_000);
    const file = await put(content);
    proxy.fail({ cutAfter: 2_000_000 }, { cutAfter: 1_500_000 });
    let arrived = 0;
    await connector.fetch(file, partial, {
      onBytes: (count) => {
        arrived += count;
      },
    });
    expect((await readFile(partial)).equals(content)).toBe(true);
    expect(arrived).toBe(content.length);
    const starts = ranges().map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]));
    expect(starts.length).toBe(3);
    expect(starts[0]).toBe(0);
    // All that came was kept, but for what the broken TLS record held.
    expect(starts[1]).toBeGreaterThan(1_900_000);
    expect(starts[2]).toBeGreaterThan(3_300_000);
    for (const { path, headers } of server.seen)
      if (path.startsWith('/storage/')) expect(headers['if-match']).toBe(`"${file.etag}"`);
    // Each try brought something, so each failure counts as the first.
    expect(clock.waits).toEqual([250, 250]);
  });

  it('goes on when the bytes stop coming', async () => {
    const content = randomBytes(1_000_000);
    const file = await put(content);
    proxy.fail({ stallAfter: 600_000 });
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    expect(ranges().length).toBe(2);
  });

  it('takes nothing from a connection whose bytes were changed on the way', async () => {
    const content = randomBytes(1_000_000);
    const file = await put(content);
    proxy.fail({ corruptAt: 500_000 });
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    expect(ranges().length).toBe(2);
  });

  it('is given up when nothing comes any more, but keeps what came', async () => {
    const content = randomBytes(1_000_000);
    const file = await put(content);
    proxy.fail({ cutAfter: 600_000 }, { refuse: true }, { refuse: true }, { refuse: true });
    const error = await rejection(connector.fetch(file, partial));
    expect(error).toBeInstanceOf(SourceError);
    expect(clock.waits).toEqual([250, 500, 1000]);
    const kept = await readFile(partial);
    expect(kept.length).toBeGreaterThan(500_000);
    expect(kept.equals(content.subarray(0, kept.length))).toBe(true);
  });

  it.each([true, false])('starts over where the storage knows no ranges; lengths: %s', async (hasLengths) => {
    const content = randomBytes(10_000);
    const file = await put(content);
    server.hasRanges = false;
    server.hasLengths = hasLengths;
    await writeFile(partial, content.subarray(0, 4000));
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    await rm(partial);
    for (const bytes of [9999, 10_001])
      expect(await rejection(connector.fetch({ ...file, bytes }, partial))).toBeInstanceOf(FileError);
  });

  it('brings the bytes as they are stored, though the storage says they are encoded', async () => {
    const file = await put(gzipSync('{"a":1}\n'), { 'content-encoding': 'gzip' });
    await connector.fetch(file, partial);
    expect(gunzipSync(await readFile(partial)).toString()).toBe('{"a":1}\n');
  });

  it('goes on from a long beginning, but is refused when a byte of that is wrong', async () => {
    const content = randomBytes(4_000_000);
    const file = await put(content);
    const beginning = Buffer.from(content.subarray(0, 2_500_001));
    await writeFile(partial, beginning);
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    expect(ranges()).toEqual(['bytes=2500001-']);
    beginning[1_200_000] = 255 - (beginning[1_200_000] as number);
    await writeFile(partial, beginning);
    expect(await rejection(connector.fetch(file, partial))).toBeInstanceOf(FileError);
    expect(await exists(partial)).toBe(false);
  });

  it('is thrown away when its MD5 does not fit', async () => {
    const content = randomBytes(10_000);
    const file = await put(content);
    await writeFile(partial, randomBytes(4000));
    const error = await rejection(connector.fetch(file, partial));
    expect(error).toBeInstanceOf(FileError);
    expect((error as FileError).message).toContain('MD5');
    expect(await exists(partial)).toBe(false);
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
  });

  it('asks whether the file is still the one that was listed, though all of it is there already', async () => {
    const content = randomBytes(100_000);
    const file = await put(content);
    for (const hasRanges of [true, false]) {
      server.hasRanges = hasRanges;
      await writeFile(partial, content);
      await connector.fetch(file, partial, { onBytes: () => expect.fail('nothing was to come') });
    }
    await put(randomBytes(100_000));
    expect(await rejection(connector.fetch(file, partial))).toBeInstanceOf(FileError);
    expect(ranges()).toEqual(['bytes=99999-']);
    expect(await exists(partial)).toBe(false);
  });

  it('is not compared with an ETag that is no MD5', async () => {
    const etag = `"${createHash('md5').update('another').digest('hex')}"`;
    const others: Record<string, string>[] = [
      { etag, 'x-amz-server-side-encryption': 'aws:kms' },
      { etag, 'x-amz-server-side-encryption-customer-algorithm': 'AES256' },
      { etag: '"0123456789abcdef0123456789abcdef-2"' },
    ];
    for (const headers of others) {
      await connector.fetch(await put(Buffer.from('{}'), headers), partial);
      await rm(partial);
    }
    const plain = await put(Buffer.from('{}'), { etag, 'x-amz-server-side-encryption': 'AES256' });
    expect(await rejection(connector.fetch(plain, partial))).toBeInstanceOf(FileError);
  });

  it.each([
    ['a weak ETag', { etag: 'W/"1"' }, { etag: 'W/"2"' }],
    [
      'a time',
      { etag: '', 'last-modified': 'Sat, 01 Jan 2022 00:00:00 GMT' },
      { etag: '', 'last-modified': 'Sun, 02 Jan 2022 00:00:00 GMT' },
    ],
  ])('is refused when the file was replaced since it was listed, as %s shows', async (_, before, after) => {
    const file = await put(Buffer.from('{"a":1}'), before);
    await connector.fetch(file, partial);
    expect(await readFile(partial, 'utf8')).toBe('{"a":1}');
    server.put(PATH, Buffer.from('{"a":2}'), after);
    expect(await rejection(connector.fetch(file, partial))).toBeInstanceOf(FileError);
  });
});

describe('the health of File Exporter', () => {
  const ask = () => health(options(), { ca: server.certificate, clock });

  it('is what the API says of itself', async () => {
    expect(await ask()).toEqual({ state: 'success', detail: 'SUCCESS' });
    server.health = 'FAILED';
    expect(await ask()).toEqual({ state: 'failed', detail: 'FAILED' });
    expect(server.seen).toMatchObject([{ method: 'GET', path: '/v1/health' }, { method: 'GET' }]);
  });

  it('may be refused to the credentials, which is no failure', async () => {
    server.fail({ path: /health/, status: 403 });
    expect(await ask()).toMatchObject({ state: 'refused', detail: expect.stringContaining('403-01') });
    server.fail({ path: /health/, status: 401 });
    expect(await rejection(ask())).toBeInstanceOf(SourceError);
  });
});

it('File Exporter shows neither secrets nor links in any error', async () => {
  const file = await put(randomBytes(100_000));
  const echo = (status: number) => {
    const [link] = server.links;
    const message = `${server.apiId}:${server.apiSecret} may not\nopen ${link}`;
    return JSON.stringify({ error: { requestId: server.apiSecret, code: `${status}`, message } });
  };
  const errors: unknown[] = [];
  for (const status of [400, 401, 403, 422]) {
    server.fail({ path: /getfeedfile/, status, body: echo(status) });
    errors.push(await rejection(connector.fetch(file, partial)));
  }
  for (const status of [301, 400, 403, 405, 500]) {
    server.fail(
      ...times(4, { path: /^\/storage/, status, body: `<Error><Code>No</Code>${server.links}</Error>` }),
    );
    errors.push(await rejection(connector.fetch(file, partial)));
  }
  proxy.fail({ cutAfter: 50_000 }, { refuse: true }, { refuse: true }, { cutAfter: 10 });
  errors.push(await rejection(connector.fetch(file, partial)));
  server.writeLink = (link) => link.replace('https', 'gopher');
  errors.push(await rejection(connector.fetch(file, partial)));
  server.writeLink = (link) => link.replace(/127\S+?\//, '[$&');
  errors.push(await rejection(connector.fetch(file, partial)));
  server.writeLink = (link) => link.replace('127.0.0.1', 'storage.invalid');
  errors.push(await rejection(connector.fetch(file, partial)));
  await using untrusting = new FileExporter(options(), { clock });
  errors.push(await rejection(untrusting.fetch(file, partial)));

  const signatures = server.links.map((link) => new URL(link).searchParams.get('X-Amz-Signature') as string);
  expect(signatures.length).toBeGreaterThan(10);
  for (const error of errors) {
    expect(error).toBeInstanceOf(SourceError);
    const shown = inspect(error, { depth: 20, showHidden: true, maxStringLength: null });
    for (const secret of [server.apiId, server.apiSecret, 'X-Amz-Signature', ...signatures])
      expect(shown).not.toContain(secret);
  }
});
