import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { starterModel, writeStarter } from '../../../src/models/starter.ts';
import { Project } from '../../support/project.ts';

const CONFIG = 'models: ./models\nsources: {messaging: {connector: local, path: feeds}}\n';

let project: Project;
beforeEach(async () => {
  project = await Project.create(CONFIG);
  await project.write('models/marts/one.sql', 'select 1 as n');
  await project.partition('ivr_calls', '2026-01-09 07', [
    { call_id: 'c1', started_ts: '2026-01-09T07:00:00Z', line: 'a' },
    { call_id: 'c1', started_ts: '2026-01-09T07:30:00Z', line: 'b' },
  ]);
});
afterEach(() => project[Symbol.asyncDispose]());

async function starter(feed: string, own = true): Promise<string> {
  await using workspace = await project.open({ dryRun: true });
  return await writeStarter(workspace.session, own ? project.path('models') : undefined, feed);
}

describe('a feed that nobody documents and that has no model', () => {
  test('is reported until a model is written, which takes one command', async () => {
    const attention = [
      {
        kind: 'unmodelled_feed',
        severity: 'attention',
        feed: 'messaging.ivr_calls',
        message:
          'messaging.ivr_calls comes, and no model makes a table of it: nobody documents how its records are told apart',
        hint: 'asapp-warehouse compile messaging.ivr_calls --starter writes one; or leave it out at feeds: of its source',
      },
    ];
    expect(await project.run()).toMatchObject({ exitCode: 3, attention });
    expect(await project.run()).toMatchObject({ exitCode: 3, attention, published: false });
    const file = await starter('messaging.ivr_calls');
    expect(file).toBe(project.path('models/messaging/ivr_calls.sql'));
    expect(await readFile(file, 'utf8')).toContain(
      `{{ config(materialized='dedup', unique_key=['call_id'], order_by=['started_ts']) }}
select * from {{ source('messaging', 'ivr_calls') }}`,
    );
    expect(await project.run()).toMatchObject({ exitCode: 0, attention: [] });
    expect(await project.published('SELECT call_id, line FROM messaging.ivr_calls')).toEqual([
      { call_id: 'c1', line: 'b' },
    ]);
    await expect(starter('messaging.ivr_calls')).rejects.toThrow('is there already');
  });

  test('is not reported where it is left out, or where a user’s own model reads it', async () => {
    await project.load();
    await project.write('warehouse.yaml', CONFIG.replace('path: feeds', 'path: feeds, feeds: [reps]'));
    expect((await project.build()).attention.map(({ kind }) => kind)).not.toContain('unmodelled_feed');
    await project.write('warehouse.yaml', CONFIG);
    await project.write('models/marts/calls.sql', "select * from {{ source('messaging', 'ivr_calls') }}");
    expect((await project.build()).attention).toEqual([]);
  });

  test('has a starter only under its own name, and where there is a folder for models', async () => {
    await project.run();
    await expect(starter('messaging.ivr_call')).rejects.toThrow(/did you mean "messaging.ivr_calls"/);
    await expect(starter('messaging.ivr_calls', false)).rejects.toBeInstanceOf(UsageError);
  });
});

test('a starter keeps two records apart rather than take them for one', () => {
  const columns = (...names: string[]) => [...names, '_line'].map((name) => ({ name, type: 'VARCHAR' }));
  expect(starterModel('g', 'f', columns('a_id', 'b', 'c_uuid'))).toContain("unique_key=['a_id', 'c_uuid']");
  expect(starterModel('g', 'f', columns('a', 'b'))).toContain("unique_key=['a', 'b']");
  // Names that a template could take for something else are left to the person.
  expect(starterModel('g', 'f', columns("x'}}", 'id'))).toContain("unique_key=['id']");
});
