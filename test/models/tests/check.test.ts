import { describe, expect, test } from 'vitest';
import { inOrder, problemText } from '../../../src/models/problems.ts';
import { sqlProblems, testProblems } from '../../../src/models/tests/check.ts';
import { Bench, documented } from '../../support/test-bench.ts';
import type { Files } from '../support.ts';

const CALLS = documented({ id: 'BIGINT', started_ts: 'TIMESTAMP', channel: 'VARCHAR' });

const FILES = {
  'models/messaging/calls.sql': `{{ config(materialized='dedup', unique_key=['id'], order_by=['started_ts']) }}
select * from {{ source('messaging', 'calls') }}`,
  'models/marts/daily.sql': `select cast(started_ts as date) as day, channel, count(*) as calls
from {{ ref('calls') }} group by all`,
};

/** What is said of a properties file before anything is built, without any data. */
async function problems(yml: string, more: Files = {}): Promise<string[]> {
  await using bench = await Bench.open({ ...FILES, 'models/schema.yml': yml, ...more }, '', CALLS);
  return await bench.problems();
}

describe('before anything is built', () => {
  test('nothing is reported of what is right', async () => {
    expect(
      await problems(
        `models:
  - name: daily
    columns:
      - { name: day, tests: [not_null] }
      - { name: CHANNEL, tests: [{ accepted_values: { values: [chat] } }] }
    tests:
      - expression: calls > 0
      - unique: { combination_of_columns: [day, channel], where: calls > 1 }
  - name: calls
    columns: [{ name: _partition_ts, tests: [not_null] }]
    tests: [{ relationships: { column_name: id, to: "source('messaging', 'calls')", field: _line } }]`,
        { 'models/tests/none.sql': `select * from {{ ref('daily') }} where calls < 1` },
      ),
    ).toEqual([]);
  });

  test.each([
    [
      'a column that is described that is not there',
      'models:\n  - name: daily\n    columns:\n      - name: dya\n        tests: [not_null]',
      'models/schema.yml:4: marts.daily has no column "dya" (did you mean "day"?)',
    ],
    [
      'a column of a test that is not there',
      'models:\n  - name: daily\n    tests:\n      - not_null: { column_name: calsl }',
      'models/schema.yml:4: marts.daily has no column "calsl" (did you mean "calls"?)',
    ],
    [
      'a column that staging has and the deduped table does not',
      'models:\n  - name: calls\n    tests:\n      - not_null: { column_name: _rescued }',
      'models/schema.yml:4: messaging.calls has no column "_rescued"',
    ],
    [
      'the field of another table that is not there',
      `models:\n  - name: calls\n    tests:\n      - relationships: { column_name: channel, to: ref('daily'), field: chanel }`,
      'models/schema.yml:4: marts.daily has no column "chanel" (did you mean "channel"?)',
    ],
    [
      'a column of a where that is not there',
      'models:\n  - name: daily\n    tests:\n      - not_null: { column_name: day, where: no_such > 1 }',
      'models/schema.yml:4: not_null_marts_daily_day: Binder Error: Referenced column "no_such" not found',
    ],
    [
      'an expression that is no SQL',
      'models:\n  - name: daily\n    tests:\n      - expression: calls >',
      'models/schema.yml:4: expression_marts_daily: Parser Error: syntax error at or near ")"',
    ],
  ])('%s is named with its place', async (_, yml, problem) => {
    const found = await problems(yml);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(problem);
  });

  test('a query of a test is named with its line when it cannot be run', async () => {
    const sql = `select *\n{# a remark\nof two lines #}\nfrom {{ ref('daily') }}\nwhere no_such = 1`;
    const setup = 'CREATE SCHEMA marts; CREATE TABLE marts.daily AS SELECT 1 AS day';
    await using bench = await Bench.open({ ...FILES, 'models/tests/some.sql': sql }, setup, CALLS);
    const [outcome] = await bench.run(['some']);
    expect(outcome?.status).toBe('error');
    expect(outcome?.message).toMatch(/^models\/tests\/some\.sql:5: Binder Error: .*no_such/);
  });

  test('a column of a test is named with its place and what is meant when it cannot be run', async () => {
    const yml = 'models:\n  - name: daily\n    tests:\n      - not_null: { column_name: calsl }';
    const setup = 'CREATE SCHEMA marts; CREATE TABLE marts.daily AS SELECT 1 AS day';
    await using bench = await Bench.open({ ...FILES, 'models/schema.yml': yml }, setup, CALLS);
    expect(await bench.run(['not_null_marts_daily_calsl'])).toMatchObject([
      {
        status: 'error',
        message: 'models/schema.yml:4: marts.daily has no column "calsl" (did you mean "calls"?)',
      },
    ]);
  });

  test('all problems are reported at once', async () => {
    expect(
      await problems('models:\n  - name: daily\n    columns:\n      - name: a1\n      - name: b2'),
    ).toHaveLength(2);
  });
});

test('a test may name a column that its model will have, though its table has not got it yet', async () => {
  const yml = 'models: [{ name: daily, columns: [{ name: channel, tests: [not_null] }] }]';
  const setup = 'CREATE SCHEMA marts; CREATE TABLE marts.daily AS SELECT 1 AS day';
  await using bench = await Bench.open({ ...FILES, 'models/schema.yml': yml }, setup, CALLS);
  expect(await bench.problems()).toEqual([]);
});

test('a test may name a column that data brought, though nobody documents it', async () => {
  const yml = 'models: [{ name: calls, columns: [{ name: mood, tests: [not_null] }] }]';
  const setup = `CREATE SCHEMA staging_messaging; CREATE TABLE staging_messaging.calls AS SELECT 1::BIGINT AS id,
    'good' AS mood, now()::TIMESTAMP AS _partition_ts, 1::BIGINT AS _file_id, 1::BIGINT AS _line`;
  await using bench = await Bench.open({ ...FILES, 'models/schema.yml': yml }, setup, CALLS);
  expect(await bench.problems()).toEqual([]);
});

describe('nothing is reported', () => {
  const missing = 'models: [{ name: daily, columns: [{ name: no_such }] }]';

  test('of models that are not to be built', async () => {
    await using bench = await Bench.open({ ...FILES, 'models/schema.yml': missing }, '', CALLS);
    expect(await bench.problems(['messaging.calls'])).toEqual([]);
    expect(await bench.problems(['marts.daily'])).toHaveLength(1);
  });

  test('of what nobody can know yet', async () => {
    // Neither documents nor data say which columns the feed has.
    await using bench = await Bench.open({ ...FILES, 'models/schema.yml': missing });
    expect(await bench.problems()).toEqual([]);
  });

  test('of a table that is named without ref(), which only the warehouse knows', async () => {
    expect(
      await problems('models: []', { 'models/tests/t.sql': 'select * from somewhere.else_than_here' }),
    ).toEqual([]);
  });
});

describe('where the SQL of models is wrong', () => {
  /** What is said of new models and, with them, of the tests of those that are to be built. */
  async function mistakes(more: Files, models: string[], chosen = models): Promise<string[]> {
    await using bench = await Bench.open({ ...FILES, ...more }, '', CALLS);
    const wrong = await sqlProblems(bench.project, bench.shapes, new Set(models));
    const tests = await testProblems(bench.project, bench.shapes, new Set(chosen));
    return inOrder([...wrong, ...tests]).map(problemText);
  }
  const WRONG = { 'models/marts/wrong.sql': "select no_such from {{ ref('calls') }}" };
  const DAILY = {
    'models/marts/daily.yml': 'models: [{ name: daily, columns: [{ name: dya }] }]',
  };

  test('what is wrong with the tests of other models is reported with it', async () => {
    const ids = ['marts.wrong', 'marts.daily'];
    const told = [
      expect.stringMatching(/^models\/marts\/daily\.yml:1: marts\.daily has no column "dya"/),
      expect.stringMatching(/^models\/marts\/wrong\.sql:1: Binder Error: .*no_such/),
    ];
    expect(await mistakes({ ...WRONG, ...DAILY }, ids)).toEqual(told);
    // A model that was built before is not looked at, and its tests are.
    expect(await mistakes({ ...WRONG, ...DAILY }, ['marts.wrong'], ids)).toEqual(told);
  });

  test('tests and models that only suffer from it are not reported', async () => {
    const yml = `models:
  - name: wrong
    columns: [{ name: no_such, tests: [not_null, unique] }]
    tests: [{ expression: no_such > 0 }]
  - name: unkeyed
    columns: [{ name: day, tests: [not_null] }]
  - name: below
    columns: [{ name: no_such, tests: [not_null] }]
  - name: daily
    tests: [{ relationships: { column_name: day, to: ref('wrong'), field: no_such } }]`;
    const more = {
      ...WRONG,
      'models/marts/below.sql': "select no_such from {{ ref('wrong') }}",
      'models/marts/unkeyed.sql': `{{ config(materialized='dedup', unique_key='no_such') }}
select * from {{ source('messaging', 'calls') }}`,
      'models/schema.yml': yml,
      'models/tests/wrong.sql': "select * from {{ ref('wrong') }} where no_such = 1",
      'models/tests/below.sql': "select * from {{ ref('below') }} join {{ ref('daily') }} using (no_such)",
    };
    const ids = ['marts.wrong', 'marts.below', 'marts.unkeyed', 'marts.daily', 'messaging.calls'];
    expect(await mistakes(more, ids)).toEqual([
      expect.stringMatching(/^models\/marts\/unkeyed\.sql: unique_key names no_such/),
      expect.stringMatching(/^models\/marts\/wrong\.sql:1: Binder Error: .*no_such/),
    ]);
  });
});
