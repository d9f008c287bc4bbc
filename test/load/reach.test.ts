import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FeedProgress } from '../../src/ledger/partitions.ts';
import { Coverage } from '../../src/load/coverage.ts';
import { ignoring } from '../../src/load/ignore.ts';
import { isDue, reachOf } from '../../src/load/reach.ts';

const DAY = 86_400_000;
const NOW = new Date('2026-01-10T12:00:00Z');
const TARGET = { feed: 'calls', version: '1', path: 'calls/version=1/format=jsonl' };
const at = (text: string) => new Date(`${text}Z`);

describe('the turn of a feed to be listed whole', () => {
  test('comes once an interval, and never later', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: 3 * DAY }),
        fc.array(fc.integer({ min: 1, max: DAY / 4 }), { minLength: 1, maxLength: 60 }),
        (turn, interval, pauses) => {
          let now = NOW.getTime();
          let listed = now;
          let turns = 0;
          for (const pause of pauses) {
            now += pause;
            if (!isDue(turn, new Date(listed), interval, new Date(now))) {
              expect(now - listed).toBeLessThanOrEqual(interval);
              continue;
            }
            listed = now;
            turns += 1;
          }
          expect(turns).toBeLessThanOrEqual(Math.ceil((now - NOW.getTime()) / interval) + 1);
        },
      ),
    );
  });

  test('is spread: of 43 feeds that were listed together, few are due in any quarter of an hour', () => {
    const quarters = Array.from({ length: 96 }, (_, index) => NOW.getTime() + (index + 1) * 15 * 60_000);
    const listed = new Map(Array.from({ length: 43 }, (_, index) => [`messaging/feed_${index}`, NOW]));
    const due = quarters.map((now) => {
      const turns = [...listed].filter(([turn, before]) => isDue(turn, before, DAY, new Date(now)));
      for (const [turn] of turns) listed.set(turn, new Date(now));
      return turns.length;
    });
    expect(due.reduce((sum, count) => sum + count)).toBe(43);
    expect(Math.max(...due)).toBeLessThanOrEqual(4);
  });

  test('comes with each run where the interval is zero, and at once where the feed was never listed', () => {
    expect(isDue('a', NOW, 0, NOW)).toBe(true);
    expect(isDue('a', undefined, 365 * DAY, NOW)).toBe(true);
  });
});

describe('the reach of a listing', () => {
  const options = { lookBackDays: 7, fullListing: 365 * DAY, now: NOW, source: 'messaging' };
  const progress = (more: Partial<FeedProgress> = {}): FeedProgress => ({
    newest: at('2026-01-09T23:00'),
    listedAt: NOW,
    awaited: [],
    sample: `${TARGET.path}/dt=2026-01-09/hr=23`,
    ...more,
  });

  test('is everything at first, and only some days after that', () => {
    expect(reachOf(TARGET, undefined, options)).toMatchObject({ since: undefined, whole: true });
    expect(reachOf(TARGET, progress(), options)).toMatchObject({
      since: at('2026-01-02T00:00'),
      whole: false,
    });
    expect(reachOf(TARGET, progress({ listedAt: undefined }), options)).toMatchObject({ whole: true });
  });

  test('is not whole where days are left out', () => {
    const since = at('2026-01-01T00:00');
    expect(reachOf(TARGET, undefined, { ...options, since })).toMatchObject({ since, whole: false });
    expect(reachOf(TARGET, undefined, { ...options, until: since })).toMatchObject({ whole: false });
  });

  test('includes folders for what is awaited: by partition, or by day where there are many', () => {
    const missing = (...times: string[]) => times.map((time) => ({ time: at(time), path: undefined }));
    const besides = (more: Partial<FeedProgress>) =>
      reachOf(TARGET, progress(more), options).beside.map((path) => path.slice(TARGET.path.length + 1));
    const gap = missing('2025-12-01T07:00');
    expect(besides({ awaited: gap })).toEqual(['dt=2025-12-01/hr=07']);
    expect(besides({ awaited: gap, sample: `${TARGET.path}/dt=2026-01-09` })).toEqual(['dt=2025-12-01']);
    expect(besides({ awaited: gap, sample: `${TARGET.path}/dt=2026-01-09/hr=23/mi=45` })).toEqual([
      'dt=2025-12-01/hr=07/mi=00',
    ]);
    const day = missing(...['00', '01', '02', '03'].map((hour) => `2025-12-01T${hour}:00`));
    expect(besides({ awaited: day })).toEqual(['dt=2025-12-01']);
    const empty = { time: at('2025-12-02T00:00'), path: `${TARGET.path}/dt=2025-12-02/hr=00` };
    expect(besides({ awaited: [empty, ...gap] })).toEqual(['dt=2025-12-02/hr=00', 'dt=2025-12-01/hr=07']);
  });
});

describe('what a listing covers', () => {
  test('is one level of a folder, and what would be below folders that are not there', () => {
    const coverage = new Coverage();
    coverage.level('', ['calls', 'junk']);
    coverage.level('calls', ['version=1']);
    expect(coverage.covers('README.txt')).toBe(true);
    expect(coverage.covers('gone/x/')).toBe(true);
    expect(coverage.covers('junk/x/')).toBe(false);
    expect(coverage.covers('calls/v1/')).toBe(true);
    expect(coverage.covers('calls/version=1/format=csv/')).toBe(false);
    expect(coverage.covers('calls/version=1/')).toBe(true);
  });

  test('is a whole tree, from a day on', () => {
    const coverage = new Coverage();
    coverage.tree(TARGET.path, 'dt=2026-01-02');
    coverage.tree(`${TARGET.path}/dt=2025-12-01/hr=07`);
    const covers = (path: string) => coverage.covers(`${TARGET.path}/${path}`);
    expect(covers('dt=2026-01-02/hr=7/calls.jsonl')).toBe(true);
    expect(covers('dt=__HIVE_DEFAULT_PARTITION__/calls.jsonl')).toBe(true);
    expect(covers('dt=2026-01-01/hr=7/calls.jsonl')).toBe(false);
    expect(covers('dt=2025-12-01/hr=07/x')).toBe(true);
    expect(covers('dt=2025-12-01/hr=08/x')).toBe(false);
    expect(coverage.covers('other/x')).toBe(false);
  });
});

test.each([
  ['lost+found/**', 'lost+found/x/', true],
  ['lost+found/**', 'lost+found/x/y.txt', true],
  ['lost+found/**', 'lostfound/x', false],
  ['**/*.csv', 'calls/version=1/format=jsonl/dt=2026-01-05/calls.csv', true],
  ['*.csv', 'calls/calls.csv', false],
  ['.stfolder/**', '.stfolder/marker/', true],
  ['calls/version=1/format=parquet', 'calls/version=1/format=parquet/', true],
])('ignore: %s matches %s: %s', (pattern, path, expected) => {
  expect(ignoring([pattern])(path)).toBe(expected);
  expect(ignoring(undefined)(path)).toBe(false);
});
