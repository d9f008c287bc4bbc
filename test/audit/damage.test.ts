import { copyFile, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReadOnlyWarehouse } from '../../src/audit/query/read-only-warehouse.ts';
import { DamagedError } from '../../src/errors.ts';
import { asapp } from '../support/command.ts';
import { Project } from '../support/project.ts';

let project: Project;

beforeAll(async () => {
  project = await Project.create();
  const lines = Array.from({ length: 20_000 }, (_, issue_id) => ({
    issue_id,
    company_name: `company ${issue_id}`,
  }));
  await project.partition('voice_intents', '2026-01-05 07', lines);
  await project.run();
  for (const file of ['warehouse.duckdb', 'published/warehouse.duckdb'])
    await copyFile(project.path(file), project.path(`${file}.whole`));
});

afterAll(() => project[Symbol.asyncDispose]());

/** Ways in which a disk or a person damages a file. */
const DAMAGES: [string, (file: string) => Promise<void>][] = [
  ['cut in half', async (file) => truncate(file, Math.floor((await readFile(file)).length / 2))],
  ['cut in its header', (file) => truncate(file, 5000)],
  ['of zeros at its beginning', (file) => overwrite(file, 0, 4096)],
  ['overwritten in its headers', (file) => overwrite(file, 4096, 8192)],
  [
    'overwritten in all of its blocks',
    async (file) => overwrite(file, 12_288, (await readFile(file)).length - 12_288),
  ],
  ['empty', (file) => writeFile(file, '')],
  ['text', (file) => writeFile(file, 'no database\n'.repeat(1000))],
];

async function overwrite(file: string, from: number, length: number): Promise<void> {
  await using handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(Math.max(0, length), 0xab), 0, Math.max(0, length), from);
}

test.each(DAMAGES)('a file that is %s is reported as damaged, and the copy stays', async (_, damage) => {
  await restore();
  await damage(project.path('warehouse.duckdb'));
  await expect(project.run()).rejects.toThrow(DamagedError);
  const copy = project.path('published/warehouse.duckdb');
  expect((await readFile(copy)).equals(await readFile(`${copy}.whole`))).toBe(true);
  await damage(copy);
  const asked = ReadOnlyWarehouse.open(await project.config()).then(async (questions) => {
    await using _ = questions;
    for await (const row of (await questions.ask('FROM messaging.voice_intents')).rows) row.length;
  });
  await expect(asked).rejects.toThrow(DamagedError);
});

const cut = (file: string) => truncate(file, 300_000);

test('a damaged file of the loader is reported with what to do and how long loading it took before', async () => {
  await restore();
  await cut(project.path('warehouse.duckdb'));
  const { exit, stderr } = await asapp(project, ['run']);
  expect(exit, stderr).toBe(1);
  expect(stderr).toMatch(/warehouse\.duckdb is damaged/);
  expect(stderr).toMatch(
    /put back a copy that you kept of it.*\(1 files, [\d.]+ .?B: that took \d+ s before\)/,
  );
});

test('a damaged copy for analysts is reported with what to do', async () => {
  await restore();
  await cut(project.path('published/warehouse.duckdb'));
  const { exit, stderr } = await asapp(project, ['query', 'FROM messaging.voice_intents']);
  expect(exit, stderr).toBe(1);
  expect(stderr).toMatch(/published\/warehouse\.duckdb is damaged/);
  expect(stderr).toMatch(
    /move it away: the next asapp-warehouse run publishes it anew; or name another file at publish:/,
  );
});

async function restore(): Promise<void> {
  for (const file of ['warehouse.duckdb', 'published/warehouse.duckdb'])
    await copyFile(project.path(`${file}.whole`), project.path(file));
}
