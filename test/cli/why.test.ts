import { afterAll, beforeAll, expect, test } from 'vitest';
import { asapp } from '../support/command.ts';
import { Project } from '../support/project.ts';

let project: Project;

beforeAll(async () => {
  project = await Project.create(
    'models: ./models\nsources: { messaging: { connector: local, path: ./feeds } }\n',
  );
  await project.partition('reps', '2026-01-05', [{ rep_id: 1, name: 'Ada' }]);
  await project.partition('reps', '2026-01-06', [{ rep_id: 1, name: 'Ada L.', hobby: 'chess' }]);
  await project.write('models/marts/named.sql', `select rep_id, name from {{ ref('reps') }}`);
  await project.run();
});
afterAll(() => project[Symbol.asyncDispose]());

test('why prints each version of a record', async () => {
  const { exit, stdout } = await asapp(project, ['why', 'reps', 'rep_id=1', '--output', 'json']);
  expect(exit).toBe(0);
  expect(JSON.parse(stdout)).toEqual([
    {
      rep_id: '1',
      created_ts: null,
      _partition_ts: '2026-01-06 00:00:00',
      source: 'messaging',
      path: 'reps/version=1/format=jsonl/dt=2026-01-06/reps.jsonl',
      _line: 1,
      verdict: 'winner',
      _rescued: { hobby: 'chess' },
    },
    {
      rep_id: '1',
      created_ts: null,
      _partition_ts: '2026-01-05 00:00:00',
      source: 'messaging',
      path: 'reps/version=1/format=jsonl/dt=2026-01-05/reps.jsonl',
      _line: 1,
      verdict: 'partition',
      _rescued: null,
    },
  ]);
});

test('why says that there is no such record, which is no failure', async () => {
  const { exit, stdout, stderr } = await asapp(project, ['why', 'reps', 'rep_id=2', '--output', 'json']);
  expect({ exit, stdout }).toEqual({ exit: 0, stdout: '[]\n' });
  expect(stderr).toContain('no such record was received');
});

test('why of a mart says which question to ask of the model that it is made from', async () => {
  const { exit, stdout, stderr } = await asapp(project, ['why', 'named', 'name=Ada L.', '--output', 'csv']);
  expect(exit).toBe(0);
  expect(stdout).toBe(
    'model,unique_key,ask\nmessaging.reps,rep_id,asapp-warehouse why messaging.reps rep_id=1\n',
  );
  expect(stderr).toContain('marts.named is a view, 1 row of it matches');
});

test('why refuses a model or a column that is not there, and names the nearest', async () => {
  const column = await asapp(project, ['why', 'reps', 'repid=1']);
  expect(column.exit).toBe(2);
  expect(column.stderr).toContain('messaging.reps has no column "repid" (did you mean "rep_id"?)');
  const model = await asapp(project, ['why', 'rep', 'rep_id=1']);
  expect(model.exit).toBe(2);
  expect(model.stderr).toContain('did you mean');
});
