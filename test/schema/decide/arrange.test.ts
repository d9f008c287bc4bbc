import { expect, test } from 'vitest';
import { byUrgency, summarizeNeverSeen } from '../../../src/schema/decide/arrange.ts';
import type { Difference, DifferenceKind } from '../../../src/schema/differences.ts';

function difference(feed: string, finding: DifferenceKind, column?: string): Difference {
  return {
    group: 'messaging',
    feed,
    column,
    finding,
    published: undefined,
    present: undefined,
    observed: undefined,
    rows: 0,
    since: undefined,
    example: undefined,
  };
}

test('what waits for a person stands before a hundred feeds that never came, which are one line', () => {
  const never = Array.from({ length: 100 }, (_, number) => difference(`feed${number}`, 'never seen'));
  const found = [
    ...never,
    difference('calls', 'never seen', 'mood'),
    difference('reps', 'never seen', 'name'),
    difference('calls', 'never seen', 'seconds'),
    difference('calls', 'not documented', 'flag'),
    difference('calls', 'type contradicted', 'id'),
    difference('calls', 'to be seen #3: pii on'),
    difference('calls', 'held #2: type changed VARCHAR -> BIGINT', 'name'),
  ];
  const sorted = byUrgency(found);
  expect(sorted).toHaveLength(found.length);
  expect(
    summarizeNeverSeen(sorted).map(({ feed, column, finding, example }) => [feed, column, finding, example]),
  ).toEqual([
    ['calls', 'name', 'held #2: type changed VARCHAR -> BIGINT', undefined],
    ['calls', undefined, 'to be seen #3: pii on', undefined],
    ['calls', 'id', 'type contradicted', undefined],
    ['calls', 'flag', 'not documented', undefined],
    ['calls', undefined, '2 columns never seen', 'mood, seconds'],
    ['reps', 'name', 'never seen', undefined],
    ['', undefined, '100 feeds never seen', 'feed0, feed1, feed2, …'],
  ]);
});
