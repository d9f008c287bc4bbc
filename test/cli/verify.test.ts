import { afterAll, beforeAll, expect, test } from 'vitest';
import { asapp } from '../support/command.ts';
import { Project } from '../support/project.ts';

let project: Project;

beforeAll(async () => {
  project = await Project.create();
  await project.partition('reps', '2026-01-05', [{ rep_id: 1, name: 'Ada' }]);
  await project.partition('intents', '2026-01-05', [{ code: 'a' }]);
});
afterAll(() => project[Symbol.asyncDispose]());

test('verify before the first run says that there is nothing yet', async () => {
  const { exit, stderr } = await asapp(project, ['verify']);
  expect(exit).toBe(1);
  expect(stderr).toMatch(/warehouse\.duckdb is not there yet\n {2}→ asapp-warehouse run makes it/);
});

test('verify prints a line for each check, and exits with 0 when all hold', async () => {
  await project.run();
  const { exit, stdout, stderr } = await asapp(project, ['verify', '--output', 'csv', '--select', 'reps']);
  expect(exit).toBe(0);
  expect(stdout).toBe(`check,name,result,detail
conservation,messaging.reps,holds,1 file: 1 line = 1 staged + 0 rejected
conservation,messaging.reps,holds,staged 1 = kept 1 + superseded 0
incremental,messaging.reps,holds,"equals a full build, row for row"
determinism,messaging.reps,holds,"the same rows from shuffled input, by one thread and by many"
ties,messaging.reps,holds,none
null keys,messaging.reps,holds,none
misfits,messaging.reps,holds,none
published,messaging.reps,holds,the same 1 row
`);
  expect(stderr).toContain('8 checks of 8 hold');
});

test('verify --sample 1 checks the determinism of one model', async () => {
  const { stdout } = await asapp(project, ['verify', '--sample', '1', '--output', 'json']);
  const found: { check: string }[] = JSON.parse(stdout);
  expect(found.filter(({ check }) => check === 'determinism')).toHaveLength(1);
});

test('verify exits with 3 and names the file that breaks', async () => {
  {
    await using workspace = await project.open();
    await workspace.session.run('DELETE FROM staging_messaging.intents');
  }
  const { exit, stderr } = await asapp(project, ['verify']);
  expect(exit).toBe(3);
  expect(stderr).toContain(
    'warning: conservation does not hold: messaging:intents/version=1/format=jsonl/dt=2026-01-05/intents.jsonl: messaging.intents: 1 line ≠ 0 staged + 0 rejected',
  );
});
