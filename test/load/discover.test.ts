import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connector, ListedFile } from '../../src/connectors/connector.ts';
import { local } from '../../src/connectors/local.ts';
import { type FoundMisfit, findPartitions, findTargets, type Target } from '../../src/load/discover.ts';

let folder: string;
let connector: Connector;
let misfits: FoundMisfit[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'discover-'));
  connector = await local.open({ root: folder });
  misfits = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function files(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), path.endsWith('_SUCCESS') ? '' : '{}\n');
  }
}

const CALLS: Target = { feed: 'calls', version: '1', path: 'calls/version=1/format=jsonl' };
const HOUR = `${CALLS.path}/dt=2026-01-05/hr=07`;

/** Partitions as `2026-01-05T07:00 sealed calls.jsonl calls.jsonl.02`. */
async function partitions(since?: string, from = connector, path?: string): Promise<string[]> {
  const found = [];
  const day = since === undefined ? undefined : new Date(`${since}T00:00:00Z`);
  for await (const { key, sealed, files } of findPartitions(
    from,
    CALLS,
    day,
    note,
    path === undefined ? {} : { path },
  )) {
    const names = files.map((file) => file.path.slice(file.path.lastIndexOf('/') + 1)).sort();
    found.push([key.time.toISOString().slice(0, 16), ...(sealed ? ['sealed'] : []), ...names].join(' '));
  }
  return found.sort();
}

const note = (misfit: FoundMisfit) => misfits.push(misfit) > 0;

describe('findTargets', () => {
  test('finds feeds, versions and formats', async () => {
    await files(
      `${HOUR}/calls.jsonl`,
      'calls/version=2/format=jsonl/dt=2026-01-05/calls.jsonl',
      'agents/version=1/format=jsonl/dt=2026-01-05/agents.jsonl',
    );
    expect(await findTargets(connector, undefined, note)).toEqual([
      { feed: 'agents', version: '1', path: 'agents/version=1/format=jsonl' },
      CALLS,
      { feed: 'calls', version: '2', path: 'calls/version=2/format=jsonl' },
    ]);
    expect(misfits).toEqual([]);
  });

  test('looks only for the feeds that are wanted', async () => {
    await files(`${HOUR}/calls.jsonl`, 'agents/version=1/format=jsonl/x', 'noise/y/z');
    expect(await findTargets(connector, ['calls', 'nowhere'], note)).toEqual([CALLS]);
    expect(misfits).toEqual([]);
  });

  test('reports folders that are no feed, version or format', async () => {
    await files(
      'calls/v1/format=jsonl/x',
      'calls/version=1/format=csv/x',
      'calls/version=1/csv/x',
      'junk/a/b',
    );
    expect(await findTargets(connector, undefined, note)).toEqual([]);
    expect(misfits.sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: 'calls/v1/', reason: 'not a version=V folder' },
      { path: 'calls/version=1/csv/', reason: 'not a format=jsonl folder' },
      { path: 'calls/version=1/format=csv/', reason: 'not a format=jsonl folder' },
      { path: 'junk/a/', reason: 'not a version=V folder' },
    ]);
  });

  test('reports files that lie above the partitions', async () => {
    await files('readme.txt', 'calls/notes', 'calls/version=1/x', `${HOUR}/calls.jsonl`);
    expect(await findTargets(connector, undefined, note)).toEqual([CALLS]);
    expect(misfits.map(({ path, reason }) => `${path}: ${reason}`).sort()).toEqual([
      'calls/notes: not in a version=V folder',
      'calls/version=1/x: not in a format=jsonl folder',
      'readme.txt: not in the folder of a feed',
    ]);
  });

  test('finds nothing in an empty place', async () => {
    expect(await findTargets(connector, undefined, note)).toEqual([]);
  });
});

describe('findPartitions', () => {
  test('finds days, hours and minutes, sealed or not, with all of their files', async () => {
    await files(
      `${HOUR}/calls.jsonl.01.gz`,
      `${HOUR}/calls.jsonl.02.gz`,
      `${HOUR}/_SUCCESS`,
      `${HOUR}/mi=15/calls.jsonl`,
      `${CALLS.path}/dt=2026-01-05/calls.jsonl`,
      `${CALLS.path}/dt=2026-01-05/_SUCCESS`,
      `${CALLS.path}/dt=2026-01-06/hr=00/_SUCCESS`,
      `${CALLS.path}/dt=2025-12-31/hr=23/calls.jsonl.gz.enc`,
    );
    expect(await partitions()).toEqual([
      '2025-12-31T23:00 calls.jsonl.gz.enc',
      '2026-01-05T00:00 sealed calls.jsonl',
      '2026-01-05T07:00 sealed calls.jsonl.01.gz calls.jsonl.02.gz',
      '2026-01-05T07:15 calls.jsonl',
      '2026-01-06T00:00 sealed',
    ]);
    expect(misfits).toEqual([]);
  });

  test('begins at the day that it is given, and lists none before', async () => {
    await files(
      ...['2025-12-31', '2026-01-04', '2026-01-05', '2026-02-01'].map(
        (day) => `${CALLS.path}/dt=${day}/hr=07/calls.jsonl`,
      ),
      `${CALLS.path}/dt=2025-12-30/stray.txt`,
    );
    expect(await partitions('2026-01-05')).toEqual([
      '2026-01-05T07:00 calls.jsonl',
      '2026-02-01T07:00 calls.jsonl',
    ]);
    expect(misfits).toEqual([]);
    expect(await partitions('2026-02-02')).toEqual([]);
  });

  test('looks into a single folder when it is given one', async () => {
    await files(`${HOUR}/calls.jsonl`, `${CALLS.path}/dt=2026-01-05/hr=08/calls.jsonl`);
    expect(await partitions(undefined, connector, HOUR)).toEqual(['2026-01-05T07:00 calls.jsonl']);
    expect(await partitions(undefined, connector, `${CALLS.path}/dt=2020-01-01/hr=07`)).toEqual([]);
  });

  test('reports what does not follow the layout, and goes on', async () => {
    await files(
      `${HOUR}/calls.jsonl`,
      `${HOUR}/calls.json`,
      `${CALLS.path}/dt=2026-01-32/hr=07/calls.jsonl`,
      `${CALLS.path}/_SUCCESS`,
    );
    expect(await partitions()).toEqual(['2026-01-05T07:00 calls.jsonl']);
    expect(misfits.map(({ path, reason }) => `${path}: ${reason}`).sort()).toEqual(
      [
        `${CALLS.path}/_SUCCESS: not FEED/version=V/format=F/dt=D[/hr=H[/mi=M]]/FILE`,
        `${HOUR}/calls.json: not named calls.jsonl[.NN][.gz][.enc]`,
        `${CALLS.path}/dt=2026-01-32/hr=07/calls.jsonl: dt=2026-01-32 is not a day of the calendar`,
      ].sort(),
    );
  });

  test('counts the files of other names in a partition, in whatever order they are listed', async () => {
    const place = listing([
      `${HOUR}/part-00000.jsonl`,
      `${CALLS.path}/dt=2026-01-05/hr=08/_SUCCESS`,
      `${HOUR}/_SUCCESS`,
      `${CALLS.path}/dt=2026-01-05/hr=08/.calls.jsonl.crc`,
      `${CALLS.path}/dt=2026-01-06/hr=07/a.csv`,
      `${CALLS.path}/dt=2026-01-06/hr=06/_SUCCESS`,
      `${CALLS.path}/dt=2026-01-06/hr=07/_SUCCESS`,
    ]);
    const found = [];
    for await (const { key, strays } of findPartitions(place, CALLS, undefined, note))
      found.push([key.time.toISOString().slice(8, 13), strays]);
    expect(found.sort()).toEqual([
      ['05T07', 1],
      ['05T08', 0],
      ['06T06', 0],
      ['06T07', 1],
    ]);
  });

  test('follows a symbolic link to an archive', async () => {
    await files('elsewhere/hr=07/calls.jsonl');
    await mkdir(join(folder, CALLS.path), { recursive: true });
    await symlink(join(folder, 'elsewhere'), join(folder, CALLS.path, 'dt=2026-01-05'));
    expect(await partitions()).toEqual(['2026-01-05T07:00 calls.jsonl']);
  });

  test('keeps the files of a partition together when others are listed in between', async () => {
    const listed = [
      `${HOUR}/calls.jsonl.01`,
      `${HOUR}/mi=15/_SUCCESS`,
      `${HOUR}/_SUCCESS`,
      `${HOUR}/calls.jsonl.02`,
    ];
    expect(await partitions(undefined, listing(listed))).toEqual([
      '2026-01-05T07:00 sealed calls.jsonl.01 calls.jsonl.02',
      '2026-01-05T07:15 sealed',
    ]);
  });

  test('takes whatever is listed as complete, by any name, where there are no _SUCCESS files', async () => {
    const place = {
      ...listing([`${HOUR}/file1.jsonl`, `${HOUR}/file2.jsonl.gz`]),
      seal: 'always',
    } as Connector;
    expect(await partitions(undefined, place)).toEqual([
      '2026-01-05T07:00 sealed file1.jsonl file2.jsonl.gz',
    ]);
  });

  test('gives each partition as soon as the listing is past its day', async () => {
    const days = ['2026-01-05', '2026-01-06', '2026-01-07'];
    let listed = 0;
    const place = listing(
      days.map((day) => `${CALLS.path}/dt=${day}/hr=07/calls.jsonl`),
      () => {
        listed += 1;
      },
    );
    const found = findPartitions(place, CALLS, undefined, note);
    await found.next();
    expect(listed).toBe(2);
    await found.return(undefined);
  });
});

/** A place that lists these files, in this order. */
function listing(paths: readonly string[], onListed = () => {}): Connector {
  return {
    seal: 'marker',
    location: 'nowhere',
    async *files(): AsyncGenerator<ListedFile> {
      for (const path of paths) {
        onListed();
        yield { path, bytes: 3, etag: 'x' };
      }
    },
  } as unknown as Connector;
}
