import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProject } from '../../src/models/build/build.ts';
import { compileAll, compileModel } from '../../src/models/compile.ts';
import { Project } from '../support/project.ts';

let project: Project;

beforeAll(async () => {
  project = await Project.create(
    'models: ./models\nsources:\n  messaging: { connector: local, path: ./feeds }\n',
  );
  await project.write('models/reports/a.sql', "select count(*) as n from {{ ref('convos_metrics') }};\n");
  await project.write('models/reports/b.sql', "select * from {{ ref('transfers') }}");
  await project.write('models/other/a.sql', 'select 1 as n');
  await project.partition('convos_metrics', '2026-01-10 09', [{ issue_id: 1 }]);
  await project.run();
});

afterAll(() => project[Symbol.asyncDispose]());

async function compile(name: string): Promise<string> {
  await using workspace = await project.open({ dryRun: true });
  const { config, catalogue, session } = workspace;
  return await compileModel(await openProject(config, catalogue), session, name);
}

test('a model compiles to the statements that it runs', async () => {
  expect(await compile('reports.a')).toBe(
    'CREATE OR REPLACE VIEW "reports"."a" AS\nselect count(*) as n from "messaging"."convos_metrics";',
  );
});

test('a model compiles to its query while what it reads is not there', async () => {
  expect(await compile('b')).toBe(
    '-- messaging.transfers is not there yet: the model as written\nselect * from "messaging"."transfers"',
  );
});

test('a name that two models have is refused as unclear', async () => {
  await expect(compile('a')).rejects.toThrow('a is 2 models');
});

test('without a name every model is compiled, to its query and to the statements where they are known', async () => {
  await using workspace = await project.open({ dryRun: true });
  const { config, catalogue, session } = workspace;
  const opened = await openProject(config, catalogue);
  const { compiled, run } = await compileAll(opened, session, project.path('target'));
  expect(compiled).toBe(opened.models.size);
  // Of the bundled ones, only convos_metrics has data.
  expect(run).toBe(3);
  const file = (...path: string[]) => readFile(project.path('target', ...path), 'utf8');
  expect(await file('compiled/reports/a.sql')).toBe(
    'select count(*) as n from "messaging"."convos_metrics"\n',
  );
  expect(await file('run/reports/a.sql')).toMatch(/^CREATE OR REPLACE VIEW "reports"."a" AS\n/);
  expect(await file('run/messaging/convos_metrics.sql')).toContain('COMMENT ON TABLE');
  await expect(file('run/reports/b.sql')).rejects.toThrow('ENOENT');
});
