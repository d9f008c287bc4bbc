import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { asapp } from '../support/command.ts';
import { Project } from '../support/project.ts';

const CONFIG = `models: ./models
sources:
  archive: {connector: local, path: archive, group: messaging}
  messaging: {connector: local, path: feeds}
`;

function hoursAgo(hours: number): string {
  return new Date(Date.now() - hours * 3_600_000).toISOString().slice(0, 13).replace('T', ' ');
}

function intent(id: number): object {
  return { issue_id: id, voice_intent_code: 'v', company_name: 'acme' };
}

/** A source that is not there, rejected lines, a gap, a file that is broken, and a test of one's own that fails. */
async function troubled(): Promise<Project> {
  const project = await Project.create(CONFIG);
  await project.partition('voice_intents', hoursAgo(1), [intent(1), '{"issue_id":']);
  await project.partition('voice_intents', hoursAgo(3), { '': [intent(2)], '.02.gz': Buffer.from('x') });
  await project.partition('reps', hoursAgo(1), [{ rep_id: 'r1' }]);
  await project.write('models/marts/mine.sql', "select issue_id from {{ ref('voice_intents') }}");
  await project.write(
    'models/marts/mine.yml',
    'models: [{name: mine, columns: [{name: issue_id, tests: [{accepted_values: {values: [7]}}]}]}]\n',
  );
  return project;
}

/** What a run said as warnings and errors, in JSON. */
function items(stderr: string): { kind: string }[] {
  const lines = stderr.trim().split('\n');
  return lines.map((line) => JSON.parse(line)).filter((line) => 'severity' in line);
}

test('status shows all that the run reported and has its exit code, whichever part of it is shown', {
  timeout: 120_000,
}, async () => {
  await using project = await troubled();
  const run = await asapp(project, ['run', '--log-format', 'json']);
  const said = items(run.stderr);
  expect(new Set(said.map(({ kind }) => kind))).toEqual(
    new Set(
      JSON.parse((await asapp(project, ['status', '--output', 'json'])).stdout).attention.map(
        ({ kind }: { kind: string }) => kind,
      ),
    ),
  );
  expect(said.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['source_failed', 'file_failed', 'rejected_rows', 'missing_partitions']),
  );
  // Fields, not sentences.
  expect(said[0]).toEqual({
    time: expect.any(String),
    level: 'error',
    kind: 'source_failed',
    severity: 'failed',
    source: 'archive',
    message: expect.stringMatching(/^source archive: the folder/),
    hint: expect.any(String),
  });

  const status = await asapp(project, ['status']);
  expect({ run: run.exit, status: status.exit, stderr: status.stderr }).toEqual({
    run: 1,
    status: 1,
    stderr: '',
  });
  const [summary = '', attention = '', table = ''] = status.stdout.split('\n\n');
  expect(summary).toMatch(/^last run {3}1 \(run\), \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, \d+ s ago\n/);
  expect(summary).toMatch(/failed after \d+ s \(exit code 1\)/);
  expect(summary).toMatch(/loaded 3 files \(\d+ B\), 3 rows staged, 1 rejected/);
  expect(attention).toMatch(/^failed: source archive: the folder .*is not there\n {2}→ /);
  for (const { message } of said as unknown as { message: string }[]) expect(attention).toContain(message);
  expect(attention).toMatch(/look at: 1 rejected row, and max_rejected_rows is 0\n {2}→ asapp-warehouse/);
  expect(table).toMatch(/messaging\.voice_intents +failing/);
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(80);

  const only = await asapp(project, ['status', '--attention']);
  expect(only).toEqual({ exit: 1, stderr: '', stdout: `${attention}\n` });
  const rows = JSON.parse((await asapp(project, ['status', '--attention', '--output', 'json'])).stdout);
  expect(rows[0]).toEqual({
    kind: 'source_failed',
    severity: 'failed',
    source: 'archive',
    feed: null,
    model: null,
    count: null,
    message: expect.any(String),
    hint: expect.any(String),
  });
  const feed = await asapp(project, ['status', '--feed', 'reps', '--output', 'json']);
  expect(feed.exit).toBe(1);
  expect(JSON.parse(feed.stdout)).toMatchObject({
    exit_code: 1,
    last_run: { run_id: 1, command: 'run', status: 'failed', exit_code: 1, rows_staged: 3, files: 3 },
    attention: [],
    feeds: [{ feed: 'messaging.reps' }],
  });
  expect(await asapp(project, ['status', '--feed', 'rep'])).toMatchObject({
    exit: 2,
    stderr: expect.stringMatching(/there is no feed named rep \(did you mean "messaging\.reps"\?\)/),
  });
});

test('status with nothing to look at exits with 0, also after a command that was mistyped', {
  timeout: 120_000,
}, async () => {
  await using project = await Project.create();
  await project.partition('voice_intents', hoursAgo(1), [intent(1)]);
  expect((await asapp(project, ['run', '-q'])).exit).toBe(0);
  const before = createHash('sha256').update(await readFile(project.path('warehouse.duckdb')));
  const { exit, stdout, stderr } = await asapp(project, ['status']);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(stdout).toMatch(/\n\nnothing that a person should look at\n\n/);
  expect(stdout).toMatch(/published {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, \d+ s ago\n/);
  // Without the troubles that no feed has.
  const [head = ''] = stdout.split('\n').slice(-4);
  expect(head.split(/\s+/)).toEqual(['feed', 'state', 'newest_partition', 'partitions', 'staged', 'deduped']);
  const after = createHash('sha256').update(await readFile(project.path('warehouse.duckdb')));
  expect(after.digest('hex')).toBe(before.digest('hex'));

  expect((await asapp(project, ['schema', 'accept', '99'])).exit).toBe(2);
  expect((await asapp(project, ['status'])).exit).toBe(0);
  await project.partition('voice_intents', hoursAgo(2), [intent(2)]);
  project.now = new Date();
  expect(await project.load()).toMatchObject({ exitCode: 0 });
  expect((await asapp(project, ['status'])).stdout).toMatch(
    /3 \(load\)[\s\S]*published .*; it does not show yet all that is loaded and built\n/,
  );
});
