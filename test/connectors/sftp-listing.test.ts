import { execFile } from 'node:child_process';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Connector } from '../../src/connectors/connector.ts';
import { openSftp } from '../../src/connectors/sftp.ts';
import { SourceError } from '../../src/errors.ts';
import { dayFolder } from '../../src/feeds/paths.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { Project } from '../support/project.ts';
import { attributes, type OddServer, STATUS, serveFolders, startOddServer } from '../support/sftp-server.ts';
import { hasSshd, optionsFor, type Sshd, startSshd } from '../support/sshd.ts';
import { collect, rejection } from './contract.ts';

const impatient = { connectMs: 5000, stallMs: 5000, attempts: 2, backoffMs: 1 };

describe.skipIf(!hasSshd)('a listing of OpenSSH', () => {
  let sshd: Sshd;
  let connector: Connector;
  beforeAll(async () => {
    sshd = await startSshd();
    connector = await openSftp(optionsFor(sshd), impatient);
  }, 30_000);
  afterAll(async () => {
    await connector?.[Symbol.asyncDispose]();
    await sshd?.stop();
  });

  async function put(path: string, content = ''): Promise<void> {
    const file = join(sshd.data, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const paths = async (path: string, from?: string) =>
    (await collect(connector.files(path, from))).map((file) => file.path);

  it('comes with the newest days first', async () => {
    for (const day of ['03', '01', '02']) await put(`newest/dt=2026-01-${day}/newest.jsonl`);
    const inOrder = [];
    for await (const { path } of connector.files('newest')) inOrder.push(path.split('/')[1]);
    // Folders are listed at the same time; what was asked for first is answered first.
    expect(inOrder).toEqual(['dt=2026-01-03', 'dt=2026-01-02', 'dt=2026-01-01']);
  });

  it('follows symbolic links to files and folders, and leaves out those that lead nowhere or in a circle', async () => {
    await put('links/real/file.jsonl', 'abc');
    const link = (target: string, path: string) => symlink(target, join(sshd.data, 'links', path));
    await link('real/file.jsonl', 'to-file.jsonl');
    await link('real', 'to-folder');
    await link('nothing', 'dangling');
    await link('to-itself', 'to-itself');
    await link('..', 'up');
    await link('..', 'real/up');
    expect((await paths('links')).sort()).toEqual([
      'links/real/file.jsonl',
      'links/to-file.jsonl',
      'links/to-folder/file.jsonl',
    ]);
    expect((await collect(connector.entries('links'))).sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { kind: 'folder', name: 'real' },
      {
        kind: 'file',
        name: 'to-file.jsonl',
        path: 'links/to-file.jsonl',
        bytes: 3,
        etag: expect.any(String),
        modified: expect.any(Date),
      },
      { kind: 'folder', name: 'to-folder' },
    ]);
  });

  it('leaves out what is neither file nor folder', async () => {
    await put('special/file.jsonl');
    await promisify(execFile)('mkfifo', [join(sshd.data, 'special/pipe')]);
    expect(await paths('special')).toEqual(['special/file.jsonl']);
  });

  it('is empty where the path names a file', async () => {
    await put('plain/file.jsonl');
    expect(await paths('plain/file.jsonl')).toEqual([]);
  });

  it('refuses paths that lead out of the root', async () => {
    for (const path of ['..', 'a/../..']) expect(await rejection(paths(path))).toBeInstanceOf(SourceError);
  });

  it('says that the root has gone', async () => {
    await using own = await openSftp(
      { ...optionsFor(sshd), root: join(sshd.folder, 'moved') },
      impatient,
    ).catch(async () => {
      await mkdir(join(sshd.folder, 'moved'));
      return openSftp({ ...optionsFor(sshd), root: join(sshd.folder, 'moved') }, impatient);
    });
    await rename(join(sshd.folder, 'moved'), join(sshd.folder, 'moved-away'));
    const failed = (await rejection(collect(own.files('')))) as SourceError;
    expect(failed.message).toBe(`there is no folder ${join(sshd.folder, 'moved')} on 127.0.0.1`);
  });

  describe('of many files', () => {
    // All 200,000 take some seconds more: SLOW_TESTS=1 lists them.
    const DAYS = process.env.SLOW_TESTS ? 417 : 42;
    const PER_HOUR = 20;
    const total = DAYS * 24 * PER_HOUR;

    beforeAll(async () => {
      // One real day. Links to it are quickly made, and the server reads each as a folder of its own.
      const feed = join(sshd.data, 'many/version=1/format=jsonl');
      for (let hour = 0; hour < 24; hour++) {
        await mkdir(`${feed}/${day(0)}/hr=${hour}`, { recursive: true });
        for (let split = 0; split < PER_HOUR; split++)
          await writeFile(`${feed}/${day(0)}/hr=${hour}/many.jsonl.${split}`, '');
      }
      for (let number = 1; number < DAYS; number++) await symlink(day(0), `${feed}/${day(number)}`);
    });

    it(`shows all ${total} in bounded memory`, async () => {
      const before = heapUsed();
      let most = 0;
      let count = 0;
      for await (const _ of connector.files('many'))
        if (++count % 5000 === 0) most = Math.max(most, heapUsed());
      expect(count).toBe(total);
      // Seen: 1 MB. 20,000 listed files that are held together take 4 MB, 200,000 ten times that.
      expect((most - before) / 1e6).toBeLessThan(2.5);
    }, 60_000);
  });
});

describe('a listing of an odd server', () => {
  let server: OddServer | undefined;
  afterEach(() => server?.stop());

  /** 20 days with 24 hours each, one file in each hour; counts the folders that are opened. */
  async function startDays() {
    const days = Array.from({ length: 20 }, (_, number) => day(number));
    const folders: Record<string, string[]> = { '/': days };
    for (const name of days) {
      folders[`/${name}`] = Array.from({ length: 24 }, (_, hour) => `hr=${hour}`);
      for (const hour of folders[`/${name}`] as string[]) folders[`/${name}/${hour}`] = ['file.jsonl'];
    }
    const place = { days, opened: 0 };
    server = await startOddServer((sftp) => {
      sftp.on('OPENDIR', () => {
        place.opened++;
      });
      serveFolders(sftp, folders);
    });
    return place;
  }

  it('reads only the folders of the days that are asked for', async () => {
    const place = await startDays();
    await using connector = await openSftp((server as OddServer).options, impatient);
    const found = await collect(connector.files('', place.days.at(-2)));
    expect(found.length).toBe(2 * 24);
    expect(place.opened).toBe(1 + 2 + 2 * 24);
  });

  it('reads only the days inside the look-back in a run with nothing new', async () => {
    const feed = '/voice_intents/version=1/format=jsonl';
    const days = Array.from({ length: 30 }, (_, number) => day(number));
    const folders: Record<string, string[]> = {
      '/': ['voice_intents'],
      '/voice_intents': ['version=1'],
      '/voice_intents/version=1': ['format=jsonl'],
      [feed]: days,
    };
    for (const name of days) {
      folders[`${feed}/${name}`] = ['hr=00', 'hr=12'];
      for (const hour of ['hr=00', 'hr=12'])
        folders[`${feed}/${name}/${hour}`] = ['voice_intents.jsonl', '_SUCCESS'];
    }
    let opened: string[] = [];
    server = await startOddServer((sftp) => {
      sftp.on('OPENDIR', (_, path) => opened.push(path));
      serveFolders(sftp, folders);
    });
    const { options } = server;
    const open = () => openSftp(options, impatient);
    const source = { name: 'messaging', group: 'messaging', connector: 'sftp', options, open };
    await using project = await Project.create(undefined, [source]);
    expect((await project.load()).exitCode).toBe(0);
    expect(new Set(opened)).toEqual(new Set(Object.keys(folders)));

    opened = [];
    expect((await project.load()).exitCode).toBe(0);
    const recent = days.slice(-8).map((name) => `${feed}/${name}`);
    expect(opened.filter((path) => path.includes('/dt=')).sort()).toEqual(
      recent.flatMap((path) => [path, `${path}/hr=00`, `${path}/hr=12`]),
    );
  });

  it('stops asking when its reader has left', async () => {
    const place = await startDays();
    await using connector = await openSftp((server as OddServer).options, impatient);
    for await (const _ of connector.files('')) break;
    await collect(connector.entries(place.days[0] as string));
    expect(place.opened).toBeLessThan(100);
  });

  it('reads only a little ahead of a reader that waits', async () => {
    const place = await startDays();
    await using connector = await openSftp((server as OddServer).options, impatient);
    const files = connector.files('')[Symbol.asyncIterator]();
    await files.next();
    await sleep(100);
    const whileWaiting = place.opened;
    expect(whileWaiting).toBeLessThan(200);
    let count = 1;
    while (!(await files.next()).done) count++;
    expect(count).toBe(20 * 24);
  });

  it('leaves out . and .. and goes on', async () => {
    server = await startOddServer((sftp) =>
      serveFolders(sftp, { '/': ['.', '..', 'a', 'f'], '/a': ['.', '..', 'g'] }),
    );
    await using connector = await openSftp(server.options, impatient);
    expect((await collect(connector.files(''))).map(({ path }) => path).sort()).toEqual(['a/g', 'f']);
  });

  it.each(['../etc/passwd', 'a/b', 'nul\0byte', ''])('refuses the name %j', async (name) => {
    server = await startOddServer((sftp) => serveFolders(sftp, { '/': ['sub'], '/sub': ['fine', name] }));
    await using connector = await openSftp(server.options, impatient);
    const failed = (await rejection(collect(connector.files('')))) as SourceError;
    expect(failed).toBeInstanceOf(SourceError);
    expect(failed.message).toBe(`the server lists ${JSON.stringify(name)} in /sub: that is not a name`);
  });

  it('names the folder that it may not read', async () => {
    server = await startOddServer((sftp) => {
      serveFolders(sftp, { '/': ['secret'], '/secret': [] });
      sftp.removeAllListeners('OPENDIR');
      sftp.on('OPENDIR', (id) => sftp.status(id, STATUS.PERMISSION_DENIED));
    });
    await using connector = await openSftp(server.options, impatient);
    const failed = (await rejection(collect(connector.entries('secret')))) as SourceError;
    expect(failed.message).toBe(`no permission to read /secret on [127.0.0.1]:${server.options.port}`);
    expect(failed.retryable).toBe(false);
  });

  it('asks for the attributes of files where the server does not list them', async () => {
    server = await startOddServer((sftp) => {
      serveFolders(sftp, { '/': ['f'] });
      sftp.removeAllListeners('STAT');
      sftp.on('STAT', (id, path) =>
        sftp.attrs(id, path === '/' ? attributes('folder') : attributes('file', 7, 99)),
      );
      sftp.removeAllListeners('READDIR');
      let sent = false;
      sftp.on('READDIR', (id) => {
        if (sent) return sftp.status(id, STATUS.EOF);
        sent = true;
        sftp.name(id, [{ filename: 'f', longname: 'f', attrs: {} as ReturnType<typeof attributes> }]);
      });
    });
    await using connector = await openSftp(server.options, impatient);
    expect(await collect(connector.files(''))).toEqual([{ path: 'f', bytes: 7, etag: '99' }]);
  });

  it('tries a folder again that the server failed to read, and shows each entry once', async () => {
    let failures = 1;
    server = await startOddServer((sftp) => {
      serveFolders(sftp, { '/': ['a', 'b', 'c', 'd', 'e'] });
      const [read] = sftp.listeners('READDIR') as [(id: number, handle: Buffer) => void];
      sftp.removeAllListeners('READDIR');
      let calls = 0;
      sftp.on('READDIR', (id, handle) => {
        if (++calls === 2 && failures-- > 0) sftp.status(id, STATUS.FAILURE);
        else read(id, handle);
      });
    });
    await using connector = await openSftp(server.options, impatient);
    expect((await collect(connector.files(''))).map(({ path }) => path)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(failures).toBe(0);
  });

  it('says that the server cannot read a folder, after several tries', async () => {
    let tries = 0;
    server = await startOddServer((sftp) => {
      serveFolders(sftp, { '/': [] });
      sftp.removeAllListeners('OPENDIR');
      sftp.on('OPENDIR', (id) => {
        tries++;
        sftp.status(id, STATUS.FAILURE);
      });
    });
    await using connector = await openSftp(server.options, impatient);
    const failed = (await rejection(collect(connector.files('broken')))) as SourceError;
    expect(failed.message).toMatch(/cannot read \/broken/);
    expect(failed.retryable).toBe(true);
    expect(tries).toBe(impatient.attempts);
  });
});

/** The folder of one day of 2025, by its number. */
function day(number: number): string {
  return dayFolder(new Date(Date.UTC(2025, 0, 1 + number)));
}

/** Bytes that are really in use: garbage is collected first. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('a folder that never ends', () => {
  /** Answers each question for more with the same name. */
  const endless = () =>
    startOddServer((sftp) => {
      serveFolders(sftp, { '/': [] });
      sftp.removeAllListeners('READDIR');
      sftp.on('READDIR', (id) =>
        sftp.name(id, [{ filename: 'again', longname: 'again', attrs: attributes('file') }]),
      );
    });

  it('is given up at a limit, which is named', async () => {
    const odd = await endless();
    try {
      const limits = { ...DEFAULT_LIMITS, listing_pages: 20 };
      await using connector = await openSftp(odd.options, impatient, { limits });
      expect(await rejection(collect(connector.files('')))).toMatchObject({
        message: 'the listing of / does not end within limits.listing_pages (20) pages',
      });
    } finally {
      await odd.stop();
    }
  });

  it('is left at once at a signal', async () => {
    const odd = await endless();
    try {
      const stop = new AbortController();
      await using connector = await openSftp(odd.options, impatient, { signal: stop.signal });
      setTimeout(() => stop.abort(new Error('stopped')), 200);
      expect(await rejection(collect(connector.files('')))).toMatchObject({ message: 'stopped' });
    } finally {
      await odd.stop();
    }
  });
});
