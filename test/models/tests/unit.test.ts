import { describe, expect, test } from 'vitest';
import type { TestOutcome } from '../../../src/models/tests/run-test.ts';
import { Bench, documented } from '../../support/test-bench.ts';
import type { Files } from '../support.ts';

const CALLS = documented({ id: 'BIGINT', ts: 'TIMESTAMP', agent: 'VARCHAR', facts: 'JSON' });

const MODELS: Files = {
  'models/messaging/calls.sql': `{{ config(materialized='dedup', unique_key=['id'], order_by=['ts']) }}
select * from {{ source('messaging', 'calls') }}`,
  'models/marts/agents.sql': `select agent, count(*) as calls, max(ts) as latest_ts from {{ ref('calls') }} group by all`,
};

/** Runs one unit test. There is no data in the warehouse. */
async function run(test: string, more: Files = {}): Promise<TestOutcome> {
  const yml = `unit_tests:\n  - name: it\n${test.replace(/^/gm, '    ')}`;
  await using bench = await Bench.open({ ...MODELS, ...more, 'models/schema.yml': yml }, '', CALLS);
  const [outcome] = await bench.run(['it']);
  return outcome as TestOutcome;
}

const ADA_AND_BO = `given:
  - input: ref('calls')
    rows:
      - { id: 1, agent: Ada, ts: 2026-01-01 10:00:00 }
      - { id: 2, agent: Ada, ts: '2026-01-01T12:00:00+02:00' }
      - { id: 3, agent: Bo, ts: 2026-01-01 09:00:00.5 }`;

describe('a unit test', () => {
  test('passes when the model gives the rows expected, in any order', async () => {
    const outcome = await run(`model: agents
${ADA_AND_BO}
expect:
  rows:
    - { agent: Bo, calls: 1, latest_ts: 2026-01-01 09:00:00.5 }
    - { agent: Ada, calls: 2, latest_ts: 2026-01-01 10:00:00 }`);
    expect(outcome).toMatchObject({ status: 'pass', failures: 0, model: 'marts.agents', severity: 'error' });
  });

  test('does not compare columns that no expected row names', async () => {
    const outcome = await run(
      `model: agents\n${ADA_AND_BO}\nexpect: { rows: [{ agent: Ada }, { agent: Bo }] }`,
    );
    expect(outcome.status).toBe('pass');
  });

  test('shows the rows that differ, similar ones next to each other', async () => {
    const outcome = await run(`model: agents
${ADA_AND_BO}
expect:
  rows:
    - { agent: Ada, calls: 2 }
    - { agent: Bo, calls: 12 }
    - { agent: Cy, calls: 1 }`);
    expect(outcome).toMatchObject({ status: 'fail', failures: 3 });
    expect(outcome.message).toBe('3 rows missing or not expected');
    expect(outcome.lines).toEqual(['  agent  calls', '+ Bo     1', '- Bo     12', '- Cy     1']);
  });

  test('counts how often the same row comes', async () => {
    const once = await run(
      `model: agents\n${ADA_AND_BO}\nexpect: { rows: [{ agent: Ada }, { agent: Bo }, { agent: Bo }] }`,
    );
    expect(once.lines).toEqual(['  agent', '- Bo']);
  });

  test('expects no rows where it says so', async () => {
    const none = await run(`model: agents\ngiven: [{ input: ref('calls'), rows: [] }]\nexpect: { rows: [] }`);
    expect(none.status).toBe('pass');
    const some = await run(`model: agents\n${ADA_AND_BO}\nexpect: { rows: [] }`);
    expect(some).toMatchObject({ status: 'fail', failures: 2 });
  });

  test('takes an input of which it says nothing as empty', async () => {
    expect(await run('model: agents\nexpect: { rows: [] }')).toMatchObject({ status: 'pass' });
  });
});

describe('a unit test of a dedup model', () => {
  test('expects the latest version by its ordering, then by its partition, then by its line', async () => {
    const outcome = await run(`model: calls
given:
  - input: source('messaging', 'calls')
    rows:
      - { id: 1, agent: late, ts: 2026-01-02 00:00:00 }
      - { id: 1, agent: early, ts: 2026-01-01 00:00:00 }
      - { id: 2, agent: new_partition, _partition_ts: 2026-01-02 00:00:00 }
      - { id: 2, agent: old_partition, _partition_ts: 2026-01-01 00:00:00 }
      - { id: 3, agent: first_line }
      - { id: 3, agent: second_line }
      - { id: , agent: no_key }
      - { id: 4, agent: other_file, _file_id: 9, _line: 1 }
      - { id: 4, agent: this_file, _file_id: 10, _line: 1 }
expect:
  rows:
    - { id: 1, agent: late }
    - { id: 2, agent: new_partition }
    - { id: 3, agent: second_line }
    - { id: 4, agent: this_file }
    - { id: null, agent: no_key }`);
    expect(outcome.lines).toEqual([]);
    expect(outcome.status).toBe('pass');
  });

  test('takes a JSON value in whatever way it is spelled', async () => {
    const outcome = await run(`model: calls
given:
  - input: source('messaging', 'calls')
    rows: [{ id: 1, facts: { a: [1, 2] } }, { id: 2, facts: '{"b":  3}' }]
expect:
  rows: [{ id: 1, facts: '{ "a": [1,2] }' }, { id: 2, facts: { b: 3 } }]`);
    expect(outcome.lines).toEqual([]);
  });
});

test('a unit test of an incremental model can ask for the rows that it would add', async () => {
  const sql = `{{ config(materialized='incremental', unique_key='id') }}
select id, ts from {{ ref('calls') }} {% if is_incremental() %}where ts > (select max(ts) from {{ this }}){% endif %}`;
  const given = `model: grown
given:
  - { input: ref('calls'), rows: [{ id: 1, ts: 2026-01-01 00:00:00 }, { id: 2, ts: 2026-01-02 00:00:00 }] }
  - { input: this, rows: [{ id: 1, ts: 2026-01-01 00:00:00 }] }`;
  const more = { 'models/marts/grown.sql': sql };
  const adding = await run(
    `${given}\noverrides: { macros: { is_incremental: true } }\nexpect: { rows: [{ id: 2 }] }`,
    more,
  );
  expect(adding.lines).toEqual([]);
  const all = await run(`${given}\nexpect: { rows: [{ id: 1 }, { id: 2 }] }`, more);
  expect(all.lines).toEqual([]);
});

test('a unit test takes the types that nobody documents from its rows', async () => {
  const outcome = await run(
    `model: unknown
given:
  - input: source('messaging', 'mystery')
    rows: [{ n: 1, r: 1.5, t: 2026-01-01 00:00:00, s: x, b: true, o: { a: 1 } }, { n: 2 }]
expect:
  rows: [{ types: 'BIGINT DOUBLE TIMESTAMP VARCHAR BOOLEAN JSON' }]`,
    {
      'models/marts/unknown.sql': `select distinct concat_ws(' ', typeof(n), typeof(r), typeof(t), typeof(s), typeof(b), typeof(o)) as types
from {{ source('messaging', 'mystery') }}`,
    },
  );
  expect(outcome.lines).toEqual([]);
});

describe('a unit test says what is wrong with', () => {
  test.each([
    [
      'rows for a column that is not there',
      `model: agents\ngiven: [{ input: ref('calls'), rows: [{ agnet: Ada }] }]\nexpect: { rows: [] }`,
      `models/schema.yml:2: the rows given for ref('messaging', 'calls') name "agnet", which is no column (did you mean "agent"?)`,
    ],
    [
      'a value that its column cannot hold',
      `model: agents\ngiven: [{ input: ref('calls'), rows: [{ id: one }] }]\nexpect: { rows: [] }`,
      `models/schema.yml:2: the rows given for ref('messaging', 'calls'): Conversion Error: Could not convert string 'one' to INT64`,
    ],
    [
      'an expected column that the model does not give',
      'model: agents\nexpect: { rows: [{ call: 1 }] }',
      'models/schema.yml:2: the rows that marts.agents should give name "call", which is no column (did you mean "calls"?)',
    ],
  ])('%s', async (_, written, message) => {
    expect(await run(written)).toMatchObject({ status: 'error', message });
  });
});

test('unit tests leave nothing behind, for each other or in the warehouse', async () => {
  const yml = `unit_tests:
  - name: some
    model: agents
    given: [{ input: ref('calls'), rows: [{ agent: Ada }] }]
    expect: { rows: [{ calls: 1 }] }
  - name: none
    model: agents
    expect: { rows: [] }
  - name: staged
    model: calls
    given: [{ input: "source('messaging', 'calls')", rows: [{ id: 1 }] }]
    expect: { rows: [{ id: 1 }] }
  - name: staged_again
    model: calls
    given: [{ input: "source('messaging', 'calls')", rows: [{ id: 2 }] }]
    expect: { rows: [{ id: 2 }] }`;
  await using bench = await Bench.open({ ...MODELS, 'models/schema.yml': yml }, '', CALLS);
  const outcomes = await bench.run(['some', 'none', 'staged', 'staged_again']);
  expect(outcomes.map(({ status, lines }) => [status, lines])).toEqual(Array(4).fill(['pass', []]));
  expect(
    await bench.session.rows("SELECT table_name FROM duckdb_tables() WHERE schema_name <> 'ops'"),
  ).toEqual([]);
});
