import { describe, expect, test } from 'vitest';
import type { SchemaChange } from '../../src/ledger/tables.ts';
import { openProject } from '../../src/models/build/build.ts';
import { run, schemaOnly } from '../../src/run/run.ts';
import { changeOf } from '../../src/schema/decide/decide.ts';
import { readersThatFail } from '../../src/schema/failing-readers.ts';
import { Project } from '../support/project.ts';

/** A line of `voice_intents`, whose key `issue_id` is published as a number. */
const line = (id: string, code: string, hour = '07') =>
  `{"issue_id":${id},"company_name":"c","instance_ts":"2026-01-05T${hour}:00:00Z","voice_intent_code":"${code}"}`;

const MISFITS = ['"notanumber"', '""', '" 77 "', '"0000-00-00 00:00:00"'];

const staged = (project: Project) =>
  project.loader<{ id: string; type: string; code: string }>(
    `SELECT CAST(issue_id AS VARCHAR) AS id, typeof(issue_id) AS type, voice_intent_code AS code
     FROM staging_messaging.voice_intents ORDER BY _file_id, _line`,
  );
const changes = (project: Project) =>
  project.loader<{ change_id: number; line: string }>(
    `SELECT change_id, concat_ws(' ', column_name, kind, before, after, decision, found_in) AS line
     FROM ops.schema_changes WHERE found_in = 'data' ORDER BY change_id`,
  );
const open = async (project: Project) =>
  (await project.loader("FROM ops.rejected_rows WHERE resolved_at IS NULL AND reason = 'key_type'")).length;

async function decide(project: Project, options: { accept?: number[]; reject?: number[] }) {
  await using workspace = await project.open();
  return await schemaOnly(workspace, options);
}

describe('a value of a key that does not fit its published type', { timeout: 120_000 }, () => {
  test('is rejected and proposed, then accepted and read again, and then taken back', async () => {
    await using project = await Project.create();
    await project.partition('voice_intents', '2026-01-05 07', [line('7.0', 'A'), line('8', 'B')]);
    expect((await project.run()).exitCode).toBe(0);
    await project.partition(
      'voice_intents',
      '2026-01-05 08',
      MISFITS.map((id) => line(id, 'MISFIT', '08')),
    );
    const found = await project.run();
    expect(found.exitCode).toBe(3);
    expect(found.attention).toContainEqual(
      expect.objectContaining({ kind: 'schema_change', feed: 'messaging.voice_intents' }),
    );
    expect((await staged(project)).map(({ id, type }) => [id, type])).toEqual([
      ['7', 'BIGINT'],
      ['8', 'BIGINT'],
    ]);
    expect(await open(project)).toBe(MISFITS.length);
    const [proposed] = await changes(project);
    expect(proposed?.line).toBe('issue_id type_widened BIGINT VARCHAR held data');
    // It is proposed once, however often such lines come, and loading goes on.
    await project.partition('voice_intents', '2026-01-05 09', [
      line('"X-9"', 'NINE', '09'),
      line('7', 'C', '09'),
    ]);
    await project.run();
    expect(await changes(project)).toEqual([proposed]);

    const id = proposed?.change_id as number;
    await decide(project, { accept: [id] });
    expect(await open(project)).toBe(0);
    expect((await changes(project)).map((row) => row.line)).toEqual([
      'issue_id type_widened BIGINT VARCHAR applied data',
    ]);
    // What is there and what comes is spelled the same.
    await project.partition('voice_intents', '2026-01-05 10', [
      line('7.0', 'D', '10'),
      line('"007"', 'E', '10'),
    ]);
    expect((await project.run()).exitCode).toBe(0);
    const rows = await project.published<{ id: string; code: string }>(
      'SELECT issue_id AS id, voice_intent_code AS code FROM messaging.voice_intents ORDER BY ALL',
    );
    expect(rows.map(({ id, code }) => `${id}=${code}`).sort()).toEqual(
      [
        ' 77 =MISFIT',
        '0000-00-00 00:00:00=MISFIT',
        '007=E',
        '7=D',
        '8=B',
        '=MISFIT',
        'X-9=NINE',
        'notanumber=MISFIT',
      ].sort(),
    );
    // No document asks for it, and none takes it back.
    await project.run();
    expect(await project.loader("FROM ops.schema_changes WHERE decision = 'held'")).toEqual([]);

    await decide(project, { reject: [id] });
    expect((await staged(project)).map(({ id, type, code }) => [id, type, code])).toEqual([
      ['7', 'BIGINT', 'A'],
      ['8', 'BIGINT', 'B'],
      ['7', 'BIGINT', 'C'],
      ['7', 'BIGINT', 'D'],
    ]);
    // Those that were rejected before, and the one that never was: put together again.
    expect(await open(project)).toBe(MISFITS.length + 2);
    const [again] = await project.loader<{ raw: string }>(
      "SELECT decode(raw) AS raw FROM ops.rejected_rows WHERE resolved_at IS NULL AND contains(detail, 'together')",
    );
    expect(JSON.parse(again?.raw ?? '')).toMatchObject({ issue_id: '007', voice_intent_code: 'E' });
    const after = await project.run();
    expect(after.exitCode).toBe(3);
    expect(await project.loader('SELECT name FROM ops.conservation WHERE NOT holds')).toEqual([]);
    expect(await project.published('SELECT issue_id AS id FROM messaging.voice_intents ORDER BY 1')).toEqual([
      { id: 7 },
      { id: 8 },
    ]);
  });

  test('widens its column by itself where the policy says so', async () => {
    await using project = await Project.create(
      `policy:\n  '*': { type_widened: apply }\nsources:\n  messaging:\n    connector: local\n    path: ./feeds\n`,
    );
    await project.partition('voice_intents', '2026-01-05 07', [
      line('9007199254740993.0', 'A'),
      line('"ABC"', 'B'),
    ]);
    await using workspace = await project.open();
    const { exitCode, attention } = await run(workspace);
    expect(attention).toEqual([]);
    expect(exitCode).toBe(0);
    const ids = await workspace.session.rows('SELECT issue_id AS id FROM messaging.voice_intents ORDER BY 1');
    expect(ids).toEqual([{ id: '9007199254740993' }, { id: 'ABC' }]);
  });

  test('is reported with the models that would not run any more if it were accepted', async () => {
    await using project = await Project.create(
      `models: ./models\nsources:\n  messaging:\n    connector: local\n    path: ./feeds\n`,
    );
    await project.write(
      'models/own/even.sql',
      `{{ config(materialized='table') }}\nselect issue_id % 2 as parity from {{ ref('messaging', 'voice_intents') }}\n`,
    );
    await project.write(
      'models/own/plain.sql',
      `{{ config(materialized='table') }}\nselect issue_id from {{ ref('messaging', 'voice_intents') }}\n`,
    );
    await project.partition('voice_intents', '2026-01-05 07', [line('7', 'A'), line('"X"', 'B')]);
    await project.run();
    await using workspace = await project.open();
    const [row] = await workspace.session.rows<SchemaChange>(
      "FROM ops.schema_changes WHERE decision = 'held'",
    );
    const models = await openProject(workspace.config, workspace.catalogue);
    const failing = await readersThatFail(
      { ...workspace, project: models },
      'messaging',
      changeOf(row as SchemaChange),
    );
    expect(failing).toEqual([expect.stringMatching(/^own\.even: .*even\.sql:2: Binder Error/)]);
  });
});
