import { rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { acknowledge } from '../../../src/run/acknowledge.ts';
import { Project } from '../../support/project.ts';

const FEED = 'voice_intents';
const FORMAT = `${FEED}/version=1/format=jsonl`;
const LINE = '{"issue_id":1,"voice_intent_code":"X","company_name":"c"}\n';
const record = { issue_id: 1, voice_intent_code: 'X', company_name: 'c' };
const TIME = '2026-01-10 07';

async function acknowledged(project: Project) {
  await using workspace = await project.open();
  return await acknowledge(workspace.session, project.now);
}

async function state(project: Project): Promise<string[]> {
  const rows = await project.loader<{ state: string }>(
    'SELECT state FROM ops.partitions ORDER BY partition_ts',
  );
  return rows.map((row) => row.state);
}

describe('what does not follow the layout', () => {
  test.each([
    ['an hour of one digit', `${FORMAT}/dt=2026-01-10/hr=7/${FEED}.jsonl`],
    ['a partition of nothing', `${FORMAT}/dt=__HIVE_DEFAULT_PARTITION__/${FEED}.jsonl`],
    ['an hour of nothing', `${FORMAT}/dt=2026-01-10/hr=__HIVE_DEFAULT_PARTITION__/${FEED}.jsonl`],
    ['a file of another name', `${FORMAT}/dt=2026-01-10/hr=07/part-00000.jsonl`],
    ['a file above the partitions', 'README.txt'],
    ['a folder that is no version', `${FEED}/v2/x.jsonl`],
  ])('is reported by each command until it is gone: %s', async (_, path) => {
    await using project = await Project.create();
    await project.partition(FEED, TIME, [record]);
    await project.write(`feeds/${path}`, LINE);
    const told = {
      exitCode: 3,
      attention: [
        {
          kind: 'misplaced_files',
          source: 'messaging',
          count: 1,
          message: expect.stringContaining('passed over'),
        },
      ],
    };
    expect(await project.run()).toMatchObject(told);
    expect(await project.load()).toMatchObject(told);
    expect(await project.build()).toMatchObject(told);
    await rm(project.path('feeds', path));
    await rm(project.path('feeds', FEED, 'v2'), { recursive: true, force: true });
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    expect(await project.loader('FROM ops.misfits')).toEqual([]);
  });

  test('is no longer reported once somebody has acknowledged it, unlike what comes later', async () => {
    await using project = await Project.create();
    await project.partition(FEED, TIME, [record]);
    await project.write('feeds/notes.txt', 'x');
    await project.write('feeds/more.txt', 'x');
    expect(await project.load()).toMatchObject({ exitCode: 3, attention: [{ count: 2 }] });
    expect(await acknowledged(project)).toEqual({ misfits: 2, missing: 0, coming: 0 });
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    await project.write(`feeds/${FORMAT}/dt=2026-01-10/hr=7/${FEED}.jsonl`, LINE);
    expect(await project.load()).toMatchObject({ exitCode: 3, attention: [{ count: 1 }] });
    // One that went away and came again is new.
    await acknowledged(project);
    await rm(project.path('feeds/notes.txt'));
    await project.load();
    await project.write('feeds/notes.txt', 'x');
    expect(await project.load()).toMatchObject({ exitCode: 3, attention: [{ count: 1 }] });
  });

  test('is not reported when the configuration names it at ignore:', async () => {
    await using project = await Project.create(
      "sources: {messaging: {connector: local, path: feeds, ignore: ['lost+found/**', '**/*.csv']}}",
    );
    const folder = await project.partition(FEED, TIME, [record]);
    await project.write('feeds/lost+found/x/y', '');
    await project.write(`feeds/${folder}/${FEED}.csv`, 'x');
    expect(await project.run()).toMatchObject({ exitCode: 0 });
    expect(await project.loader('FROM ops.misfits')).toEqual([]);
  });

  test('is not reported when it is a schema document, or what programs leave beside data', async () => {
    await using project = await Project.create();
    const folder = await project.partition(FEED, TIME, [record]);
    await project.write('feeds/documents/2026-01-09/export_docs.yaml', 'schemas: []\n');
    await project.write('feeds/documents/2026-01-10/export_docs.yaml', 'schemas: []\n');
    await project.write('feeds/export_docs.yaml.gz', 'x');
    for (const name of [`.${FEED}.jsonl.crc`, '_committed_123', '_started_123', '.DS_Store'])
      await project.write(`feeds/${folder}/${name}`, 'x');
    const { attention } = await project.run();
    expect(attention.filter(({ kind }) => kind === 'misplaced_files')).toEqual([]);
  });

  test('is not reported outside of the feeds that a source names', async () => {
    await using project = await Project.create(
      `sources: {messaging: {connector: local, path: feeds, feeds: [${FEED}]}}`,
    );
    await project.partition(FEED, TIME, [record]);
    await project.write('feeds/other/x/y', '');
    expect(await project.load()).toMatchObject({ exitCode: 0 });
  });
});

describe('a sealed partition that holds only a file of another name', () => {
  test('has not arrived, is reported, and loads when the file has its name', async () => {
    await using project = await Project.create();
    const folder = await project.partition(FEED, TIME, {});
    await project.write(`feeds/${folder}/part-00000.jsonl`, LINE);
    for (let again = 0; again < 2; again += 1) {
      expect(await project.run()).toMatchObject({ exitCode: 3, attention: [{ kind: 'misplaced_files' }] });
      expect(await state(project)).toEqual(['sealed']);
    }
    await rm(project.path('feeds', folder, 'part-00000.jsonl'));
    await project.partition(FEED, TIME, [record]);
    expect(await project.run()).toMatchObject({ exitCode: 0, loaded: { rows: 1 } });
    expect(await state(project)).toEqual(['loaded']);
  });

  test('is empty once that file is taken away', async () => {
    await using project = await Project.create();
    const folder = await project.partition(FEED, TIME, {});
    await project.write(`feeds/${folder}/part-00000.jsonl`, LINE);
    await project.load();
    await rm(project.path('feeds', folder, 'part-00000.jsonl'));
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    expect(await state(project)).toEqual(['empty']);
  });
});
