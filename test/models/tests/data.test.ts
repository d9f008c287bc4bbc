import { describe, expect, test } from 'vitest';
import type { TestOutcome } from '../../../src/models/tests/run-test.ts';
import { Bench } from '../../support/test-bench.ts';

const AGENTS = `{{ config(materialized='table') }} select 1 as agent_id, 'a' as name`;
const TABLE = `CREATE SCHEMA marts;
CREATE TABLE marts.agents AS FROM (VALUES
  (1, 'Ada', 'chat', 1.0, 2), (1, 'Bo', 'chat', 2.0, 2), (2, NULL, 'voice', 1.5, 9), (NULL, NULL, NULL, NULL, 2))
  AS t(agent_id, name, channel, score, team);
CREATE TABLE marts.teams AS SELECT 2 AS team_id;`;

const FILES = {
  'models/marts/agents.sql': AGENTS,
  'models/marts/teams.sql': `{{ config(materialized='table') }} select 1 as team_id`,
};

/** Runs tests of `marts.agents`, written as in a properties file. */
async function outcomesOf(tests: string, more: Record<string, string> = {}): Promise<TestOutcome[]> {
  const indented = tests.replace(/^/gm, '      ');
  const yml = `models:\n  - name: agents\n    tests:\n${indented}\n`;
  await using bench = await Bench.open({ ...FILES, ...more, 'models/marts/schema.yml': yml }, TABLE);
  return await bench.run();
}

function endings(outcomes: readonly TestOutcome[]): [string, number][] {
  return outcomes.map(({ status, failures }) => [status, failures]);
}

describe('a test fails for', () => {
  test.each<[string, string, number]>([
    ['values that come more than once, NULL apart', '- unique: { column_name: agent_id }', 1],
    ['combinations that come more than once', '- unique: { combination_of_columns: [agent_id, channel] }', 1],
    ['rows without a value', '- not_null: { column_name: name }', 2],
    ['values that are not accepted', '- accepted_values: { column_name: channel, values: [chat] }', 1],
    [
      'rows whose value another table lacks',
      `- relationships: { column_name: team, to: ref('teams'), field: team_id }`,
      1,
    ],
    ['rows for which an expression does not hold', '- expression: team < 9', 1],
    ['an expression about a column', '- expression: { column_name: score, expression: "> 1" }', 1],
  ])('%s', async (_, written, failures) => {
    expect(endings(await outcomesOf(written))).toEqual([['fail', failures]]);
  });

  test('each row of a query', async () => {
    const query = `select * from {{ ref('agents') }} where team = 2 -- a comment at its end`;
    const outcomes = await outcomesOf('[]', { 'models/tests/no_team_2.sql': query });
    expect(outcomes).toMatchObject([
      { test: 'no_team_2', model: 'marts.agents', status: 'fail', failures: 3 },
    ]);
  });
});

describe('a test passes', () => {
  test.each([
    '- unique: { column_name: name }',
    '- unique: { column_name: agent_id, where: "name = \'Ada\'" }',
    '- not_null: { column_name: name, where: agent_id = 1 }',
    '- accepted_values: { column_name: channel, values: [chat, voice] }',
    '- accepted_values: { column_name: score, values: [1, 1.5, 2] }',
    '- accepted_values: { column_name: team, values: [2, 9], quote: false }',
    `- relationships: { column_name: team, to: ref('teams'), field: team_id, where: team = 2 }`,
    '- expression: "team > 1 -- a comment at its end"',
  ])('when the rows meet %s', async (written) => {
    expect(endings(await outcomesOf(written))).toEqual([['pass', 0]]);
  });
});

test('a test says what fails, and shows some of it', async () => {
  const [outcome] = await outcomesOf('- unique: { column_name: agent_id }');
  expect(outcome).toMatchObject({
    test: 'unique_marts_agents_agent_id',
    model: 'marts.agents',
    column_name: 'agent_id',
    severity: 'error',
    message: '1 value more than once',
    lines: ['{"agent_id":1,"n_records":2}'],
  });
});

test.each([
  ['severity: warn', 'warn'],
  ['error_if: ">2"', 'warn'],
  ['error_if: ">=2"', 'fail'],
  ['error_if: ">2", warn_if: ">2"', 'pass'],
])('two failing rows with the setting %s have the status %s', async (settings, status) => {
  const outcomes = await outcomesOf(`- not_null: { column_name: name, ${settings} }`);
  expect(endings(outcomes)).toEqual([[status, 2]]);
});

test('store_failures keeps what fails now, and no longer what failed before', async () => {
  const yml = `models: [{ name: agents, tests: [{ not_null: { column_name: name, store_failures: true } }] }]`;
  await using bench = await Bench.open({ ...FILES, 'models/marts/schema.yml': yml }, TABLE);
  const [outcome] = await bench.run();
  expect(outcome?.message).toBe('2 rows without a value, kept in test_failures.not_null_marts_agents_name');
  const stored = 'SELECT agent_id, team FROM test_failures.not_null_marts_agents_name ORDER BY ALL';
  expect(await bench.session.rows(stored)).toEqual([
    { agent_id: 2, team: 9 },
    { agent_id: null, team: 2 },
  ]);
  await bench.session.run(`UPDATE marts.agents SET name = 'x'`);
  expect(endings(await bench.run())).toEqual([['pass', 0]]);
  expect(await bench.session.rows(stored)).toEqual([]);
});

test('a test that cannot be run says where it is written', async () => {
  const [outcome] = await outcomesOf('- expression: no_such_column > 1');
  expect(outcome?.status).toBe('error');
  expect(outcome?.message).toMatch(
    /^models\/marts\/schema\.yml:4: expression_marts_agents: Binder Error: .*no_such_column/,
  );
});

test('a test of a model that is not there is skipped', async () => {
  const yml = `models: [{ name: agents, columns: [{ name: name, tests: [not_null] }] }]`;
  await using bench = await Bench.open({ ...FILES, 'models/marts/schema.yml': yml });
  expect(await bench.run()).toMatchObject([{ status: 'skipped', message: 'marts.agents is not there yet' }]);
});
