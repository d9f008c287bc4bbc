import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModelError } from '../../../src/errors.ts';
import { testOnly } from '../../../src/run/run.ts';
import { Project } from '../../support/project.ts';

/** What stopped every build once, and stops one model now. */

const CONFIG = 'models: ./models\nsources: {messaging: {connector: local, path: feeds}}\n';

let project: Project;
beforeEach(async () => {
  project = await Project.create(CONFIG);
  await project.write('models/marts/one.sql', 'select 1 as n');
});
afterEach(() => project[Symbol.asyncDispose]());

/** Does something to the loader's file that no run knows of. */
async function alter(sql: string): Promise<void> {
  await using workspace = await project.open();
  await workspace.session.run(sql);
}

const metrics = (day: string, issue_id: number) =>
  project.partition('convos_metrics', `${day} 07`, [{ issue_id, company_name: 'acme' }]);
const intents = (day: string, issue_id: number) =>
  project.partition('voice_intents', `${day} 07`, [
    { issue_id, voice_intent_code: 'A', company_name: 'acme' },
  ]);

test('a bundled model that lacks a column of its feed fails alone, until that column comes', async () => {
  const session = { issue_id: 1, cob_start_ts: '2026-01-08T07:00:00Z' };
  await project.partition('cobrowsing', '2026-01-08', [session]);
  await intents('2026-01-08', 1);
  const { exitCode, built, published } = await project.run();
  expect({ exitCode, published }).toEqual({ exitCode: 1, published: true });
  expect(built?.failed).toMatchObject([
    {
      model: 'messaging.cobrowsing',
      message: expect.stringContaining('names instance_ts, which its rows do not have'),
    },
  ]);
  expect(await project.published('SELECT count(*) AS n FROM messaging.voice_intents')).toEqual([{ n: 1 }]);
  await project.partition('cobrowsing', '2026-01-09', [{ ...session, instance_ts: '2026-01-09T07:00:00Z' }]);
  await project.run();
  expect(await project.published('SELECT count(*) AS n FROM messaging.cobrowsing')).toEqual([{ n: 1 }]);
});

test('a key that became text fails only the mart that joins by it, which stays what it was', async () => {
  await project.write(
    'models/marts/both.sql',
    `{{ config(materialized='table') }}
select issue_id, voice_intent_code from {{ ref('convos_metrics') }} join {{ ref('voice_intents') }} using (issue_id)
where issue_id + 0 > 0`,
  );
  await metrics('2026-01-08', 1);
  await intents('2026-01-08', 1);
  await project.run();
  await alter('ALTER TABLE staging_messaging.convos_metrics ALTER issue_id TYPE VARCHAR');
  await intents('2026-01-09', 2);
  const { exitCode, built, published } = await project.run();
  expect({ exitCode, published }).toEqual({ exitCode: 1, published: true });
  expect(built?.failed).toMatchObject([{ model: 'marts.both', message: expect.stringContaining('VARCHAR') }]);
  expect(await project.published('FROM marts.both')).toEqual([{ issue_id: 1, voice_intent_code: 'A' }]);
  expect(await project.published('SELECT count(*) AS n FROM messaging.voice_intents')).toEqual([{ n: 2 }]);
  expect(await project.published('SELECT name, why FROM ops.tables WHERE stale')).toEqual([
    { name: 'both', why: 'marts.both could not be built' },
  ]);
});

test('unit tests use the documented type of a key, also when it became text in the data', async () => {
  await metrics('2026-01-08', 1);
  await project.load();
  await alter('ALTER TABLE staging_messaging.convos_metrics ALTER issue_id TYPE VARCHAR');
  await using workspace = await project.open();
  const { exitCode, tests } = await testOnly(workspace);
  expect(tests.filter(({ status }) => status === 'fail' || status === 'error')).toEqual([]);
  expect(exitCode).toBe(0);
});

describe('a source()', () => {
  test('that names no feed is a mistake of its model, while one that has not come yet is waited for', async () => {
    await project.write(
      'models/marts/typo.sql',
      "select 1 as n\nfrom {{ source('messaging', 'voice_intent') }}",
    );
    await project.write('models/marts/waits.sql', "select * from {{ source('messaging', 'intents') }}");
    await project.write('models/marts/later.sql', "select * from {{ source('messaging', 'ours') }}");
    await project.write(
      'warehouse.yaml',
      `${CONFIG.trimEnd().replace('feeds}}', 'feeds, feeds: [ours]}}')}\n`,
    );
    const { exitCode, built } = await project.build();
    expect(exitCode).toBe(1);
    expect(built?.failed).toEqual([
      {
        model: 'marts.typo',
        message:
          'models/marts/typo.sql:2: there is no feed messaging.voice_intent (did you mean "messaging.voice_intents"?): nobody documents it, and nothing has come of it',
      },
    ]);
    expect(built?.skipped).toContainEqual({
      model: 'marts.later',
      message: 'nothing has come of messaging.ours yet',
    });
  });
});

test('a folder of models that is not there is reported before anything is loaded', async () => {
  await rm(project.path('models'), { recursive: true });
  await intents('2026-01-08', 1);
  const failure = await project.run().catch((error) => error);
  expect(failure).toBeInstanceOf(ModelError);
  expect(failure.message).toContain(project.path('models'));
  expect(await project.loader('SELECT count(*) AS runs FROM ops.runs')).toEqual([{ runs: 0 }]);
});

describe('a dedup model over another model', () => {
  const dedup = (ref: string) =>
    `{{ config(materialized='dedup', unique_key=['rep_id']) }}\nselect * from {{ ref('${ref}') }}`;
  const rows = (table: string) => project.published(`SELECT rep_id, name FROM marts.${table} ORDER BY 1`);

  test('follows values that change, and rows that leave it, under the same file and line', async () => {
    const table = (name: string, where: string) =>
      project.write(
        'models/marts/clean.sql',
        `{{ config(materialized='table') }} select * replace (${name} as name) from {{ ref('reps') }} where ${where}`,
      );
    await table('name', 'true');
    await project.write('models/marts/latest.sql', dedup('clean'));
    await project.partition('reps', '2026-01-08', [
      { rep_id: 'r1', name: 'Ada' },
      { rep_id: 'r2', name: 'Bo' },
    ]);
    await project.run();
    expect(await rows('latest')).toHaveLength(2);
    await table('upper(name)', "rep_id <> 'r2'");
    expect(await project.run()).toMatchObject({ exitCode: 0, published: true });
    expect(await rows('latest')).toEqual([{ rep_id: 'r1', name: 'ADA' }]);
  });

  test('works over a view, and says which columns it needs where they are not there', async () => {
    await project.write('models/marts/seen.sql', "select *, 1 as one from {{ ref('reps') }}");
    await project.write('models/marts/latest.sql', dedup('seen'));
    await project.write('models/marts/bare.sql', "select rep_id from {{ ref('reps') }}");
    await project.write('models/marts/none.sql', dedup('bare'));
    await project.partition('reps', '2026-01-08', [{ rep_id: 'r1', name: 'Ada' }]);
    const { built } = await project.run();
    expect(await rows('latest')).toEqual([{ rep_id: 'r1', name: 'Ada' }]);
    expect(built?.failed).toMatchObject([
      {
        model: 'marts.none',
        message: expect.stringContaining('select _partition_ts, _file_id, _line along'),
      },
    ]);
  });
});
