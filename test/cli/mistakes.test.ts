import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentText, feedDoc } from '../schema/support.ts';
import { PROGRAM } from '../support/build.ts';
import { asapp } from '../support/command.ts';
import { Project } from '../support/project.ts';

/** What a person gets wrong, or does without thinking; tests of one project that is loaded once. */
let project: Project;

beforeAll(async () => {
  project = await Project.create('sources:\n  phones: {connector: local, path: ./feeds, group: phones}\n');
  await project.write('feeds/export_docs.yaml', documentText([feedDoc('calls', { id: 'bigint' })]));
  await project.partition('calls', '2026-01-09', [{ id: 1 }, '{"id":', '{"id":']);
  project.now = new Date('2026-01-10T12:00:00Z');
});
afterAll(() => project[Symbol.asyncDispose]());

test('a run that follows a schema document does not report the document as passed over', async () => {
  await project.run();
  expect(project.reporter.warnings.filter((line) => line.includes('passed over'))).toEqual([]);
  expect(await project.loader("SELECT count(*) AS n FROM ops.documents WHERE origin = 'source'")).toEqual([
    { n: 1 },
  ]);
});

describe('rejects discard', { timeout: 120_000 }, () => {
  const open = async () => {
    const [row] = await project.loader<{ n: number }>(
      'SELECT count(*) AS n FROM ops.rejected_rows WHERE resolved_at IS NULL',
    );
    return row?.n;
  };

  test('discards nothing unless told which lines, and says what it would discard', async () => {
    const bare = await asapp(project, ['rejects', 'discard']);
    expect(bare).toMatchObject({ exit: 2, stdout: '' });
    expect(bare.stderr).toMatch(/would discard 2 rejected lines: say which, or --all\n {2}→ .*--feed FEED/);
    const dry = await asapp(project, ['rejects', 'discard', '--feed', 'phones.calls', '--dry-run']);
    expect(dry).toMatchObject({ exit: 0, stderr: expect.stringMatching(/would discard 2 rejected lines\n/) });
    const none = await asapp(project, ['rejects', 'discard', '99']);
    expect(none).toMatchObject({ exit: 2, stderr: expect.stringMatching(/no rejected line of these waits/) });
    expect(await open()).toBe(2);
  });

  test('discards every rejected line with --all', async () => {
    const { exit, stderr } = await asapp(project, ['rejects', 'discard', '--all']);
    expect(exit).toBe(0);
    expect(stderr).toMatch(/discarded 2 rejected lines; they are kept/);
    expect(await open()).toBe(0);
  });
});

describe('a path that names something of another kind', { timeout: 120_000 }, () => {
  test.skipIf(process.platform !== 'linux')('is reported in one line', async () => {
    const endless = await asapp(project, ['status', '--config', '/dev/zero']);
    expect(endless).toMatchObject({
      exit: 2,
      stdout: '',
      stderr: expect.stringMatching(/\/dev\/zero: \(file\): is larger than 1 MiB/),
    });
    const nowhere = await asapp(project, ['docs', 'generate', '--output-dir', '/proc/x']);
    expect(nowhere.exit).toBe(1);
    expect(nowhere.stderr).toMatch(/error: .*the folder \/proc\/x cannot be made/);
  });

  test('is reported by debug when there is a folder in the place of the copy', async () => {
    await using other = await Project.create();
    await mkdir(other.path('published/warehouse.duckdb'), { recursive: true });
    const { exit, stdout } = await asapp(other, ['debug', '--output', 'json']);
    expect(exit).toBe(1);
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({
        step: 'publish',
        state: 'failed',
        detail: expect.stringMatching(/is a folder/),
      }),
    );
  });
});

test('a policy for a misspelt feed is refused before anything starts', { timeout: 60_000 }, async () => {
  const yaml = 'sources:\n  phones: {connector: local, path: ./feeds, group: phones}\npolicy:\n';
  await project.write('slip.yaml', `${yaml}  phones.callz: { column_added: hold }\n`);
  const { exit, stderr } = await asapp(project, ['run', '--config', 'slip.yaml']);
  expect(exit).toBe(2);
  expect(stderr).toMatch(/policy\."phones\.callz": names no feed that there is; did you mean calls\?/);
});

test.each([
  ['--help'],
  ['schema', 'diff', '--all'],
  ['status', '--output', 'json'],
  ['load', '--log-format', 'json'],
])('%s ends quietly when nobody reads its output', { timeout: 60_000 }, async (...words) => {
  const child = spawn(process.execPath, [PROGRAM, ...words], { cwd: project.folder, stdio: 'pipe' });
  child.stdout.destroy();
  let stderr = '';
  if (words[0] === 'load') child.stderr.destroy();
  else child.stderr.on('data', (chunk) => (stderr += chunk));
  const exit = await new Promise((resolve) => child.once('close', resolve));
  expect([0, 3]).toContain(exit);
  expect(stderr).not.toMatch(/EPIPE|unexpected|Node\.js/);
});
