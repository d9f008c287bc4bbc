import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayFolder, parseFileName, parsePath } from '../../src/feeds/paths.ts';

function reasonOf(path: string): string {
  const parsed = parsePath(path);
  return parsed.kind === 'misfit' ? parsed.reason : `is a ${parsed.kind} file`;
}

test('the path of an hourly file that is split and compressed is understood', () => {
  const folder = 'convos_metrics/version=1/format=jsonl/dt=2026-01-31/hr=07';
  expect(parsePath(`${folder}/convos_metrics.jsonl.01.gz`)).toEqual({
    kind: 'data',
    partition: {
      feed: 'convos_metrics',
      version: '1',
      format: 'jsonl',
      time: new Date('2026-01-31T07:00:00Z'),
      path: folder,
    },
    file: { split: 1, gzip: true, encrypted: false },
  });
});

test.each([
  ['dt=2026-01-31', '2026-01-31T00:00:00Z'],
  ['dt=2026-01-31/hr=07', '2026-01-31T07:00:00Z'],
  ['dt=2024-02-29/hr=23/mi=45', '2024-02-29T23:45:00Z'],
])('the partition %s begins at %s', (folder, time) => {
  const parsed = parsePath(`reps/version=2/format=jsonl/${folder}/_SUCCESS`);
  expect(parsed).toMatchObject({
    kind: 'success',
    partition: { feed: 'reps', version: '2', time: new Date(time) },
  });
});

describe('a path that does not follow the layout', () => {
  const whole = 'reps/version=1/format=jsonl/dt=2026-01-31/hr=07/reps.jsonl';
  test.each([
    ['', 'not FEED/version=V/format=F/dt=D[/hr=H[/mi=M]]/FILE'],
    [`archive/${whole}`, 'not FEED/version=V/format=F/dt=D[/hr=H[/mi=M]]/FILE'],
    [`/${whole}`, 'not FEED/version=V/format=F/dt=D[/hr=H[/mi=M]]/FILE'],
    [whole.replace('/version=1', ''), 'not FEED/version=V/format=F/dt=D[/hr=H[/mi=M]]/FILE'],
    [whole.replace('hr=07', 'mi=07'), 'not FEED/version=V/format=F/dt=D[/hr=H[/mi=M]]/FILE'],
    [whole.replace('2026-01-31', '2026-02-30'), 'dt=2026-02-30 is not a day of the calendar'],
    [whole.replace('2026-01-31', '2026-1-31'), 'dt=2026-1-31 is not a YYYY-MM-DD date'],
    [whole.replace('hr=07', 'hr=24'), 'hr=24 is not an hour from 00 to 23'],
    [whole.replace('hr=07', 'hr=07/mi=60'), 'mi=60 is not a minute from 00 to 59'],
    [whole.replace('/reps.jsonl', '/users.jsonl'), 'not named reps.jsonl[.NN][.gz][.enc]'],
    [whole.replace('format=jsonl', 'format=csv'), 'format "csv" is not jsonl'],
    [whole.replaceAll('reps', '..'), 'not the name of a feed'],
    [whole.replaceAll('reps', 're\nps'), 'not the name of a feed'],
    [whole.replaceAll('reps', 're\0ps'), 'not the name of a feed'],
    [whole.replace('version=1', 'version=1\0'), 'not a version of a feed'],
  ])('is a misfit, with the reason why: %j', (path, reason) => expect(reasonOf(path)).toBe(reason));
});

test('an export in another format does not count as an empty one in ours', () => {
  expect(reasonOf('reps/version=1/format=csv/dt=2026-01-31/_SUCCESS')).toBe('format "csv" is not jsonl');
});

test.each([
  ['reps.jsonl', { split: undefined, gzip: false, encrypted: false }],
  ['reps.jsonl.00', { split: 0, gzip: false, encrypted: false }],
  ['reps.jsonl.112.gz.enc', { split: 112, gzip: true, encrypted: true }],
  ['reps.jsonl.enc', { split: undefined, gzip: false, encrypted: true }],
  ['reps.jsonl.1', undefined],
  ['reps.jsonl.enc.gz', undefined],
  ['reps.jsonl.gz.tmp', undefined],
  ['reps.json', undefined],
  ['reps_old.jsonl', undefined],
])('the file name %s is taken apart as %j', (name, parts) =>
  expect(parseFileName('reps', name)).toEqual(parts),
);

const feedName = fc.stringMatching(/^[a-z][a-z0-9_]{0,30}$/);
const version = fc.stringMatching(/^[a-z0-9.]{1,5}$/);
const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
const minute = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
const suffix = fc
  .tuple(fc.constantFrom('', '.00', '.07', '.123'), fc.constantFrom('', '.gz'), fc.constantFrom('', '.enc'))
  .map((parts) => parts.join(''));

test('any path that is made by the convention is read back as what it was made of', () => {
  fc.assert(
    fc.property(
      feedName,
      version,
      minute,
      fc.option(fc.tuple(two(23), fc.option(two(59)))),
      suffix,
      (feed, v, date, clock, end) => {
        const [hr, mi] = clock ?? [null, null];
        const times = [
          dayFolder(date),
          ...(hr === null ? [] : [`hr=${hr}`]),
          ...(mi === null ? [] : [`mi=${mi}`]),
        ];
        const folder = [feed, `version=${v}`, 'format=jsonl', ...times].join('/');
        const time = new Date(`${date.toISOString().slice(0, 10)}T${hr ?? '00'}:${mi ?? '00'}:00Z`);
        const partition = { feed, version: v, format: 'jsonl', time, path: folder };

        expect(parsePath(`${folder}/_SUCCESS`)).toEqual({ kind: 'success', partition });
        const data = parsePath(`${folder}/${feed}.jsonl${end}`);
        expect(data).toMatchObject({ kind: 'data', partition });
        if (data.kind !== 'data') return;
        const { split, gzip, encrypted } = data.file;
        expect([split === undefined, gzip, encrypted]).toEqual([
          !/\d/.test(end),
          end.includes('.gz'),
          end.endsWith('.enc'),
        ]);
      },
    ),
  );
});

test('any path that is listed is read without an exception, and stays inside its source', () => {
  const piece = fc.oneof(
    fc.constantFrom('..', '.', '', 'dt=2026-02-31', 'version=..', 'dt=0000-00-00', 'hr=99', '_SUCCESS'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const whole = ['reps', 'version=1', 'format=jsonl', 'dt=2026-01-31', 'hr=07', 'mi=15', '_SUCCESS'];
  const spoilt = fc.tuple(
    ...whole.map((good) => fc.oneof({ weight: 5, arbitrary: fc.constant(good) }, piece)),
  );
  fc.assert(
    fc.property(spoilt, (pieces) => {
      const parsed = parsePath(pieces.join('/'));
      if (parsed.kind === 'misfit') return parsed.reason !== '';
      const { feed, path, time } = parsed.partition;
      return path.startsWith(`${feed}/`) && !path.split('/').includes('..') && !Number.isNaN(time.getTime());
    }),
    { numRuns: 200 },
  );
});

test('a data file may have any name where the place calls files as it likes', () => {
  const folder = 'reps/version=1/format=jsonl/dt=2026-01-05';
  expect(parsePath(`${folder}/file1.jsonl`).kind).toBe('misfit');
  expect(parsePath(`${folder}/file1.jsonl.02.gz`, true)).toMatchObject({
    kind: 'data',
    file: { split: 2, gzip: true, encrypted: false },
  });
  expect(parsePath(`${folder}/.jsonl`, true).kind).toBe('misfit');
  expect(parsePath(`${folder}/notes.txt`, true).kind).toBe('misfit');
});
