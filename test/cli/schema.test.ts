import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { documentText, feedDoc } from '../schema/support.ts';
import { PROGRAM } from '../support/build.ts';
import { Project } from '../support/project.ts';

const COLUMNS = { id: 'bigint', name: 'varchar(191)', seconds: 'int' };

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

async function command(project: Project, ...args: string[]): Promise<Ended> {
  try {
    const done = await promisify(execFile)(process.execPath, [PROGRAM, ...args], { cwd: project.folder });
    return { code: 0, ...done };
  } catch (error) {
    return error as Ended;
  }
}

/** What a command prints, as data; the exit code must be as expected. */
async function printed(
  project: Project,
  code: number,
  ...args: string[]
  // biome-ignore lint/suspicious/noExplicitAny: whatever the command prints
): Promise<any> {
  const ended = await command(project, ...args, '--output', 'json');
  expect(ended.code, ended.stderr).toBe(code);
  return JSON.parse(ended.stdout);
}

test('commands plan, hold, accept and undo schema changes', { timeout: 120_000 }, async () => {
  await using project = await Project.create(
    'models: ./models\nsources:\n  phones:\n    connector: local\n    path: ./feeds\n    group: phones\n',
  );
  await project.write(
    'models/marts/names.sql',
    "select name, id + 1 as next from {{ ref('phones', 'calls') }}\n",
  );
  const publish = (day: string, columns: Record<string, string>) =>
    project.write(`feeds/export_docs/dt=${day}/export_docs.yaml`, documentText([feedDoc('calls', columns)]));
  await publish('2026-01-05', COLUMNS);
  await project.partition('calls', '2026-01-05', [
    { id: 1, name: '12', flag: true },
    { id: 2, name: 'Ann' },
  ]);
  expect((await command(project, 'run', '-q')).code).toBe(0);

  await publish('2026-01-06', { ...COLUMNS, name: 'bigint', flag: 'boolean' });
  const plan = await printed(project, 3, 'schema', 'apply', '--dry-run');
  expect(plan).toMatchObject([
    {
      change: 2,
      feed: 'phones.calls',
      column: 'name',
      kind: 'type_changed',
      decision: 'held',
      read_by: 'marts.names',
    },
    {
      change: 3,
      column: 'flag',
      kind: 'column_added',
      decision: 'applied',
      rows_rewritten: 1,
      models_rebuilt: 'phones.calls',
      read_by: null,
    },
    { change: null, kind: 'comments and columns' },
  ]);
  expect(plan[1]?.statements).toContain('ALTER TABLE "staging_phones"."calls" ADD COLUMN "flag" BOOLEAN');
  expect(await printed(project, 0, 'schema', 'diff')).toMatchObject([
    { feed: 'phones.calls', column: 'flag', finding: 'not documented', observed: 'BOOLEAN', rows: 1 },
    { feed: 'phones.calls', column: 'seconds', finding: 'never seen', rows: 0 },
  ]);

  const run = await command(project, 'run', '-q');
  expect(run.code).toBe(3);
  const held = 'schema change 2 is held: phones.calls.name: type changed, VARCHAR -> BIGINT';
  expect(run.stderr).toContain(held);
  expect(run.stderr).not.toContain('passed over');
  expect((await command(project, 'status')).stdout).toContain(held);
  expect(await printed(project, 3, 'status')).toMatchObject({
    attention: [{ kind: 'schema_change', feed: 'phones.calls', message: held }],
    feeds: [{ feed: 'phones.calls', held: 1 }],
  });
  expect(await printed(project, 0, 'query', 'SELECT id, name, flag FROM phones.calls ORDER BY id')).toEqual([
    { id: 1, name: '12', flag: true },
    { id: 2, name: 'Ann', flag: null },
  ]);

  await printed(project, 0, 'schema', 'accept', '2');
  expect(await printed(project, 0, 'status')).toMatchObject({ feeds: [{ feed: 'phones.calls', held: 0 }] });
  expect((await command(project, 'run', '-q')).code).toBe(0);
  expect(await printed(project, 0, 'query', 'SELECT id, name FROM phones.calls ORDER BY id')).toEqual([
    { id: 1, name: 12 },
    { id: 2, name: null },
  ]);
  expect(await printed(project, 0, 'schema', 'history', '--feed', 'calls')).toMatchObject([
    { change: 1, kind: 'feed_added', decision: 'applied' },
    { change: 2, column: 'name', kind: 'type_changed', decision: 'applied', rows_rewritten: 2 },
    { change: 3, column: 'flag', kind: 'column_added', decision: 'applied', rows_rewritten: 1 },
  ]);
  expect(await printed(project, 0, 'schema', 'history')).toMatchObject([
    { document: 1, group: 'phones', feeds: 1, changes: 1, followed: false },
    { document: 2, group: 'phones', feeds: 1, changes: 2, followed: true },
  ]);
  expect(await printed(project, 0, 'schema', 'diff', '--from', '2026-01-05', '--to', '2026-01-06')).toEqual([
    { feed: 'phones.calls', column: 'name', kind: 'type_changed', before: 'VARCHAR', after: 'BIGINT' },
    { feed: 'phones.calls', column: 'flag', kind: 'column_added', before: null, after: 'BOOLEAN' },
  ]);

  const [undone] = await printed(project, 0, 'schema', 'accept', '--reject', '2', '--dry-run');
  expect(undone).toMatchObject({
    change: 2,
    column: 'name',
    decision: 'undone',
    rows_rewritten: 1,
    models_rebuilt: 'phones.calls',
    read_by: 'marts.names',
    statements: expect.stringContaining('ALTER COLUMN "name" SET DATA TYPE VARCHAR'),
  });
  expect((await command(project, 'schema', 'accept', '--reject', '2')).stderr).toContain(
    '1 schema change undone',
  );
  expect((await command(project, 'run', '-q')).code).toBe(0);
  expect(await printed(project, 0, 'query', 'SELECT id, name FROM phones.calls ORDER BY id')).toEqual([
    { id: 1, name: '12' },
    { id: 2, name: 'Ann' },
  ]);

  for (const [args, message] of [
    [['schema', 'accept', '99'], 'there is no schema change 99'],
    [['schema', 'diff', '--from', '2026-01-05'], '--from and --to go together'],
    [['schema', 'history', '--feed', 'nothing'], 'there is no feed named nothing'],
    [['schema', 'apply', '--file', 'nothing.yaml'], 'nothing.yaml is not there'],
  ] as const) {
    const ended = await command(project, ...args);
    expect(ended.code, args.join(' ')).toBe(2);
    expect(ended.stderr).toContain(message);
  }
});

test('a version without rows is accepted only with --allow-empty', { timeout: 120_000 }, async () => {
  await using project = await Project.create(
    'sources:\n  phones:\n    connector: local\n    path: ./feeds\n    group: phones\n',
  );
  const calls = feedDoc('calls', COLUMNS);
  const publish = (day: string, ...feeds: (typeof calls)[]) =>
    project.write(`feeds/export_docs/dt=${day}/export_docs.yaml`, documentText(feeds));
  await publish('2026-01-05', calls);
  await project.partition('calls', '2026-01-05', [{ id: 1 }, { id: 2 }]);
  expect((await command(project, 'run', '-q')).code).toBe(0);
  await publish('2026-01-06', calls, { ...calls, version: '2' });
  expect((await command(project, 'run', '-q')).code).toBe(3);

  const lost = 'version 2 of phones.calls has no rows yet: built from it, the table loses its 2 rows';
  for (const words of [['--dry-run'], []]) {
    const { code, stdout, stderr } = await command(project, 'schema', 'accept', '2', ...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`error: ${lost}\n  → load its rows first: asapp-warehouse load`);
  }
  expect(await project.loader('FROM ops.runs SELECT command, exit_code ORDER BY run_id')).toEqual([
    { command: 'run', exit_code: 0 },
    { command: 'run', exit_code: 3 },
    { command: 'schema', exit_code: 2 },
  ]);
  const rows = () => printed(project, 0, 'query', 'SELECT count(*) AS rows FROM phones.calls');
  expect((await command(project, 'run', '-q')).code).toBe(3);
  expect(await rows()).toEqual([{ rows: 2 }]);

  const plan = await command(project, 'schema', 'accept', '2', '--allow-empty', '--dry-run');
  expect(plan).toMatchObject({ code: 0, stderr: expect.stringContaining(`warning: ${lost}`) });
  expect((await command(project, 'schema', 'accept', '2', '--allow-empty')).code).toBe(0);
  expect((await command(project, 'run', '-q')).code).toBe(0);
  expect(await rows()).toEqual([{ rows: 0 }]);
  expect((await command(project, 'schema', 'accept', '--reject', '2')).code).toBe(0);
  expect((await command(project, 'run', '-q')).code).toBe(0);
  expect(await rows()).toEqual([{ rows: 2 }]);
});
