import { randomBytes } from 'node:crypto';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Connector, ListedFile } from '../../src/connectors/connector.ts';
import { openSftp } from '../../src/connectors/sftp.ts';
import { FileError, SourceError } from '../../src/errors.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { attributes, type OddServer, STATUS, serveFolders, startOddServer } from '../support/sftp-server.ts';
import { hasSshd, optionsFor, type Sshd, startSshd } from '../support/sshd.ts';
import { collect, exists, rejection } from './contract.ts';

const patience = { connectMs: 5000, stallMs: 2000, attempts: 3, backoffMs: 1 };
const MB = 1_000_000;

let scratch: string;
let partials = 0;
const partialName = () => join(scratch, `${partials++}.partial`);
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sftp-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe.skipIf(!hasSshd)('sftp over a bad network to OpenSSH', () => {
  const content = randomBytes(10 * MB);
  let sshd: Sshd;
  let proxy: FaultProxy;
  let big: ListedFile;

  beforeAll(async () => {
    sshd = await startSshd();
    await writeFile(join(sshd.data, 'big.jsonl'), content);
    await utimes(join(sshd.data, 'big.jsonl'), 1000, 1000);
    big = { path: 'big.jsonl', bytes: content.length, etag: '1000' };
    for (let folder = 0; folder < 3; folder++) {
      await mkdir(join(sshd.data, `tree/${folder}`), { recursive: true });
      for (let file = 0; file < 300; file++) await writeFile(join(sshd.data, `tree/${folder}/${file}`), '');
    }
  }, 30_000);
  afterAll(() => sshd?.stop());
  beforeEach(async () => {
    proxy = await startProxy(sshd.port);
  });
  afterEach(() => proxy.close());

  const open = (changes = {}) =>
    openSftp({ ...optionsFor(sshd), port: proxy.port }, { ...patience, ...changes });

  /** Fetches the big file; gives how many bytes were said to come. */
  async function fetchBig(connector: Connector, partial: string): Promise<number> {
    let arrived = 0;
    await connector.fetch(big, partial, {
      onBytes: (count) => {
        arrived += count;
      },
    });
    return arrived;
  }

  async function isWhole(partial: string): Promise<boolean> {
    return (await readFile(partial)).equals(content);
  }

  it('resumes where the connection was cut', async () => {
    proxy.fail({ cutAfter: 6 * MB });
    await using connector = await open();
    const partial = partialName();
    expect(await fetchBig(connector, partial)).toBe(content.length);
    expect(await isWhole(partial)).toBe(true);
    expect(proxy.received.length).toBe(2);
    // What had not arrived in order comes again: not more than is read ahead.
    expect(proxy.received[1]).toBeLessThan(4 * MB + 2.5 * MB);
  });

  it('notices that nothing comes any more, and resumes', async () => {
    proxy.fail({ stallAfter: 6 * MB });
    await using connector = await open({ stallMs: 500 });
    const partial = partialName();
    const started = performance.now();
    expect(await fetchBig(connector, partial)).toBe(content.length);
    expect(await isWhole(partial)).toBe(true);
    expect(performance.now() - started).toBeLessThan(3000);
    expect(proxy.received.length).toBe(2);
  });

  it('does not take what was changed on the way', async () => {
    proxy.fail({ corruptAt: 3 * MB });
    await using connector = await open();
    const partial = partialName();
    await fetchBig(connector, partial);
    expect(await isWhole(partial)).toBe(true);
    expect(proxy.received.length).toBe(2);
  });

  it('connects only once more for all the files that lost their connection', async () => {
    proxy.fail({ cutAfter: 12 * MB });
    await using connector = await open();
    const names = Array.from({ length: 6 }, partialName);
    await Promise.all(names.map((partial) => fetchBig(connector, partial)));
    for (const partial of names) expect(await isWhole(partial)).toBe(true);
    expect(proxy.received.length).toBe(2);
  });

  it('goes on when the server ends the sessions', async () => {
    await using connector = await open();
    const partial = partialName();
    let killed: Promise<void> | undefined;
    await connector.fetch(big, partial, {
      onBytes: () => {
        killed ??= sshd.killSessions();
      },
    });
    await killed;
    expect(await isWhole(partial)).toBe(true);
    expect(proxy.received.length).toBe(2);
  });

  it('connects again when an idle connection was lost', async () => {
    await using connector = await open();
    await sshd.killSessions();
    expect((await collect(connector.entries('tree'))).length).toBe(3);
    await fetchBig(connector, partialName());
    expect(proxy.received.length).toBe(2);
  });

  it.each([
    ['is cut', { cutAfter: 60_000 }],
    ['stalls', { stallAfter: 60_000 }],
  ])('lists each file once when the connection %s in the middle', async (_, fault) => {
    proxy.fail(fault);
    await using connector = await open({ stallMs: 500 });
    const paths = (await collect(connector.files('tree'))).map(({ path }) => path);
    expect(new Set(paths).size).toBe(900);
    expect(paths.length).toBe(900);
    expect(proxy.received.length).toBe(2);
  });

  it.each([
    ['is refused', { refuse: true }],
    ['is cut in the middle of logging in', { cutAfter: 1500 }],
    ['does not answer', { stallAfter: 0 }],
  ])('tries again when connecting %s', async (_, fault) => {
    proxy.fail(fault, fault);
    await using connector = await open({ connectMs: 300 });
    expect((await collect(connector.entries('tree'))).length).toBe(3);
    expect(proxy.received.length).toBe(3);
  });

  it('gives up after some tries, and says so', async () => {
    proxy.fail(...Array.from({ length: 9 }, () => ({ cutAfter: 0 })));
    const failed = (await rejection(open())) as SourceError;
    expect(failed).toBeInstanceOf(SourceError);
    expect(failed.message).toContain(`cannot connect to [127.0.0.1]:${proxy.port}`);
    expect(failed.retryable).toBe(true);
    expect(proxy.received.length).toBe(patience.attempts);
  });

  it('keeps what came when it gives up, and goes on from there the next time', async () => {
    const partial = partialName();
    proxy.fail({ cutAfter: 6 * MB }, ...Array.from({ length: 9 }, () => ({ refuse: true })));
    {
      await using connector = await open();
      expect(await rejection(fetchBig(connector, partial))).toBeInstanceOf(SourceError);
    }
    const kept = (await stat(partial)).size;
    expect(kept).toBeGreaterThan(3 * MB);
    proxy.fail();
    await using connector = await open();
    expect(await fetchBig(connector, partial)).toBe(content.length - kept);
    expect(await isWhole(partial)).toBe(true);
  });

  it.each([
    ['bytes', (path: string) => writeFileSync(path, randomBytes(10 * MB))],
    ['time', (path: string) => utimesSync(path, 2000, 2000)],
    ['size', (path: string) => writeFileSync(path, 'short')],
    ['place', (path: string) => rmSync(path)],
  ])('refuses a file whose %s changed while it came, and leaves nothing of it', async (what, change) => {
    const path = join(sshd.data, `changing-${what}`);
    await writeFile(path, content);
    await utimes(path, 1000, 1000);
    proxy.fail({ rate: 40 * MB });
    await using connector = await open();
    const partial = partialName();
    let isChanged = false;
    const failed = (await rejection(
      connector.fetch({ path: `changing-${what}`, bytes: content.length, etag: '1000' }, partial, {
        onBytes: () => {
          if (!isChanged) change(path);
          isChanged = true;
        },
      }),
    )) as FileError;
    expect(failed).toBeInstanceOf(FileError);
    expect(failed.message).toMatch(
      new RegExp(`^changing-${what} was (replaced|removed) since it was listed$`),
    );
    expect(await exists(partial)).toBe(false);
  });

  it('stops at once at a signal while the server is silent', async () => {
    proxy.fail({ stallAfter: 3 * MB });
    await using connector = await open();
    const stop = new AbortController();
    const reason = new Error('enough');
    const partial = partialName();
    const fetching = rejection(connector.fetch(big, partial, { signal: stop.signal }));
    await sleep(200);
    const started = performance.now();
    stop.abort(reason);
    expect(await fetching).toBe(reason);
    expect(performance.now() - started).toBeLessThan(200);
    expect((await stat(partial)).size).toBeGreaterThan(0);
  });

  it('ends what is under way when it is closed', async () => {
    proxy.fail({ stallAfter: 3 * MB });
    const connector = await open();
    const fetching = rejection(fetchBig(connector, partialName()));
    await sleep(100);
    await connector[Symbol.asyncDispose]();
    const failed = (await fetching) as SourceError;
    expect(failed).toBeInstanceOf(SourceError);
    expect(failed.message).toBe('the connection to 127.0.0.1 was closed');
    expect(await rejection(collect(connector.entries('')))).toBe(failed);
  });

  it('fetches many files at once', async () => {
    const small = Array.from({ length: 200 }, (_, number) => ({
      name: `small-${number}`,
      bytes: randomBytes(5000),
    }));
    for (const { name, bytes } of small) await writeFile(join(sshd.data, name), bytes);
    await using connector = await open();
    const listed = (await collect(connector.files(''))).filter(({ path }) => path.startsWith('small-'));
    const fetched = await Promise.all(
      listed.map(async (file) => {
        const partial = partialName();
        await connector.fetch(file, partial);
        return [file.path, (await readFile(partial)).toString('hex')] as const;
      }),
    );
    expect(new Map(fetched)).toEqual(new Map(small.map(({ name, bytes }) => [name, bytes.toString('hex')])));
    expect(proxy.received.length).toBe(1);
  });
});

describe('sftp from an odd server', () => {
  let server: OddServer | undefined;
  afterEach(() => server?.stop());

  /** One file `f`, whose reads the test answers. */
  async function startFile(
    content: Buffer,
    answer: (read: { offset: number; length: number; send: (bytes: Buffer) => void }) => void,
  ): Promise<ListedFile> {
    server = await startOddServer((sftp) => {
      serveFolders(sftp, { '/': ['f'] });
      sftp.removeAllListeners('STAT');
      sftp.on('STAT', (id, path) =>
        sftp.attrs(id, path === '/' ? attributes('folder') : attributes('file', content.length, 5)),
      );
      sftp.on('OPEN', (id) => sftp.handle(id, Buffer.from('f')));
      sftp.on('READ', (id, _, offset, length) =>
        answer({
          offset,
          length,
          send: (bytes) => (bytes.length === 0 ? sftp.status(id, STATUS.EOF) : sftp.data(id, bytes)),
        }),
      );
    });
    return { path: 'f', bytes: content.length, etag: '5' };
  }

  it('puts together answers that are shorter than what was asked for', async () => {
    const content = randomBytes(300_000);
    const file = await startFile(content, ({ offset, length, send }) =>
      send(content.subarray(offset, offset + Math.min(length, 1 + (offset % 20_000)))),
    );
    await using connector = await openSftp((server as OddServer).options, patience);
    const partial = partialName();
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
  });

  it('puts together answers that come out of order', async () => {
    const content = randomBytes(1_000_000);
    const file = await startFile(content, async ({ offset, length, send }) => {
      await sleep(Math.random() * 20);
      send(content.subarray(offset, offset + length));
    });
    await using connector = await openSftp((server as OddServer).options, patience);
    const partial = partialName();
    await connector.fetch(file, partial);
    expect((await readFile(partial)).equals(content)).toBe(true);
  });

  it('says that a file ends before its size, after several tries', async () => {
    const content = randomBytes(100_000);
    const file = await startFile(content, ({ offset, length, send }) =>
      send(content.subarray(0, 50_000).subarray(offset, offset + length)),
    );
    await using connector = await openSftp((server as OddServer).options, patience);
    const partial = partialName();
    const failed = (await rejection(connector.fetch(file, partial))) as SourceError;
    expect(failed.message).toContain('50000 of 100000 bytes');
  });

  it('drops a server that keeps its connection but answers no more, and connects anew', async () => {
    const content = randomBytes(500_000);
    let mute = true;
    const file = await startFile(content, ({ offset, length, send }) => {
      if (mute && offset > 200_000) return;
      send(content.subarray(offset, offset + length));
    });
    await using connector = await openSftp((server as OddServer).options, { ...patience, stallMs: 400 });
    const partial = partialName();
    const fetching = connector.fetch(file, partial);
    await sleep(200);
    mute = false;
    await fetching;
    expect((await readFile(partial)).equals(content)).toBe(true);
    expect((server as OddServer).connections()).toBe(2);
  });

  it('names the file that it may not read', async () => {
    server = await startOddServer((sftp) => {
      serveFolders(sftp, { '/': ['f'] });
      sftp.on('OPEN', (id) => sftp.status(id, STATUS.PERMISSION_DENIED));
    });
    await using connector = await openSftp(server.options, patience);
    const file = { path: 'f', bytes: 10, etag: '1' };
    const failed = (await rejection(connector.fetch(file, partialName()))) as SourceError;
    expect(failed).toBeInstanceOf(SourceError);
    expect(failed.message).toContain('no permission to read /f');
  });
});
