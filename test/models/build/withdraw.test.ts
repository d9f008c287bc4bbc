import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Project } from '../../support/project.ts';

const CONFIG = 'models: ./models\nsources: {messaging: {connector: local, path: feeds}}\n';

let project: Project;

beforeEach(async () => {
  project = await Project.create(CONFIG);
  await project.write('models/marts/named.sql', "select rep_id, name from {{ ref('reps') }}");
  await project.write('models/marts/counted.sql', "{{ config(materialized='table') }} select 1 as n");
  await project.partition('reps', '2026-01-09', [{ rep_id: 'r1', name: 'Ada' }]);
  await project.partition('intents', '2026-01-09 07', [{ code: 'q', name: 'Sales' }]);
  await project.run();
});
afterEach(() => project[Symbol.asyncDispose]());

const TABLES = `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
  WHERE table_schema IN ('marts', 'messaging') ORDER BY 1`;
const names = async (rows: Promise<{ name: string }[]>) => (await rows).map(({ name }) => name);
const published = () => names(project.published<{ name: string }>(TABLES));
const loader = () => names(project.loader<{ name: string }>(TABLES));
const ALL = ['marts.counted', 'marts.named', 'messaging.intents', 'messaging.reps'];

describe('a table is withdrawn by the next run', () => {
  test('when the file of its model is gone, which is said once', async () => {
    expect(await published()).toEqual(ALL);
    await rm(project.path('models/marts/named.sql'));
    const outcome = await project.run();
    expect(outcome).toMatchObject({ exitCode: 0, published: true, built: { withdrawn: ['marts.named'] } });
    expect(project.reporter.infos).toContain('marts.named is withdrawn: there is no such model any more');
    expect(await published()).toEqual(ALL.filter((name) => name !== 'marts.named'));
    expect(await loader()).toEqual(ALL.filter((name) => name !== 'marts.named'));
    expect(await project.published("SELECT name FROM ops.tables WHERE schema = 'marts'")).toEqual([
      { name: 'counted' },
    ]);
    expect(await project.run()).toMatchObject({ published: false, built: { withdrawn: [] } });
  });

  test('when its model is disabled', async () => {
    await project.write(
      'models/marts/counted.sql',
      "{{ config(materialized='table', enabled=false) }} select 1 as n",
    );
    expect((await project.run()).built?.withdrawn).toEqual(['marts.counted']);
    expect(project.reporter.infos).toContain('marts.counted is withdrawn: it is disabled');
    expect(await published()).toEqual(ALL.slice(1));
  });

  test('when its feed is left out by each source of the group, with what is built from it', async () => {
    await project.write('warehouse.yaml', CONFIG.replace('path: feeds', 'path: feeds, feeds: [intents]'));
    const { exitCode, built } = await project.run();
    expect({ exitCode, withdrawn: built?.withdrawn.toSorted() }).toEqual({
      exitCode: 0,
      withdrawn: ['marts.named', 'messaging.reps'],
    });
    expect(await published()).toEqual(['marts.counted', 'messaging.intents']);
    // Its rows are staged as before, and it is back when it is named again.
    await project.write('warehouse.yaml', CONFIG);
    expect(await project.run()).toMatchObject({ exitCode: 0, published: true });
    expect(await published()).toEqual(ALL);
    expect(await project.published('FROM marts.named')).toEqual([{ rep_id: 'r1', name: 'Ada' }]);
  });

  test('but not by a dry run, which only says so', async () => {
    await rm(project.path('models/marts/named.sql'));
    await project.run({ dryRun: true });
    expect(project.reporter.infos).toContain(
      'marts.named would be withdrawn: there is no such model any more',
    );
    expect(await loader()).toEqual(ALL);
  });
});

test('the rows of a withdrawn incremental model stay in the loader’s file for the day it comes back', async () => {
  const sql = `{{ config(materialized='incremental') }}
select now() as at {% if is_incremental() %} where (select count(*) from {{ this }}) = 0 {% endif %}`;
  await project.write('models/marts/history.sql', sql);
  await project.run();
  const [{ at }] = (await project.published('FROM marts.history')) as [{ at: Date }];
  await rm(project.path('models/marts/history.sql'));
  expect((await project.run()).built?.withdrawn).toEqual(['marts.history']);
  expect(await published()).toEqual(ALL);
  expect(await project.run()).toMatchObject({ published: false, built: { withdrawn: [] } });
  await project.write('models/marts/history.sql', sql);
  await project.run();
  expect(await project.published('FROM marts.history')).toEqual([{ at }]);
});

test('a table that no model made is left alone', async () => {
  await using workspace = await project.open();
  await workspace.session.run('CREATE TABLE marts.by_hand AS SELECT 1 AS a');
  await workspace[Symbol.asyncDispose]();
  await project.run();
  expect(await loader()).toContain('marts.by_hand');
});

test('no table is withdrawn while a file lies where no model belongs', async () => {
  await rm(project.path('models/marts/counted.sql'));
  await project.write('models/counted.sql', "{{ config(materialized='table') }} select 1 as n");
  expect(await project.run()).toMatchObject({ exitCode: 1, built: { withdrawn: [] } });
  expect(await published()).toEqual(ALL);
});

test('a view that reads a withdrawn table stays as what it showed, and stops nothing else', async () => {
  await project.write('models/marts/below.sql', "select * from {{ ref('counted') }}");
  await project.run();
  await rm(project.path('models/marts/counted.sql'));
  await project.partition('reps', '2026-01-10', [{ rep_id: 'r2', name: 'Bo' }]);
  expect(await project.run()).toMatchObject({ exitCode: 1, published: true });
  expect(await published()).toEqual(['marts.below', ...ALL.slice(1)]);
  expect(await project.published('FROM marts.below')).toEqual([{ n: 1 }]);
  expect(await project.published('SELECT count(*) AS n FROM messaging.reps')).toEqual([{ n: 2 }]);
});
