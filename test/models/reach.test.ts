import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Project } from '../support/project.ts';

let project: Project;

beforeAll(async () => {
  project = await Project.create(`models: ./models
allow_files: [./seeds]
sources: {messaging: {connector: local, path: ./feeds}}
`);
  await project.partition('voice_intents', '2026-01-05 07', [{ issue_id: 1, company_name: 'c' }]);
  await project.write('seeds/teams.csv', 'issue_id,team\n1,blue\n');
  await project.write('private.csv', 'secret\nhush\n');
});

afterAll(() => project[Symbol.asyncDispose]());

test('models read the files that they may read and no others, and one that tries fails by itself', async () => {
  const model = (name: string, sql: string) => project.write(`models/own/${name}.sql`, sql);
  await model(
    'seeded',
    `select v.issue_id, s.team from {{ ref('voice_intents') }} v join read_csv('${project.path('seeds/teams.csv')}') s using (issue_id)`,
  );
  await model(
    'passwords',
    "select * from read_csv('/etc/passwd', header = false, auto_detect = false, columns = {'line': 'VARCHAR'}, delim = '\\x01')",
  );
  await model('beside', `select * from read_csv('${project.path('private.csv')}')`);
  await model('copies', `select 1 as n; COPY (select 1) TO '${project.path('out.csv')}'`);
  await model('installs', 'select 1 as n; INSTALL httpfs');
  await model('fetches', "select * from 'https://127.0.0.1:1/x.csv'");
  await project.run();
  expect(await project.published('FROM own.seeded')).toEqual([{ issue_id: 1, team: 'blue' }]);
  for (const name of ['passwords', 'beside', 'fetches', 'copies', 'installs'])
    await expect(project.published(`FROM own.${name}`), name).rejects.toThrow('does not exist');
  expect(existsSync(project.path('out.csv'))).toBe(false);
  expect(project.reporter.warnings.join('\n')).toMatch(/own\.beside failed: .*Permission Error/);
});
