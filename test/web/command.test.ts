import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asapp } from '../support/command.ts';
import { Project } from '../support/project.ts';

let project: Project;

beforeAll(async () => {
  project = await Project.create();
  await project.partition('voice_intents', '2026-01-10 09', [{ issue_id: 1, company_name: 'acme' }]);
  await project.run();
});

afterAll(() => project[Symbol.asyncDispose]());

test('docs generate writes the page and the artifacts beside the configuration, and says where', async () => {
  const { exit, stdout, stderr } = await asapp(project, ['docs', 'generate']);
  expect({ exit, stdout }).toEqual({ exit: 0, stdout: '' });
  expect(stderr).toMatch(/wrote \S+target\/index\.html: \d+ models, \d+ feeds, \d+ tests/);
  expect((await readdir(project.path('target'))).sort()).toEqual([
    'index.html',
    'manifest.json',
    'run_results.json',
  ]);
});

test('docs generate --output-dir writes into another folder', async () => {
  const { exit } = await asapp(project, ['docs', 'generate', '-q', '--output-dir', project.path('a/b')]);
  expect(exit).toBe(0);
  expect(await readFile(project.path('a/b/index.html'), 'utf8')).toMatch(/^<!doctype html>/);
});

test('docs generate reports a folder that cannot be written to', async () => {
  await project.write('occupied', 'a file');
  const { exit, stderr } = await asapp(project, [
    'docs',
    'generate',
    '--output-dir',
    project.path('occupied'),
  ]);
  expect(exit).toBe(1);
  expect(stderr).toMatch(/error: \S+occupied\/index\.html cannot be written/);
});

test('compile with a name prints SQL, and without one writes that of every model and says where', async () => {
  const one = await asapp(project, ['compile', 'voice_intents']);
  expect(one.stdout).toMatch(/^CREATE OR REPLACE TABLE "messaging"."voice_intents" AS\n/);
  const all = await asapp(project, ['compile']);
  expect(all).toMatchObject({ exit: 0, stdout: '' });
  expect(all.stderr).toMatch(/wrote \S+target\/compiled: the queries of \d+ models/);
  expect(await readFile(project.path('target/compiled/marts/conversations.sql'), 'utf8')).toContain(
    'from "messaging"."convos_metadata"',
  );
});
