import { expect, test } from 'vitest';
import { Bench } from '../../support/test-bench.ts';

const FILES = {
  'models/messaging/calls.sql': `{{ config(materialized='dedup', unique_key=['id', 'part'], order_by=['ts']) }}
select * from {{ source('messaging', 'calls') }}`,
};

const STAGED_COMMENT = `CREATE SCHEMA staging_messaging; CREATE SCHEMA messaging;
CREATE TABLE staging_messaging.calls AS SELECT *, TIMESTAMP '2026-01-01' AS _partition_ts,
  TIMESTAMP '2026-01-02' AS _loaded_at, NULL::JSON AS _rescued
FROM (VALUES (1, 1, 10, 1, 1), (1, 1, 11, 1, 2), (2, NULL, 10, 1, 3), (2, NULL, 11, 2, 1), (3, 1, 10, 2, 2))
  AS t(id, part, ts, _file_id, _line);
CREATE TABLE messaging.calls AS SELECT * EXCLUDE (_loaded_at, _rescued) FROM staging_messaging.calls
WHERE (_file_id, _line) IN ((1, 2), (2, 1), (2, 2));`;

const UNIQUE = 'key_unique_messaging_calls';
const NOT_NULL = 'key_not_null_messaging_calls';
const CONSERVED = 'conservation_messaging_calls';

/** How the tests that nobody wrote end, after something was done to the tables. */
async function endings(done = '', since?: number) {
  await using bench = await Bench.open(FILES, `${STAGED_COMMENT}${done}`);
  const outcomes = await bench.run(
    undefined,
    new Map(since === undefined ? [] : [['messaging.calls', since]]),
  );
  return Object.fromEntries(outcomes.map(({ test, status, message }) => [test, [status, message]]));
}

const NULLS = ['warn', '1 row with NULL in part'];

test('a dedup table that is right has no failures, and its NULL keys are counted', async () => {
  expect(await endings()).toEqual({
    [UNIQUE]: ['pass', null],
    [NOT_NULL]: NULLS,
    [CONSERVED]: ['pass', null],
  });
});

test.each([
  [
    'a version of a record that was kept, too',
    `INSERT INTO messaging.calls SELECT * EXCLUDE (_loaded_at, _rescued) FROM staging_messaging.calls WHERE _line = 1 AND _file_id = 1`,
    { [UNIQUE]: ['fail', '1 key more than once'], [CONSERVED]: ['fail', 'staged 5 ≠ kept 4 + superseded 3'] },
  ],
  [
    'a record that was lost',
    'DELETE FROM messaging.calls WHERE id = 3',
    { [UNIQUE]: ['pass', null], [CONSERVED]: ['fail', 'staged 5 ≠ kept 2 + superseded 2'] },
  ],
  [
    'a record that was lost and one that was made up, which make up for each other in number',
    'UPDATE messaging.calls SET id = 4 WHERE id = 3',
    {
      [UNIQUE]: ['pass', null],
      [CONSERVED]: ['fail', 'staged 5 ≠ kept 2 + superseded 2, and 1 row kept that nobody staged'],
    },
  ],
])('the tests of a dedup table find %s', async (_, done, expected) => {
  expect(await endings(done)).toMatchObject(expected);
  // The same when only the rows of the later file are accounted for, where the fault is among them.
  if (!done.startsWith('INSERT')) {
    const { [CONSERVED]: conserved } = await endings(done, 1);
    expect(conserved?.[0]).toBe('fail');
  }
});

test('the tests of a dedup table account only for later rows when told to', async () => {
  const doubled = `INSERT INTO messaging.calls FROM messaging.calls WHERE id = 2;`;
  expect(await endings(doubled, 1)).toMatchObject({ [UNIQUE]: ['fail', '1 key more than once'] });
  expect(await endings(doubled, 2)).toMatchObject({ [UNIQUE]: ['pass', null], [CONSERVED]: ['pass', null] });
  expect(await endings('', 1)).toMatchObject({ [UNIQUE]: ['pass', null], [CONSERVED]: ['pass', null] });
});
