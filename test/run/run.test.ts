import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { StorageError } from '../../src/errors.ts';
import { startRun } from '../../src/ledger/runs.ts';
import { build } from '../../src/models/build/build.ts';
import { STAGES } from '../../src/timings.ts';
import { listen, Project, said } from '../support/project.ts';

const FEED = 'voice_intents';
const record = (id: number) => ({ issue_id: id, voice_intent_code: 'X', company_name: 'acme' });
const COUNT = `SELECT count(*) AS rows FROM messaging.${FEED}`;
const RUNS =
  'SELECT run_id, command, status, exit_code, rows_staged, rows_rejected, message FROM ops.runs ORDER BY run_id';

describe('a run keeps a record', () => {
  test('of when it began and ended, what it staged, and that all is well', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [record(1), record(2)]);
    await project.run();
    await project.load();
    await project.build();
    const done = { status: 'done', exit_code: 0, rows_rejected: 0, message: null };
    expect(await project.loader(RUNS)).toEqual([
      { run_id: 1, command: 'run', rows_staged: 2, ...done },
      { run_id: 2, command: 'load', rows_staged: 0, ...done },
      { run_id: 3, command: 'build', rows_staged: 0, ...done },
    ]);
    expect(await project.loader('SELECT DISTINCT started_at, finished_at FROM ops.runs')).toEqual([
      { started_at: project.now, finished_at: project.now },
    ]);
  });

  test('of where its time went, of which how long publishing took is noted by the next one', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [record(1)]);
    await project.run();
    // The copy cannot say how long it takes to make it, and has the rows that the loader's file has.
    const publishing = 'SELECT publishing_seconds FROM ops.runs WHERE run_id = 1';
    expect(await project.loader(publishing)).toEqual([{ publishing_seconds: null }]);
    await project.run();
    const [spent = {}] = await project.loader(
      "SELECT COLUMNS(c -> c LIKE '%_seconds') FROM ops.runs WHERE run_id = 1",
    );
    expect(Object.keys(spent)).toEqual(STAGES.map((stage) => `${stage}_seconds`));
    for (const seconds of Object.values(spent)) expect(seconds).toEqual(expect.any(Number));
    expect(spent.staging_seconds).toBeGreaterThan(0);
    expect(spent.publishing_seconds).toBeGreaterThan(0);
  });

  test('which the published copy shows as it ended', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [record(1)]);
    await project.run();
    expect(await project.published('SELECT status, exit_code FROM ops.runs')).toEqual([
      { status: 'done', exit_code: 0 },
    ]);
  });

  test('of what a person should look at', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [record(1), '{"issue_id":']);
    const { exitCode, attention } = await project.run();
    expect({ exitCode, attention: said(attention) }).toEqual({
      exitCode: 3,
      attention: ['1 rejected row, and max_rejected_rows is 0'],
    });
    expect(await project.loader(RUNS)).toMatchObject([
      { status: 'attention', exit_code: 3, rows_staged: 1, rows_rejected: 1, message: attention[0]?.message },
    ]);
  });

  test('of the error that ended it', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [record(1)]);
    project.reporter = listen({
      info: () => {
        throw new StorageError('the disk is full');
      },
    });
    await expect(project.run()).rejects.toThrow('the disk is full');
    expect(await project.loader(RUNS)).toMatchObject([
      { status: 'failed', exit_code: 1, rows_staged: 1, message: 'the disk is full' },
    ]);
  });

  test('and marks that of a killed run as killed', async () => {
    await using project = await Project.create();
    await project.run();
    await using workspace = await project.open();
    await workspace.session.run(
      "UPDATE ops.runs SET status = 'running', finished_at = NULL, exit_code = NULL",
    );
    await workspace[Symbol.asyncDispose]();
    await project.run();
    expect(await project.loader(RUNS)).toMatchObject([
      { run_id: 1, status: 'killed', exit_code: null },
      { run_id: 2, status: 'done', exit_code: 0 },
    ]);
    expect(await project.loader('SELECT finished_at FROM ops.runs WHERE run_id = 1')).not.toEqual([
      { finished_at: null },
    ]);
  });

  test('but none of a dry run', async () => {
    await using project = await Project.create();
    await project.run();
    await project.run({ dryRun: true });
    expect(await project.loader('SELECT count(*) AS runs FROM ops.runs')).toEqual([{ runs: 1 }]);
  });
});

describe('what is published', () => {
  test('is written only when there is anything new', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [record(1)]);
    expect(await project.run()).toMatchObject({ published: true });
    expect(await project.run()).toMatchObject({ published: false });
    await project.partition(FEED, '2026-01-09 08', {});
    expect(await project.run()).toMatchObject({ published: true });
    const states = await project.published('SELECT state FROM ops.partitions ORDER BY partition_ts');
    expect(states).toEqual([{ state: 'loaded' }, { state: 'empty' }]);
  });

  test('is written again when it is gone', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [record(1)]);
    await project.run();
    await rm(project.path('published'), { recursive: true });
    expect(await project.run()).toMatchObject({ published: true });
    expect(await project.published(COUNT)).toEqual([{ rows: 1 }]);
  });

  test('is written by the next run when it could not be written in this one', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [record(1)]);
    await project.run();
    await project.partition(FEED, '2026-01-09 08', [record(2)]);
    // A file where the folder should be.
    await rename(project.path('published'), project.path('aside'));
    await writeFile(project.path('published'), '');
    await expect(project.run()).rejects.toThrow();
    expect(await project.loader('SELECT status FROM ops.runs WHERE run_id = 2')).toEqual([
      { status: 'failed' },
    ]);
    await rm(project.path('published'));
    await rename(project.path('aside'), project.path('published'));
    expect(await project.published(COUNT)).toEqual([{ rows: 1 }]);
    expect(await project.run()).toMatchObject({ published: true });
    expect(await project.published(COUNT)).toEqual([{ rows: 2 }]);
  });

  test('includes what a killed run had only loaded', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [record(1)]);
    await project.run();
    // No model reads this feed.
    await project.partition('ivr_calls', '2026-01-09 07', [{ call: 1 }]);
    await project.load();
    expect(await project.run()).toMatchObject({ published: true });
    expect(await project.published('SELECT DISTINCT feed FROM ops.files ORDER BY feed')).toEqual([
      { feed: 'ivr_calls' },
      { feed: FEED },
    ]);
  });

  test('is not touched by load', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [record(1)]);
    expect(await project.load()).toMatchObject({ published: false });
    expect(existsSync(project.path('published'))).toBe(false);
    expect(await project.build()).toMatchObject({ published: true });
  });
});

test('the vendor’s counts are compared by the next run when one was killed before it did so', async () => {
  await using project = await Project.create();
  await project.partition(FEED, '2026-01-09 07', [record(1)]);
  const count = { export_job: FEED, export_interval: 'hr=07', exported_rows: 5, company_name: 'acme' };
  await project.partition('export_row_counts', '2026-01-09 07', [{ ...count, export_date: '2026-01-09' }]);
  await project.partition('export_row_counts', '2026-01-09 08', [{ ...count, export_date: '2026-01-10' }]);
  await project.load();
  await using workspace = await project.open();
  // All that a run does before it looks at what came of it.
  await build(workspace, await startRun(workspace.session, 'run', project.now));
  await workspace[Symbol.asyncDispose]();
  expect(await project.run()).toMatchObject({
    exitCode: 3,
    attention: [
      { kind: 'counts_differ', message: `1 day of feeds whose row counts differ from the vendor's` },
    ],
  });
});
