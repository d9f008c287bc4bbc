import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Crc64Nvme } from '@aws-sdk/checksums/crc';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Connector, ListedFile } from '../../../src/connectors/connector.ts';
import { openBucket } from '../../../src/connectors/s3/bucket.ts';
import type { S3Options } from '../../../src/connectors/s3/options.ts';
import { FileError, SourceError } from '../../../src/errors.ts';
import { freePort } from '../../support/ports.ts';
import { type FaultProxy, startProxy } from '../../support/proxy.ts';
import { type Bucket, type S3Server, s3ServerKind, startS3 } from '../../support/s3-server.ts';
import { collect, exists, rejection } from '../contract.ts';

/** A user's patience, only shorter. */
const patience = { connectMs: 1000, stallMs: 600, attempts: 3, backoffMs: 10 };

/** More than what the headers of an answer take, and what is lost between two sockets when a connection breaks. */
const SLACK = 150_000;

/** A fifth of the file that the tests fetch, in bytes. */
const FIFTH = 400_000;

let server: S3Server;
let bucket: Bucket;
let proxy: FaultProxy;

const options = (more: Partial<S3Options> = {}): S3Options => {
  const { accessKeyId, secretAccessKey, region, endpoint } = server;
  const credentials = { accessKeyId, secretAccessKey };
  return { bucket: bucket.name, region, prefix: '', endpoint, credentials, ...more };
};

describe.skipIf(s3ServerKind !== 'rgw')('s3', () => {
  beforeAll(async () => {
    server = await startS3();
    bucket = await server.createBucket(`faults-${randomUUID()}`);
    return () => server.stop();
  }, 60_000);

  beforeEach(async () => {
    proxy = await startProxy(Number(new URL(server.endpoint).port));
    return () => proxy.close();
  });

  describe('over a bad network', badNetwork);
  describe('says what is wrong and what to do about', clearErrors);
});

function badNetwork() {
  let scratch: string;
  let content: Buffer;
  let file: ListedFile;
  let partial: string;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 's3-faults-'));
    return () => rm(scratch, { recursive: true });
  });

  beforeEach(async () => {
    content = randomBytes(5 * FIFTH);
    const key = `${randomUUID()}.jsonl`;
    await bucket.put(key, content);
    partial = join(scratch, key);
    file = await listed(key);
  });

  /** A connector with no connection open yet: each that it opens goes through the proxy. */
  const throughProxy = (more: Partial<S3Options> = {}): Connector =>
    openBucket(options({ endpoint: `http://127.0.0.1:${proxy.port}`, ...more }), {}, patience);

  async function listed(key: string): Promise<ListedFile> {
    await using direct = openBucket(options());
    const found = (await collect(direct.files(''))).find(({ path }) => path === key);
    if (!found) throw new Error(`${key} is not listed`);
    return found;
  }

  const total = () => proxy.received.reduce((sum, bytes) => sum + bytes, 0);

  it('goes on where a connection broke, without asking again for what came', async () => {
    proxy.fail({ cutAfter: 2 * FIFTH });
    await using connector = throughProxy();
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    expect(proxy.received.length).toBe(2);
    expect(total()).toBeLessThan(5 * FIFTH + SLACK);
  });

  it('outlasts more breaks than it has tries, as long as bytes come', async () => {
    proxy.fail(...Array.from({ length: 4 }, () => ({ cutAfter: FIFTH })));
    await using connector = throughProxy();
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    expect(proxy.received.length).toBe(5);
    expect(total()).toBeLessThan(5 * FIFTH + 4 * SLACK);
  });

  it('gives up when nothing more comes, keeps what came, and goes on from there in the next run', async () => {
    proxy.fail({ cutAfter: 2 * FIFTH }, ...Array.from({ length: 20 }, () => ({ refuse: true })));
    await using connector = throughProxy();
    const failed = await rejection(connector.fetch(file, partial));
    expect(failed).toBeInstanceOf(SourceError);
    expect(failed).toMatchObject({ retryable: true, message: expect.stringContaining(file.path) });
    const kept = (await stat(partial)).size;
    expect(kept).toBeGreaterThan(FIFTH);
    const before = total();

    proxy.fail();
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    expect(total() - before).toBeLessThan(5 * FIFTH - kept + SLACK);
  });

  it('tries again when the server is overloaded', async () => {
    const busy = { reply: answer('503 Slow Down', 'SlowDown', 'Please reduce your request rate.') };
    proxy.fail(busy);
    await using connector = throughProxy();
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    proxy.fail(busy);
    await using lister = throughProxy();
    expect(await collect(lister.entries(''))).toContainEqual(
      expect.objectContaining({ kind: 'file', name: file.path, ...file }),
    );
  });

  it('says so when the server stays overloaded', async () => {
    const busy = { reply: answer('503 Slow Down', 'SlowDown', 'Please reduce your request rate.') };
    proxy.fail(...Array.from({ length: 20 }, () => busy));
    await using connector = throughProxy();
    const failed = await rejection(collect(connector.entries('')));
    expect(failed).toBeInstanceOf(SourceError);
    expect(failed).toMatchObject({ retryable: true, message: expect.stringContaining('Please reduce') });
    expect(proxy.received.length).toBe(patience.attempts);
  });

  it('notices a server that falls silent in the middle of a file', async () => {
    proxy.fail({ stallAfter: 2 * FIFTH });
    await using connector = throughProxy();
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    expect(total()).toBeLessThan(5 * FIFTH + SLACK);
  });

  it('notices a server that says nothing at all', async () => {
    const silent = Array.from({ length: 20 }, () => ({ stallAfter: 0 }));
    proxy.fail(...silent);
    await using connector = throughProxy();
    const started = Date.now();
    for (const failed of await Promise.all([
      rejection(connector.fetch(file, partial)),
      rejection(collect(connector.files(''))),
    ])) {
      expect(failed).toBeInstanceOf(SourceError);
      expect((failed as SourceError).retryable).toBe(true);
    }
    expect(Date.now() - started).toBeLessThan(patience.attempts * (patience.stallMs + 500));
  });

  it('stops at a signal while the server is silent', async () => {
    proxy.fail({ stallAfter: 2 * FIFTH });
    await using connector = throughProxy();
    const stop = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => stop.abort(reason), 150);
    const started = Date.now();
    expect(await rejection(connector.fetch(file, partial, { signal: stop.signal }))).toBe(reason);
    expect(Date.now() - started).toBeLessThan(patience.stallMs);
  });

  it('goes on with a server that is slow, but not silent', async () => {
    proxy.fail({ rate: 6 * FIFTH });
    await using connector = throughProxy();
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    expect(proxy.received.length).toBe(1);
  });

  it('finds a byte that changed on the way', async () => {
    proxy.fail({ corruptAt: 3 * FIFTH });
    await using connector = throughProxy();
    const failed = await rejection(connector.fetch(file, partial));
    expect(failed).toBeInstanceOf(FileError);
    expect((failed as FileError).message).toMatch(/damaged.*MD5/);
    expect(await exists(partial)).toBe(false);
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
  });

  it('finds a byte that changed on the way of a file that is not the first one', async () => {
    // Both come over one connection.
    proxy.fail({ corruptAt: 8 * FIFTH });
    await using connector = throughProxy();
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
    const again = `${partial}.again`;
    const failed = await rejection(connector.fetch(file, again));
    expect((failed as FileError).message).toMatch(/damaged.*MD5/);
    expect(await exists(again)).toBe(false);
    expect(proxy.received.length).toBe(1);
    await connector.fetch(file, again);
    expect((await readFile(again)).equals(content)).toBe(true);
  });

  it('finds a beginning that is not of this file', async () => {
    await writeFile(partial, randomBytes(FIFTH));
    await using connector = throughProxy();
    const failed = await rejection(connector.fetch(file, partial));
    expect(failed).toBeInstanceOf(FileError);
    expect(await exists(partial)).toBe(false);
    await writeFile(partial, randomBytes(file.bytes));
    expect(await rejection(connector.fetch(file, partial))).toBeInstanceOf(FileError);
    expect(await exists(partial)).toBe(false);
  });

  it('does not mix two versions of a file that is replaced during the fetch', async () => {
    // Slow enough for the replacement to be there before the cut.
    proxy.fail({ rate: 3 * FIFTH, cutAfter: 2 * FIFTH });
    await using connector = throughProxy();
    let replaced: Promise<void> | undefined;
    const failed = await rejection(
      connector.fetch(file, partial, {
        onBytes: () => {
          replaced ??= bucket.put(file.path, randomBytes(5 * FIFTH));
        },
      }),
    );
    await replaced;
    expect(failed).toBeInstanceOf(FileError);
    expect((failed as FileError).message).toContain('was replaced');
    expect(proxy.received.length).toBe(2);
    expect(proxy.received[1]).toBeLessThan(5_000);
    expect(await exists(partial)).toBe(false);
  });

  it('lists everything over a connection that breaks', async () => {
    const keys = Array.from({ length: 30 }, (_, n) => `breaks/${n + 10}.jsonl`);
    for (const key of keys) await bucket.put(key, Buffer.from('{}'));
    proxy.fail({ cutAfter: 2000 }, { refuse: true });
    await using connector = throughProxy();
    expect((await collect(connector.files('breaks'))).map(({ path }) => path)).toEqual(keys);
    expect(proxy.received.length).toBe(3);
  });

  describe('a file whose object has no MD5', () => {
    let front: { port: number; checksum: string; close(): Promise<void> };
    let connectorOptions: Partial<S3Options>;

    beforeEach(async () => {
      const key = `${randomUUID()}.jsonl`;
      await uploadInParts(key);
      file = await listed(key);
      expect(file.etag).toMatch(/-1$/);
      front = await startChecksumFront(proxy.port, content);
      connectorOptions = { endpoint: `http://127.0.0.1:${front.port}` };
    });

    afterEach(() => front.close());

    async function uploadInParts(Key: string): Promise<void> {
      const { endpoint, region, accessKeyId, secretAccessKey } = server;
      const client = new S3Client({
        endpoint,
        region,
        forcePathStyle: true,
        credentials: { accessKeyId, secretAccessKey },
        requestChecksumCalculation: 'WHEN_REQUIRED',
      });
      const place = { Bucket: bucket.name, Key };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(place));
      const part = { ...place, UploadId, PartNumber: 1 };
      const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: content }));
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      await client.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload }));
      client.destroy();
    }

    it('is compared with its checksum as it comes', async () => {
      await using connector = throughProxy(connectorOptions);
      await connector.fetch(file, partial);
      expect((await readFile(partial)).equals(content)).toBe(true);
      proxy.fail({ corruptAt: 3 * FIFTH });
      await using again = throughProxy(connectorOptions);
      const other = `${partial}.2`;
      const failed = await rejection(again.fetch(file, other));
      expect(failed).toBeInstanceOf(FileError);
      expect((failed as FileError).message).toContain('damaged');
      expect(await exists(other)).toBe(false);
    });

    it('is compared with its checksum when it came in two pieces', async () => {
      await using connector = throughProxy(connectorOptions);
      await writeFile(partial, content.subarray(0, FIFTH));
      await connector.fetch(file, partial);
      expect((await readFile(partial)).equals(content)).toBe(true);

      await writeFile(partial, randomBytes(FIFTH));
      const failed = await rejection(connector.fetch(file, partial));
      expect(failed).toBeInstanceOf(FileError);
      expect((failed as FileError).message).toMatch(/damaged.*CRC64NVME/);
      expect(await exists(partial)).toBe(false);
    });

    it('arrives also where the server keeps no checksum', async () => {
      proxy.fail({ cutAfter: 2 * FIFTH });
      await using connector = throughProxy();
      await connector.fetch(file, partial);
      expect((await readFile(partial)).equals(content)).toBe(true);
    });
  });
}

function clearErrors() {
  afterEach(() => vi.unstubAllEnvs());

  const SECRET = 'S3CR3T-never-to-be-seen';
  const wrongRegion =
    "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'";

  it.each<[string, () => Partial<S3Options>, RegExp, RegExp]>([
    [
      'a bucket that is not there',
      () => ({ bucket: `nobody-${randomUUID()}` }),
      /no bucket nobody-/,
      /company, environment and region/,
    ],
    [
      'an unknown access key ID',
      () => ({ credentials: { accessKeyId: 'NOBODY', secretAccessKey: SECRET } }),
      /access key ID is not known/,
      /access_key_id/,
    ],
    [
      'a wrong secret',
      () => ({ credentials: { accessKeyId: server.accessKeyId, secretAccessKey: SECRET } }),
      /secret access key does not belong/,
      /secret_access_key/,
    ],
    [
      'no access',
      () => reply('403 Forbidden', 'AccessDenied', 'Access Denied'),
      /access to the bucket .* is denied/,
      /s3:ListBucket and s3:GetObject/,
    ],
    [
      'expired credentials',
      () => reply('400 Bad Request', 'ExpiredToken', 'The provided token has expired.'),
      /have expired/,
      /aws sso login/,
    ],
    [
      'a wrong clock',
      () => reply('403 Forbidden', 'RequestTimeTooSkewed', 'The difference is too large.'),
      /clock is wrong/,
      /NTP/,
    ],
    [
      'a bucket elsewhere',
      () =>
        reply(
          '301 Moved',
          'PermanentRedirect',
          'Use the specified endpoint.',
          'x-amz-bucket-region: eu-west-1\r\n',
        ),
      /not in the region us-east-1/,
      /`region` of this source to eu-west-1/,
    ],
    [
      'a signature for another region',
      () => reply('400 Bad Request', 'AuthorizationHeaderMalformed', wrongRegion),
      /not in the region us-east-1/,
      /`region` of this source to eu-west-1/,
    ],
    [
      'an endpoint that is no S3 server',
      () => {
        proxy.fail({ reply: 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html><br></html>' });
        return { endpoint: `http://127.0.0.1:${proxy.port}` };
      },
      /answers 200, but not as S3 does/,
      /`endpoint`/,
    ],
    [
      'a port where nobody listens',
      () => ({ endpoint: 'http://127.0.0.1:1' }),
      /http:\/\/127.0.0.1:1 refuses the connection/,
      /whether the server is up/,
    ],
    [
      'a name that does not resolve',
      () => ({ endpoint: 'http://nowhere.invalid' }),
      /name of http:\/\/nowhere.invalid does not resolve/,
      /`endpoint`/,
    ],
    [
      'https where the server speaks http',
      () => ({ endpoint: server.endpoint.replace('http:', 'https:') }),
      /no secure connection/,
      /begin `endpoint` with http:/,
    ],
    [
      'no credentials',
      () => {
        for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'])
          vi.stubEnv(name, undefined);
        for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/dev/null');
        vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
        return { credentials: undefined };
      },
      /no AWS credentials/,
      /AWS_PROFILE/,
    ],
  ])('%s', async (_, make, message, hint) => {
    await using connector = openBucket(options(make()), {}, patience);
    const failed = await rejection(collect(connector.files('')));
    expect(failed).toBeInstanceOf(SourceError);
    const { message: said, hint: advised } = failed as SourceError;
    expect(said).toMatch(message);
    expect(said).not.toContain('\n');
    expect(advised).toMatch(hint);
    expect(inspect(failed, { depth: 9 })).not.toContain(SECRET);
    expect(inspect(failed, { depth: 9 })).not.toContain(server.secretAccessKey);
  });

  function reply(...parts: Parameters<typeof answer>): Partial<S3Options> {
    proxy.fail({ reply: answer(...parts) });
    return { endpoint: `http://127.0.0.1:${proxy.port}` };
  }
}

/** An error as S3 words it. */
function answer(status: string, code: string, message: string, headers = ''): string {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return `HTTP/1.1 ${status}\r\n${headers}Content-Type: application/xml\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

/**
 * Passes everything on to `port`, and adds the checksum that AWS keeps for each object and our server does not: where
 * it is asked for, and, as servers that only resemble S3 may, to parts of an object, which it says nothing about.
 */
async function startChecksumFront(port: number, content: Buffer) {
  const crc = new Crc64Nvme();
  crc.update(content);
  const checksum = Buffer.from(await crc.digest()).toString('base64');
  const front = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    incoming.pipe(
      request({ host: '127.0.0.1', port, method, path: url, headers, agent: false }, (answered) => {
        const wanted = headers['x-amz-checksum-mode'] === 'ENABLED' || headers.range !== undefined;
        const added = wanted
          ? { 'x-amz-checksum-crc64nvme': checksum, 'x-amz-checksum-type': 'FULL_OBJECT' }
          : {};
        outgoing.writeHead(answered.statusCode ?? 500, { ...answered.headers, ...added });
        answered.pipe(outgoing);
      }),
    );
  });
  const own = await freePort();
  await new Promise<void>((resolve) => {
    front.listen(own, '127.0.0.1', resolve);
  });
  return {
    port: own,
    checksum,
    close: async () => {
      front.closeAllConnections();
      front.close();
    },
  };
}
