import { describe, expect, test } from 'vitest';
import { bundledDocument } from '../../src/feeds/bundled.ts';
import type { FeedDoc } from '../../src/feeds/documents/document.ts';
import { build, openProject } from '../../src/models/build/build.ts';
import { compileModel } from '../../src/models/compile.ts';
import type { Model } from '../../src/models/model.ts';
import { applySchema } from '../../src/schema/follow.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';
import { documentText } from '../schema/support.ts';
import { Project } from '../support/project.ts';

/** What decides the key and the ordering of a dedup model, and that what is shown of it is what runs. */

const OWN_MODELS = 'models: ./models\nsources:\n  messaging: { connector: local, path: ./feeds }\n';

async function reps(more: Partial<FeedDoc>): Promise<FeedDoc> {
  const bundled = await bundledDocument('messaging');
  return { ...(bundled?.document.feeds.find(({ name }) => name === 'reps') as FeedDoc), ...more };
}

/** The comments below what `compile` prints. */
async function rule({ config, catalogue, session }: Workspace, name: string): Promise<string[]> {
  const sql = await compileModel(await openProject(config, catalogue), session, name);
  return sql.split('\n').filter((line) => /^-- (unique_key|order_by): /.test(line));
}

async function model({ config, catalogue }: Workspace, id: string): Promise<Model> {
  return (await openProject(config, catalogue)).models.get(id) as Model;
}

describe('the rule of a dedup model is decided', () => {
  test.each([
    ['before any document was followed', false],
    ['also once it is followed', true],
  ])('by the published schema or its corrections, %s', async (_, follows) => {
    await using project = await Project.create();
    await using workspace = await project.open();
    if (follows) await applySchema(workspace, 1);
    expect(await rule(workspace, 'convos_metrics')).toEqual([
      '-- unique_key: issue_id (the published schema)',
      '-- order_by: first_utterance_ts (the published schema)',
    ]);
    expect(await rule(workspace, 'admin_activity')).toEqual([
      '-- unique_key: company_name, rep_id, status_description, status_start_ts ' +
        '(schemas/overrides.yaml: The feed has no company_marker; company_name stands for it.)',
      '-- order_by: status_end_ts (the published schema)',
    ]);
  });

  test('by a user’s own correction, whose reason becomes a comment of one line', async () => {
    await using project = await Project.create();
    await project.write(
      'schemas/overrides.yaml',
      'messaging: { reps: { order_by: { use: [disabled_time], reason: "Asked:\\nthe first wins;\\n DROP" } } }',
    );
    await using workspace = await project.open();
    expect((await rule(workspace, 'messaging.reps'))[1]).toBe(
      '-- order_by: disabled_time (schemas/overrides.yaml: Asked: the first wins; DROP)',
    );
    expect((await model(workspace, 'messaging.reps')).template).toContain("order_by=['disabled_time']");
  });

  test('by a schema change that was accepted, as long as it stands, and the model reads as it runs', async () => {
    await using project = await Project.create();
    await using workspace = await project.open();
    const before = await model(workspace, 'messaging.reps');
    expect(before.generated).toBe(false);
    const published = await rule(workspace, 'messaging.reps');
    const key = [...(await reps({})).key, 'name'];
    await project.write(
      'feeds/export_docs/dt=2026-01-05/export_docs.yaml',
      documentText([await reps({ key, orderBy: ['disabled_time'] })]),
    );
    await applySchema(workspace, 1);
    expect(await rule(workspace, 'messaging.reps')).toEqual(published);

    const held = await workspace.session.rows<{ change_id: number; kind: string }>(
      "SELECT change_id, kind FROM ops.schema_changes WHERE decision = 'held' ORDER BY kind",
    );
    expect(held.map(({ kind }) => kind)).toEqual(['ordering_changed', 'unique_condition_changed']);
    const [ordering, condition] = held.map(({ change_id }) => change_id) as [number, number];
    await applySchema(workspace, 1, { accept: [ordering, condition] });
    expect(await rule(workspace, 'messaging.reps')).toEqual([
      `-- unique_key: ${key.join(', ')} (schema change ${condition}, applied on 2026-01-10)`,
      `-- order_by: disabled_time (schema change ${ordering}, applied on 2026-01-10)`,
    ]);
    const after = await model(workspace, 'messaging.reps');
    expect(after).toMatchObject({
      generated: true,
      file: 'models/messaging/reps.sql (made from the schema documents)',
      config: { unique_key: key, order_by: ['disabled_time'] },
    });
    expect(after.template).toContain(`unique_key=[${key.map((name) => `'${name}'`).join(', ')}]`);

    await applySchema(workspace, 1, { reject: [ordering, condition] });
    expect(await rule(workspace, 'messaging.reps')).toEqual(published);
    expect((await model(workspace, 'messaging.reps')).template).toBe(before.template);
  });

  test('by a user’s own file, and by a properties file in what that leaves out', async () => {
    await using project = await Project.create(OWN_MODELS);
    await project.write(
      'models/messaging/reps.sql',
      "{{ config(materialized='dedup', unique_key='name') }} select * from {{ source('messaging', 'reps') }}",
    );
    await project.write(
      'models/messaging/schema.yml',
      'models: [{ name: reps, config: { unique_key: rep_id, order_by: created_ts } }]',
    );
    await using workspace = await project.open();
    await applySchema(workspace, 1);
    expect(await rule(workspace, 'messaging.reps')).toEqual([
      '-- unique_key: name (models/messaging/reps.sql)',
      '-- order_by: created_ts (models/messaging/schema.yml)',
    ]);
    expect(await model(workspace, 'messaging.reps')).toMatchObject({ own: true, generated: false });
  });
});

test('the text of a model reads the version that was accepted', async () => {
  await using project = await Project.create();
  await using workspace = await project.open();
  const both = [await reps({}), await reps({ version: '2' })];
  await project.write('feeds/export_docs/dt=2026-01-05/export_docs.yaml', documentText(both));
  await applySchema(workspace, 1);
  const [change] = await workspace.session.rows<{ id: number }>(
    "SELECT change_id AS id FROM ops.schema_changes WHERE kind = 'version_added'",
  );
  await applySchema(workspace, 1, { accept: [change?.id ?? 0] });
  await build(workspace, 1);
  const { template, sources } = await model(workspace, 'messaging.reps');
  expect(template).toContain("source('messaging', 'reps__v2')");
  expect(sources).toMatchObject([{ group: 'messaging', feed: 'reps__v2' }]);
});

test('a model that is no dedup model has no such rule', async () => {
  await using project = await Project.create(OWN_MODELS);
  await project.write('models/own/a.sql', "{{ config(materialized='table') }} select 1 as n");
  await using workspace = await project.open({ dryRun: true });
  expect(await rule(workspace, 'own.a')).toEqual([]);
  expect((await model(workspace, 'own.a')).rule).toBeUndefined();
});
