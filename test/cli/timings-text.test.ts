import { expect, test } from 'vitest';
import { timingsText } from '../../src/cli/timings-text.ts';

const NONE = { listing: 0, fetching: 0, staging: 0, building: 0, testing: 0, publishing: 0 };

test('the times of a run are said in the order of its day, with what belongs to no stage at the end', () => {
  const stages = { ...NONE, listing: 0.25, staging: 1.1, publishing: 0.05 };
  expect(timingsText({ starting: 0.4, stages, whole: 2, cpu: 1.9 })).toBe(
    'took 2.00 s: starting 0.40, listing 0.25, staging 1.10, publishing 0.05, the rest 0.20; 1.90 s of CPU',
  );
});

test('what took no time is not mentioned', () => {
  expect(timingsText({ starting: 0.5, stages: { ...NONE, testing: 0.001 }, whole: 0.501, cpu: 0.4 })).toBe(
    'took 0.50 s: starting 0.50; 0.40 s of CPU',
  );
});
