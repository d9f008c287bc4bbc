import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asapp } from '../support/command.ts';
import { Project } from '../support/project.ts';

let project: Project;

beforeAll(async () => {
  project = await Project.create(
    'models: ./models\nsources: { messaging: { connector: local, path: ./feeds } }\n',
  );
  await project.partition('reps', '2026-01-05', [{ rep_id: 1, name: 'Ada' }, { rep_id: 2 }]);
  await project.write('models/marts/named.sql', `select rep_id, name from {{ ref('reps') }}`);
  await project.write(
    'models/marts/schema.yml',
    `models:
  - name: named
    columns:
      - { name: rep_id, tests: [unique] }
      - { name: name, tests: [not_null] }
unit_tests:
  - name: adds_up
    model: named
    given: [{ input: ref('reps'), rows: [{ rep_id: 1 }] }]
    expect: { rows: [{ rep_id: 2 }] }
`,
  );
});
afterAll(() => project[Symbol.asyncDispose]());

const HEAD = 'test,model,column,status,failures,seconds';

test('run says which tests failed, how to look, and exits with 3', async () => {
  const { exit, stderr } = await asapp(project, ['run']);
  expect(exit).toBe(3);
  expect(stderr).toContain(
    'warning: test not_null_marts_named_name failed: 1 row without a value\n  → asapp-warehouse test --select not_null_marts_named_name',
  );
  expect(stderr).toContain('warning: marts.named is not published: test not_null_marts_named_name failed');
});

describe('test', () => {
  test('prints a row for each test, and on stderr what fails', async () => {
    const { exit, stdout, stderr } = await asapp(project, ['test', '--select', 'named', '--output', 'csv']);
    expect(exit).toBe(3);
    expect(
      stdout
        .replace(/,[\d.]+$/gm, ',SECONDS')
        .trimEnd()
        .split('\n'),
    ).toEqual([
      HEAD,
      'unique_marts_named_rep_id,marts.named,rep_id,pass,0,SECONDS',
      'not_null_marts_named_name,marts.named,name,fail,1,SECONDS',
      'adds_up,marts.named,,fail,2,SECONDS',
    ]);
    expect(stderr).toContain(
      'error: test not_null_marts_named_name failed: 1 row without a value\n  {"rep_id":"2","name":null}',
    );
    expect(stderr).toContain(
      'error: test adds_up failed: 2 rows missing or not expected\n    rep_id\n  + 1\n  - 2\n',
    );
    expect(stderr).toContain('3 tests: 1 passed, 2 failed');
  });

  test('exits with 0 when all that is selected passes', async () => {
    const { exit, stdout } = await asapp(project, ['test', '--select', 'reps', '--output', 'json']);
    expect(exit).toBe(0);
    expect(JSON.parse(stdout).map(({ test, status }: Record<string, string>) => [test, status])).toEqual([
      ['key_unique_messaging_reps', 'pass'],
      ['key_not_null_messaging_reps', 'pass'],
      ['conservation_messaging_reps', 'pass'],
    ]);
  });

  test('with --dry-run says what it would run, and runs nothing', async () => {
    const results = 'SELECT count(*) AS results FROM ops.test_results';
    const before = await project.loader(results);
    const words = ['test', '--dry-run', '--select', 'adds_up', '--output', 'csv'];
    expect(await asapp(project, [...words])).toMatchObject({
      exit: 0,
      stdout: `${HEAD}\nadds_up,marts.named,,planned,,\n`,
    });
    expect(await project.loader(results)).toEqual(before);
  });

  test('refuses a selection that matches nothing, with the nearest name', async () => {
    const { exit, stderr } = await asapp(project, ['test', '--select', 'add_up']);
    expect(exit).toBe(2);
    expect(stderr).toContain('error: the selection add_up matches nothing (did you mean "adds_up"?)');
  });
});

describe('ls', () => {
  test('lists the models of a selection', async () => {
    const { exit, stdout } = await asapp(project, ['ls', '--select', '+named', '--output', 'csv']);
    expect(exit).toBe(0);
    expect(stdout).toBe(`model,materialized,tags,file,reads
messaging.reps,dedup,"",models/messaging/reps.sql,source:messaging.reps
marts.named,view,"",models/marts/named.sql,messaging.reps
`);
  });

  test('prints tags and what a model reads as lists in JSON', async () => {
    const { stdout } = await asapp(project, ['ls', '--select', 'named', '--output', 'json']);
    expect(JSON.parse(stdout)).toEqual([
      {
        model: 'marts.named',
        materialized: 'view',
        tags: [],
        file: 'models/marts/named.sql',
        reads: ['messaging.reps'],
      },
    ]);
  });
});
