import { rename } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import type { TestOptions } from '../../../src/models/tests/test.ts';
import { testOnly } from '../../../src/run/run.ts';
import { Project, said } from '../../support/project.ts';

const YAML = `models: ./models
sources:
  messaging: { connector: local, path: ./feeds }
`;

/** Conversations with more than two messages are not to be: which comes with the data, and goes with it. */
const SMALL = `models:
  - name: talks
    columns:
      - name: issue_id
        tests: [not_null]
      - name: messages
        tests: [{ expression: { expression: '<= 2', name: few_messages } }]
`;
const TALKS = `select issue_id, customer_sent_msgs as messages from {{ ref('convos_metrics') }}`;

let project: Project;

beforeEach(async () => {
  project = await Project.create(YAML);
  await project.write('models/marts/talks.sql', TALKS);
  await project.write('models/marts/schema.yml', SMALL);
  await deliver('2026-01-05 00', [1, 1], [2, 2]);
});
afterEach(() => project[Symbol.asyncDispose]());

/** One hour of conversations, each with its id and its number of messages. */
function deliver(time: string, ...rows: [id: number | null, messages: number][]): Promise<string> {
  const lines = rows.map(([issue_id, customer_sent_msgs]) => ({ issue_id, customer_sent_msgs }));
  return project.partition('convos_metrics', time, lines);
}

async function runTests(options: TestOptions = {}) {
  await using workspace = await project.open(options.dryRun ? { dryRun: true } : {});
  return await testOnly(workspace, options);
}

/** Does something to the loader's own tables, as nobody should. */
async function tamper(sql: string): Promise<void> {
  await using workspace = await project.open();
  await workspace.session.run(sql);
}

function published(): Promise<unknown[]> {
  return project.published('FROM marts.talks ORDER BY issue_id');
}

const lastRun = () =>
  project
    .loader('SELECT status, exit_code, message FROM ops.runs ORDER BY run_id DESC LIMIT 1')
    .then(([row]) => row);

describe('a test that fails in a run', () => {
  beforeEach(async () => {
    expect(await project.run()).toMatchObject({ exitCode: 0, published: true });
    await deliver('2026-01-05 01', [3, 3]);
  });

  test('keeps what analysts had, asks for a look and says how', async () => {
    const outcome = await project.run();
    expect(outcome).toMatchObject({ exitCode: 3, published: true });
    expect(said(outcome.attention)).toEqual([
      'test few_messages failed: 1 row for which it does not hold',
      'marts.talks stays as it was: test few_messages failed',
    ]);
    expect(await published()).toHaveLength(2);
    expect(await lastRun()).toEqual({
      status: 'attention',
      exit_code: 3,
      message: said(outcome.attention).join('\n'),
    });
    expect(
      await project.loader(`SELECT run_id, model, column_name, severity, status, failures FROM ops.test_results
        WHERE test = 'few_messages' ORDER BY run_id`),
    ).toEqual([
      {
        run_id: 1,
        model: 'marts.talks',
        column_name: 'messages',
        severity: 'error',
        status: 'pass',
        failures: 0,
      },
      {
        run_id: 2,
        model: 'marts.talks',
        column_name: 'messages',
        severity: 'error',
        status: 'fail',
        failures: 1,
      },
    ]);
  });

  test('keeps it for as long as it fails, whatever else is built', async () => {
    await project.run();
    expect(await project.run()).toMatchObject({ exitCode: 3, published: false });
    await project.write('models/marts/other.sql', 'select 1 as one');
    expect(await project.build({ select: ['other'] })).toMatchObject({
      exitCode: 3,
      published: true,
      built: { built: ['marts.other'] },
    });
    expect(await published()).toHaveLength(2);
  });

  test('keeps nothing back once the data is mended', async () => {
    await project.run();
    await deliver('2026-01-05 02', [3, 2]);
    expect(await project.run()).toMatchObject({ exitCode: 0, published: true });
    expect(await published()).toHaveLength(3);
  });

  test('keeps nothing back once the test is changed, though nothing is to be built', async () => {
    await project.run();
    await project.write('models/marts/schema.yml', SMALL.replace('<= 2', '<= 3'));
    expect(await project.run()).toMatchObject({ exitCode: 0, published: true, built: { built: [] } });
    expect(await published()).toHaveLength(3);
  });

  test('keeps nothing back once the test is gone', async () => {
    await project.run();
    await project.write('models/marts/schema.yml', 'models: []');
    expect(await project.run()).toMatchObject({ exitCode: 0, published: true });
  });

  test('keeps nothing back when its severity is warn', async () => {
    await project.write('models/marts/schema.yml', SMALL.replace('name: few', 'severity: warn, name: few'));
    expect(await project.run()).toMatchObject({ exitCode: 0, published: true });
    expect(project.reporter.warnings).toContain('few_messages: 1 row for which it does not hold');
    expect(await published()).toHaveLength(3);
  });
});

test('the first run leaves out of the copy what fails its test', async () => {
  await deliver('2026-01-05 01', [3, 3]);
  expect(await project.run()).toMatchObject({ exitCode: 3, published: true });
  await expect(published()).rejects.toThrow(/talks" does not exist/);
  expect(await project.published('FROM messaging.convos_metrics')).toHaveLength(3);
});

test('what a killed run had not published is published by the next', async () => {
  await project.run();
  await deliver('2026-01-05 01', [3, 1]);
  await rename(project.path('published/warehouse.duckdb'), project.path('old'));
  await project.run();
  await rename(project.path('old'), project.path('published/warehouse.duckdb'));
  expect(await project.run()).toMatchObject({ built: { built: [] }, published: true });
  expect(await published()).toHaveLength(3);
  expect(await project.run()).toMatchObject({ published: false });
});

test('what a killed run had not tested is tested by the next, before it is published', async () => {
  await project.run();
  await deliver('2026-01-05 01', [3, 3]);
  await project.run();
  await tamper('DELETE FROM ops.test_results WHERE run_id = 2');
  expect(await project.run()).toMatchObject({ exitCode: 3, published: false, built: { built: [] } });
  expect(await published()).toHaveLength(2);
});

describe('a run tests', () => {
  const names = (tests: readonly { test: string }[] = []) => tests.map(({ test }) => test);

  test('what it built, and nothing when there is nothing new', async () => {
    const first = await project.run();
    expect(names(first.tests)).toEqual([
      'not_null_marts_talks_issue_id',
      'few_messages',
      'key_unique_messaging_convos_metrics',
      'key_not_null_messaging_convos_metrics',
      'conservation_messaging_convos_metrics',
    ]);
    expect(names((await project.run()).tests)).toEqual([]);
  });

  test('a new test once, though its model is as it was', async () => {
    await project.run();
    await project.write('models/tests/new_one.sql', `select * from {{ ref('talks') }} where messages > 9`);
    expect(names((await project.run()).tests)).toEqual(['new_one']);
    expect(names((await project.run()).tests)).toEqual([]);
  });

  test('the staged rows, when more came', async () => {
    await project.write(
      'models/tests/staged.sql',
      `{{ config(severity='warn') }} select * from {{ source('messaging', 'convos_metrics') }} where false`,
    );
    await project.run();
    await deliver('2026-01-05 01', [4, 1]);
    expect(names((await project.run()).tests)).toContain('staged');
  });

  test('a unit test when its model has changed, and not when its data has', async () => {
    const unit = `unit_tests:
  - name: counts
    model: talks
    given: [{ input: ref('convos_metrics'), rows: [{ issue_id: 1, customer_sent_msgs: 2 }] }]
    expect: { rows: [{ messages: 2 }] }`;
    await project.write('models/marts/unit.yml', unit);
    expect(names((await project.run()).tests)).toContain('counts');
    await deliver('2026-01-05 01', [4, 1]);
    expect(names((await project.run()).tests)).not.toContain('counts');
    await project.write('models/marts/talks.sql', TALKS.replace(' as', ' + 1 as'));
    const changed = await project.run();
    expect(changed).toMatchObject({ exitCode: 3, published: true });
    expect(changed.attention[0]?.message).toMatch(/^test few_messages failed|^test counts failed/);
    expect(changed.tests?.find(({ test }) => test === 'counts')).toMatchObject({ status: 'fail' });
  });

  test('NULL keys, with a warning', async () => {
    await deliver('2026-01-05 01', [null, 1]);
    await project.write('models/marts/schema.yml', 'models: []');
    expect(await project.run()).toMatchObject({ exitCode: 0, published: true });
    expect(project.reporter.warnings).toEqual([
      'key_not_null_messaging_convos_metrics: 1 row with NULL in issue_id',
    ]);
  });
});

describe('a dedup table that is not what it should be', () => {
  test('is found by the command test, and then looked at by each build until it is right', async () => {
    await project.run();
    // Its row, which no later build would look at, is there twice; so is one of the record that the next hour changes.
    await tamper('INSERT INTO messaging.convos_metrics FROM messaging.convos_metrics WHERE issue_id = 1');
    await deliver('2026-01-05 01', [2, 1]);
    expect(await project.run()).toMatchObject({ exitCode: 0 });
    const { tests: outcomes, exitCode } = await runTests();
    expect(exitCode).toBe(3);
    expect(outcomes.filter(({ status }) => status === 'fail').map(({ test }) => test)).toEqual([
      'key_unique_messaging_convos_metrics',
      'conservation_messaging_convos_metrics',
    ]);
    // Now that it is known to be wrong, all of it is looked at, until it is right.
    await deliver('2026-01-05 02', [2, 2]);
    expect(await project.run()).toMatchObject({ exitCode: 3, published: true });
    expect(await project.build({ fullRefresh: true })).toMatchObject({ exitCode: 0, published: true });
  });

  test('is looked at whole when rows were replaced', async () => {
    await project.run();
    await tamper('INSERT INTO messaging.convos_metrics FROM messaging.convos_metrics WHERE issue_id = 1');
    // The same hour again, with another row 2.
    await deliver('2026-01-05 01', [7, 1]);
    await project.run();
    await deliver('2026-01-05 01', [8, 1]);
    const outcome = await project.run();
    expect(outcome).toMatchObject({ exitCode: 3, published: true });
    expect(said(outcome.attention).join()).toContain(
      'key_unique_messaging_convos_metrics failed: 1 key more than once',
    );
  });
});

describe('the command test', () => {
  test('runs all tests of all rows, unit tests too, and publishes nothing', async () => {
    await project.run();
    const before = await project.published('SELECT max(run_id) AS run FROM ops.runs');
    const { tests: outcomes, exitCode, published: again } = await runTests();
    const models = outcomes.map(({ model }) => model);
    expect(models.filter((model) => model === 'marts.talks')).toHaveLength(2);
    expect(models.filter((model) => model === 'messaging.convos_metrics')).toHaveLength(3);
    expect(outcomes.every(({ status }) => status === 'pass')).toBe(true);
    expect({ exitCode, again }).toEqual({ exitCode: 0, again: false });
    expect(await project.published('SELECT max(run_id) AS run FROM ops.runs')).toEqual(before);
    expect(await project.loader('SELECT count(*) AS results FROM ops.test_results WHERE run_id = 2')).toEqual(
      [{ results: outcomes.length }],
    );
  });

  test.each([
    [['few_messages'], [], ['few_messages']],
    [['talks'], [], ['not_null_marts_talks_issue_id', 'few_messages']],
    [['talks'], ['few_messages'], ['not_null_marts_talks_issue_id']],
    [['conservation_*'], [], ['conservation_messaging_convos_metrics']],
    [['+talks'], ['convos_metrics'], ['not_null_marts_talks_issue_id', 'few_messages']],
    [['path:models/marts'], [], ['not_null_marts_talks_issue_id', 'few_messages']],
    [[], ['talks', 'key_*'], ['conservation_messaging_convos_metrics']],
  ])('with --select %j --exclude %j runs the tests that these mean', async (select, exclude, expected) => {
    await project.run();
    const { chosen } = await runTests({ select, exclude, dryRun: true });
    // Models that come with the program have unit tests, which need no data.
    const ours = chosen.ready.filter(({ kind }) => kind !== 'unit');
    expect(ours.map(({ name }) => name)).toEqual(expected);
  });

  test('with --select result:error runs those that failed', async () => {
    await deliver('2026-01-05 01', [3, 3]);
    await project.run();
    const { tests: outcomes } = await runTests({ select: ['result:error'] });
    expect(outcomes).toMatchObject([
      { test: 'few_messages', lines: ['{"issue_id":3,"messages":3.0}'], status: 'fail' },
    ]);
  });

  test('says of rows that no build has seen yet that it cannot account for them', async () => {
    await project.run();
    await deliver('2026-01-05 01', [3, 1]);
    await project.load();
    const { tests: outcomes, exitCode } = await runTests({ select: ['convos_metrics'] });
    expect(exitCode).toBe(0);
    expect(outcomes.map(({ status }) => status)).toEqual(['pass', 'pass', 'skipped']);
  });
});

test('a described column that leaves its feed is missed, though nothing is said otherwise of the models above', async () => {
  const described = (name: string) =>
    `  - name: ${name}\n    columns: [{ name: id }, { name: extra, tests: [not_null] }]\n`;
  await project.write('models/marts/ours.sql', "select * from {{ source('messaging', 'ours') }}");
  await project.write('models/marts/above.sql', "select * from {{ ref('ours') }}");
  await project.write('models/marts/schema.yml', `models:\n${described('above')}`);
  await project.partition('ours', '2026-01-05 00', [{ id: 1, extra: 'x' }]);
  expect((await project.run()).built?.failed).toEqual([]);
  await project.partition('ours', '2026-01-05 01', [{ id: 2, extra: 'x' }]);
  expect((await project.run()).built?.failed).toEqual([]);
  await tamper('ALTER TABLE staging_messaging.ours DROP COLUMN extra');
  await project.partition('ours', '2026-01-05 02', [{ id: 3 }]);
  expect((await project.run()).built?.failed).toMatchObject([
    {
      model: 'marts.above',
      message: expect.stringContaining('marts.above has no column "extra"'),
    },
  ]);
});

describe('a test that names a column that is not there', () => {
  const WRONG = SMALL.replace('name: messages', 'name: massages');

  test('keeps its model from being built', async () => {
    await project.write('models/marts/schema.yml', WRONG);
    const { exitCode, built, published } = await project.run();
    expect({ exitCode, published }).toEqual({ exitCode: 1, published: true });
    expect(built?.failed).toMatchObject([
      {
        model: 'marts.talks',
        message: 'models/marts/schema.yml:6: marts.talks has no column "massages" (did you mean "messages"?)',
      },
    ]);
    expect(built?.built).toEqual(['messaging.convos_metrics']);
  });

  test('is reported together with what is wrong with the SQL of a model', async () => {
    await project.write('models/marts/schema.yml', WRONG);
    await project.write('models/marts/wrong.sql', `select no_such from {{ ref('convos_metrics') }}`);
    const { built } = await project.run();
    expect(built?.failed.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^models\/marts\/schema\.yml:6: marts\.talks has no column "massages"/),
      expect.stringMatching(/^models\/marts\/wrong\.sql:1: Binder Error: .*no_such/),
    ]);
  });

  test('is found when nothing is to be built, and by the command test', async () => {
    await project.run();
    await project.write('models/marts/schema.yml', `${SMALL}    tests: [{ not_null: { column_name: x } }]\n`);
    await project.write('models/tests/wrong.sql', `select no_such from {{ ref('talks') }}`);
    const outcome = await project.run();
    expect(outcome.exitCode).toBe(1);
    expect(outcome.attention.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        expect.stringContaining('marts.talks has no column "x"'),
        expect.stringContaining('models/tests/wrong.sql:1: Binder Error'),
      ]),
    );
    const { exitCode, tests } = await runTests();
    expect(exitCode).toBe(3);
    expect(tests.filter(({ status }) => status === 'error')).toMatchObject([
      { test: 'not_null_marts_talks_x', message: expect.stringContaining('has no column "x"') },
      { test: 'wrong', message: expect.stringContaining('models/tests/wrong.sql:1: Binder Error') },
    ]);
    await expect(runTests({ select: ['nothing_of_the_kind'] })).rejects.toThrow(UsageError);
    await expect(runTests({ select: ['key_*'] })).resolves.toMatchObject({ exitCode: 0 });
  });
});
