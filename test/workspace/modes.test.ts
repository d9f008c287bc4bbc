import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Project } from '../support/project.ts';

const LOCAL = 'sources: {messaging: {connector: local, path: ./feeds}}\n';

async function projectOf(yaml: string): Promise<Project> {
  const project = await Project.create(yaml);
  await project.partition('voice_intents', '2026-01-05 07', [{ issue_id: 1, company_name: 'c' }]);
  return project;
}

/** Who may do what with each file and folder, in the words of `chmod`, but for what a person has made. */
async function modes(project: Project): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(project.folder, { recursive: true })) {
    if (/^(feeds|warehouse\.yaml|models)/.test(entry)) continue;
    found[entry] = ((await stat(join(project.folder, entry))).mode & 0o777).toString(8);
  }
  return found;
}

test('what a run makes is for its owner alone', async () => {
  process.umask(0o022);
  await using project = await projectOf(LOCAL);
  await project.run();
  expect(await modes(project)).toEqual({
    'warehouse.duckdb': '600',
    landing: '700',
    published: '700',
    'published/warehouse.duckdb': '600',
  });
});

test('files have the modes that are configured, and keep those that they are given later', async () => {
  process.umask(0o022);
  await using project = await projectOf(`file_mode: "0640"\npublish_mode: "0644"\n${LOCAL}`);
  await project.run();
  expect(await modes(project)).toMatchObject({
    'warehouse.duckdb': '640',
    published: '755',
    'published/warehouse.duckdb': '644',
  });
  await chmod(project.path('published/warehouse.duckdb'), 0o640);
  await chmod(project.path('warehouse.duckdb'), 0o660);
  await project.partition('voice_intents', '2026-01-05 08', [{ issue_id: 2, company_name: 'c' }]);
  await project.run();
  expect(await modes(project)).toMatchObject({
    'warehouse.duckdb': '660',
    'published/warehouse.duckdb': '640',
  });
});

test('the log beside the warehouse is open to nobody but those who may read the warehouse', async () => {
  process.umask(0o022);
  await using project = await projectOf(LOCAL);
  await using workspace = await project.open();
  await workspace.session.run('CREATE TABLE ops.x AS SELECT 1');
  expect(await modes(project)).toMatchObject({ 'warehouse.duckdb': '600', 'warehouse.duckdb.wal': '600' });
});

test('a landing folder and a .env that others can look into are reported, and left as they are', async () => {
  await using project = await projectOf(LOCAL);
  await mkdir(project.path('landing'));
  await chmod(project.path('landing'), 0o755);
  await project.write('.env', 'A=b\n');
  await chmod(project.path('.env'), 0o644);
  await project.run();
  const { warnings } = project.reporter;
  expect(warnings).toContain(
    `other users of this machine can look into ${project.path('landing')}, where delivered files lie in plain text`,
  );
  expect(warnings).toContain(
    `other users of this machine can read ${project.path('.env')}, which holds secrets`,
  );
  expect(await modes(project)).toMatchObject({ landing: '755', '.env': '644' });
  await chmod(project.path('landing'), 0o700);
  await chmod(project.path('.env'), 0o600);
  const heard = warnings.length;
  await project.run();
  expect(warnings.slice(heard).filter((text) => text.startsWith('other users'))).toEqual([]);
});
