import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileExporter } from '../../src/connectors/file-exporter/connector.ts';
import { SourceError } from '../../src/errors.ts';
import { startFileExporter } from '../support/file-exporter-server.ts';
import type { FileExporterServer, Spelling } from '../support/file-exporter-state.ts';
import { collect, rejection } from './contract.ts';

let server: FileExporterServer;
let connector: FileExporter;
let scratch: string;

beforeEach(async () => {
  server = await startFileExporter();
  connector = connect();
  scratch = await mkdtemp(join(tmpdir(), 'file-exporter-'));
});

afterEach(async () => {
  await connector[Symbol.asyncDispose]();
  await server.stop();
  expect(server.complaints).toEqual([]);
  await rm(scratch, { recursive: true, force: true });
});

function connect(requestsPerSecond = Infinity): FileExporter {
  const { url: baseUrl, apiId, apiSecret, certificate: ca } = server;
  return new FileExporter({ baseUrl, apiId, apiSecret, requestsPerSecond }, { ca });
}

/** What was asked, in no order: the endpoint with its parameters; a file's bytes as `storage`. */
function asked(): string[] {
  const questions = server.seen.map(({ path, body }) =>
    path.startsWith('/storage/')
      ? 'storage'
      : [path.slice(path.lastIndexOf('/') + 1), ...Object.values(JSON.parse(body || '{}'))].join(' '),
  );
  return questions.sort();
}

const HOURLY = 'utterances/version=1/format=jsonl/dt=2022-06-27/hr=07/utterances.jsonl';
const QUARTERLY = 'utterances/version=2/format=jsonl/dt=2022-06-27/hr=07/mi=15/utterances.jsonl';
const DAILY = 'autosummary_feedback/version=1/format=jsonl/dt=2022-06-27/autosummary_feedback.jsonl';

describe('the ways in which the API may spell parameters', () => {
  const choices = ['bare', 'keyed'] as const;
  const spellings: Spelling[] = choices.flatMap((version) =>
    choices.flatMap((format) =>
      choices.flatMap((date) => choices.map((interval) => ({ version, format, date, interval }))),
    ),
  );

  it.each(spellings)('are sent back as they were answered, and are folders for us: %o', async (spelling) => {
    server.spelling = spelling;
    for (const path of [HOURLY, QUARTERLY, DAILY]) server.put(path, Buffer.from(path));

    const files = await collect(connector.files(''));
    expect(files.map(({ path }) => path)).toEqual([DAILY, HOURLY, QUARTERLY]);
    // One that listed nothing finds the spellings out for itself: a run may begin with files of the run before.
    await using another = connect();
    for (const [index, file] of files.entries()) {
      for (const fetching of [connector, another]) {
        await fetching.fetch(file, join(scratch, `${index}`));
        expect(await readFile(join(scratch, `${index}`), 'utf8')).toBe(file.path);
        await rm(join(scratch, `${index}`));
      }
    }
  });

  it('are asked for once, not once a file', async () => {
    for (const path of [HOURLY, QUARTERLY]) server.put(path, Buffer.from(path));
    const files = await collect(connector.files('utterances'));
    await using another = connect();
    server.seen.length = 0;
    await Promise.all(
      [...files, ...files].map((file, index) => another.fetch(file, join(scratch, `${index}`))),
    );
    expect(asked().filter((question) => question.startsWith('list'))).toEqual([
      'listfeeddates utterances 1 jsonl',
      'listfeeddates utterances 2 jsonl',
      'listfeedformats utterances 1',
      'listfeedformats utterances 2',
      'listfeedintervals utterances 1 jsonl 2022-06-27',
      'listfeedintervals utterances 2 jsonl 2022-06-27',
      'listfeedversions utterances',
    ]);
  });
});

describe('folders', () => {
  it('show the parameters of the API level by level', async () => {
    for (const path of [HOURLY, QUARTERLY, DAILY]) server.put(path, Buffer.from('{}'));
    server.put(HOURLY.replaceAll('jsonl', 'csv'), Buffer.from(''));
    const names = async (path: string) => (await collect(connector.entries(path))).map(({ name }) => name);
    expect(await names('')).toEqual(['autosummary_feedback', 'utterances']);
    expect(await names('utterances')).toEqual(['version=1', 'version=2']);
    expect(await names('utterances/version=1')).toEqual(['format=csv', 'format=jsonl']);
    expect(await names('utterances/version=2/format=jsonl/dt=2022-06-27')).toEqual(['hr=07']);
    expect(await names('utterances/version=2/format=jsonl/dt=2022-06-27/hr=07')).toEqual(['mi=15']);
    expect(await names('utterances/version=2/format=jsonl/dt=2022-06-27/hr=07/mi=15')).toEqual([
      'utterances.jsonl',
    ]);
  });

  it('of a day hold its files where a feed has no intervals', async () => {
    server.put(DAILY, Buffer.from('{}\n'));
    const day = DAILY.slice(0, DAILY.lastIndexOf('/'));
    const [listed] = await collect(connector.files(day));
    expect(listed).toEqual({ path: DAILY, bytes: 3, etag: '8a80554c91d9fca8acb82f023de02f11' });
    expect(await collect(connector.entries(day))).toEqual([
      { kind: 'file', name: 'autosummary_feedback.jsonl', ...listed },
    ]);
    expect(await collect(connector.files(`${day}/hr=00`))).toEqual([]);
    expect(asked()).toContain('listfeedfiles autosummary_feedback 1 jsonl 2022-06-27');
  });

  it.each([
    ['{"feed": "utterances", "versions": null}', []],
    ['{"feed": "utterances", "versions": ["1"]}', [{ kind: 'folder', name: 'version=1' }]],
    ['{"feed": "utterances", "versions": ["1", "1"]}', [{ kind: 'folder', name: 'version=1' }]],
  ])('are made from the answer %s', async (body, expected) => {
    server.fail({ path: /versions/, status: 200, body });
    expect(await collect(connector.entries('utterances'))).toEqual(expected);
  });

  // Whatever says 200 is not a feed without versions.
  it.each([
    '{"feed": "utterances"}',
    '{}',
    '{"versions": "1"}',
    '{"versions": [1]}',
    '[]',
    'null',
    '<html>Sign in</html>',
  ])('are not made from the answer %s', async (body) => {
    server.fail({ path: /versions/, status: 200, body });
    expect(await rejection(collect(connector.entries('utterances')))).toBeInstanceOf(SourceError);
  });

  it('are not taken for empty where something else than the API answers', async () => {
    server.fail({ path: /versions/, status: 404, body: '<html>nginx</html>' });
    const error = await rejection(collect(connector.files('utterances')));
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ hint: expect.stringContaining('base_url'), retryable: false });
    server.fail({ path: /listfeeds/, status: 404 });
    expect(await rejection(collect(connector.entries('')))).toBeInstanceOf(SourceError);
  });
});

describe('a listing', () => {
  const folder = 'utterances/version=1/format=jsonl';
  const file = (day: string, hour: string) => `${folder}/dt=2022-06-${day}/hr=${hour}/utterances.jsonl`;

  it('asks only for the days inside the look-back, and for each thing once', async () => {
    for (const day of ['01', '02', '26', '27'])
      for (const hour of ['00', '01']) server.put(file(day, hour), Buffer.from('{}'));
    await using fresh = connect();
    const found = await collect(fresh.files(folder, 'dt=2022-06-26'));
    expect(found.map(({ path }) => path)).toEqual([
      file('26', '00'),
      file('26', '01'),
      file('27', '00'),
      file('27', '01'),
    ]);
    const listed = asked().filter((question) => !/^(getfeedfile|storage)/.test(question));
    expect(listed).toEqual([
      'listfeeddates utterances 1 jsonl',
      'listfeedfiles utterances 1 jsonl 2022-06-26 hr=00',
      'listfeedfiles utterances 1 jsonl 2022-06-26 hr=01',
      'listfeedfiles utterances 1 jsonl 2022-06-27 hr=00',
      'listfeedfiles utterances 1 jsonl 2022-06-27 hr=01',
      'listfeedformats utterances 1',
      'listfeedintervals utterances 1 jsonl 2022-06-26',
      'listfeedintervals utterances 1 jsonl 2022-06-27',
      'listfeedversions utterances',
    ]);
    // 3 + D × (1 + I) + 2 × F, as the connector says of itself.
    expect(server.seen.length).toBe(3 + 2 * (1 + 2) + 2 * 4);
  });

  it('asks about files that it knows with If-None-Match, and shows one that changed', async () => {
    server.put(file('27', '00'), Buffer.from('{"a":1}'));
    server.put(file('27', '01'), Buffer.from('{"b":1}'));
    const before = await collect(connector.files(folder));
    const known = new Map(before.map((listed) => [listed.path, listed]));
    server.put(file('27', '01'), Buffer.from('{"b":2}'));
    server.put(file('27', '02'), Buffer.from('{"c":1}'));
    server.seen.length = 0;

    const after = await collect(connector.files(folder, 'dt=2022-06-27', known));
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).toEqual({ ...before[1], etag: expect.not.stringContaining(before[1]?.etag ?? '') });
    expect(after[2]?.path).toBe(file('27', '02'));
    const conditions = server.seen
      .filter(({ path }) => path.startsWith('/storage/'))
      .map(({ path, headers }) => [path.includes(encodeURIComponent('hr=02')), headers['if-none-match']]);
    expect(conditions.sort()).toEqual(
      [
        [false, `"${before[0]?.etag}"`],
        [false, `"${before[1]?.etag}"`],
        [true, undefined],
      ].sort(),
    );
  });

  it('reads at most one byte of each file', async () => {
    server.put(file('27', '00'), Buffer.alloc(1_000_000));
    await collect(connector.files(folder));
    expect(server.seen.filter(({ path }) => path.startsWith('/storage/'))).toMatchObject([
      { method: 'GET', headers: { range: 'bytes=0-0' } },
    ]);
  });

  it.each([304, 412, 416])('fails when the storage answers %d about a file', async (status) => {
    server.put(file('27', '00'), Buffer.from('{}'));
    server.fail({ path: /^\/storage/, status }, { path: /^\/storage/, status });
    expect(await rejection(collect(connector.files(folder)))).toBeInstanceOf(SourceError);
  });

  it('leaves out a file that is removed meanwhile', async () => {
    for (const hour of ['00', '01', '02', '03']) server.put(file('27', hour), Buffer.from('{}'));
    server.fail({ path: /getfeedfile/, status: 404 }, { path: /^\/storage/, status: 404 });
    expect((await collect(connector.files(folder))).length).toBe(2);
  });

  it.each([true, false])('goes on where the storage knows no ranges; lengths: %s', async (hasLengths) => {
    server.hasRanges = false;
    server.hasLengths = hasLengths;
    server.put(file('27', '00'), Buffer.from('{}'));
    server.put(file('27', '01'), Buffer.alloc(3_000_000));
    expect((await collect(connector.files(folder))).map(({ bytes }) => bytes)).toEqual([2, 3_000_000]);
  });

  it('that is left early asks nothing more once it is closed', async () => {
    for (let hour = 10; hour < 24; hour++) server.put(file('27', `${hour}`), Buffer.from('{}'));
    const left = connect(200);
    for await (const _ of left.files(folder)) break;
    await left[Symbol.asyncDispose]();
    // What was under way may still come.
    await setTimeout(30);
    const before = server.seen.length;
    await setTimeout(100);
    expect(before).toBeLessThan(3 + 1 + 14 + 2 * 14);
    expect(server.seen.length).toBe(before);
  });

  it('sends no more requests a second than it may, those to the storage included', async () => {
    for (const hour of ['00', '01', '02', '03', '04', '05', '06'])
      server.put(file('27', hour), Buffer.from('{}'));
    await using slow = connect(50);
    const files = await collect(slow.files(folder));
    await Promise.all(files.map((listed, index) => slow.fetch(listed, join(scratch, `${index}`))));
    const times = server.seen.map(({ at }) => at);
    expect(times.length).toBe(3 + 1 + 7 + 4 * 7);
    // 38 gaps of 20 ms; some slack for what the connections take.
    expect((times.at(-1) as number) - (times[0] as number)).toBeGreaterThan(38 * 20 - 30);
  });
});
