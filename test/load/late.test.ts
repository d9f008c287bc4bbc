import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Source } from '../../src/config/config.ts';
import type { Connector } from '../../src/connectors/connector.ts';
import { local } from '../../src/connectors/local.ts';
import { acknowledge } from '../../src/run/acknowledge.ts';
import type { Outcome } from '../../src/run/record.ts';
import { NOW, Project } from '../support/project.ts';

const DAY = 86_400_000;
const HOUR = DAY / 24;
const FEED = 'voice_intents';
const record = (id: number) => ({ issue_id: id, voice_intent_code: 'X', company_name: 'c' });

/** The time of a partition, so many days and hours before now, as `Project.partition` takes it. */
function ago(days: number, hours = 0): string {
  return new Date(NOW.getTime() - days * DAY - hours * HOUR).toISOString().slice(0, 13).replace('T', ' ');
}

/** Several hours in a row, the last one so many days ago. */
async function hours(project: Project, days: number, count = 4): Promise<void> {
  for (let hour = 0; hour < count; hour += 1) await project.partition(FEED, ago(days, hour), [record(hour)]);
}

async function ids(project: Project): Promise<number[]> {
  const rows = await project.loader<{ id: number }>(
    `SELECT issue_id AS id FROM staging_messaging.${FEED} ORDER BY id`,
  );
  return rows.map(({ id }) => id);
}

async function states(project: Project): Promise<string[]> {
  const rows = await project.loader<{ said: string }>(
    `SELECT strftime(partition_ts, '%Y-%m-%d %H') || ' ' || state AS said FROM ops.partitions ORDER BY said`,
  );
  return rows.map(({ said }) => said);
}

function kinds({ attention }: Outcome): string[] {
  return attention.map(({ kind }) => kind);
}

async function acknowledged(project: Project) {
  await using workspace = await project.open();
  return await acknowledge(workspace.session, project.now);
}

describe('a partition with a time in the future', () => {
  test.each(['2031-01-01 00', '2099-12-31 23'])(
    'of %s does not hide those of today, and is reported',
    async (future) => {
      await using project = await Project.create();
      await hours(project, 1, 3);
      await project.partition(FEED, future, {});
      expect(await project.load()).toMatchObject({
        exitCode: 3,
        attention: [{ kind: 'future_partition', feed: `messaging.${FEED}`, count: 1 }],
      });
      await project.partition(FEED, ago(0, 23), [record(77)]);
      expect(kinds(await project.load())).toEqual(['future_partition']);
      expect(await ids(project)).toContain(77);
      // Nothing between today and then is missing; what is missing today is found as ever.
      await project.partition(FEED, ago(0, 20), [record(78)]);
      await project.load();
      expect(await states(project)).toEqual(
        [
          ...[3, 2, 1].map((hour) => `${ago(1, hour - 1)} loaded`),
          `${ago(0, 23)} loaded`,
          ...[22, 21].map((hour) => `${ago(0, hour)} missing`),
          `${ago(0, 20)} loaded`,
          `${future} empty`,
        ].sort(),
      );
    },
  );

  test('is loaded, and reported until its time has come or somebody has acknowledged it', async () => {
    await using project = await Project.create();
    await project.partition(FEED, ago(0, 2), [record(1)]);
    await project.partition(FEED, ago(0, -5), [record(2)]);
    await project.partition(FEED, ago(-30), [record(3)]);
    const { attention } = await project.load();
    expect(attention).toMatchObject([{ kind: 'future_partition', count: 2 }]);
    expect(await ids(project)).toEqual([1, 2, 3]);
    project.now = new Date(NOW.getTime() + 6 * HOUR);
    expect((await project.load()).attention).toMatchObject([{ kind: 'future_partition', count: 1 }]);
    expect(await acknowledged(project)).toEqual({ misfits: 0, missing: 0, coming: 1 });
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    // A corrected file does not make it unknown again.
    await project.partition(FEED, ago(-30), [record(33)]);
    const corrected = await project.load();
    expect(corrected.loaded).toMatchObject({ files: 1 });
    // But for the hours that have gone by meanwhile without a partition.
    expect(kinds(corrected)).toEqual(['missing_partitions']);
  });
});

describe('what comes later than the look-back reaches', () => {
  test('is loaded within a day: a partition 31 days old, and a corrected file of 13 days ago', async () => {
    await using project = await Project.create();
    await hours(project, 13, 1);
    await project.partition(FEED, ago(0, 1), [record(50)]);
    await project.load();
    expect(await project.load()).toMatchObject({ loaded: { files: 0, listedWhole: [] } });
    await project.partition(FEED, ago(31), [record(31)]);
    await project.partition(FEED, ago(13), [record(13)]);
    project.now = new Date(NOW.getTime() + DAY);
    expect(await project.load()).toMatchObject({ loaded: { files: 2, listedWhole: [{ feed: FEED }] } });
    expect(await ids(project)).toEqual([13, 31, 50]);
    expect(await project.load()).toMatchObject({ loaded: { files: 0, listedWhole: [] } });
  });

  test('is loaded at once where full_listing asks for it with each run', async () => {
    await using project = await Project.create(
      'full_listing: 0s\nsources: {messaging: {connector: local, path: feeds}}',
    );
    await project.partition(FEED, ago(0, 1), [record(50)]);
    await project.load();
    await project.partition(FEED, ago(31), [record(31)]);
    await project.load();
    expect(await ids(project)).toEqual([31, 50]);
  });

  test('is asked for by each run where it is missing, and loaded when it comes', async () => {
    await using project = await Project.create();
    await hours(project, 20, 4);
    await project.partition(FEED, ago(19, 22), [record(90)]);
    const gap = `${ago(19, 23)} missing`;
    expect(await project.load()).toMatchObject({ exitCode: 3, attention: [{ count: 1 }] });
    expect(await states(project)).toContain(gap);
    await hours(project, 0, 3);
    for (let again = 0; again < 2; again += 1) {
      expect(kinds(await project.load())).toEqual(['missing_partitions']);
      expect(await states(project)).toContain(gap);
    }
    await project.partition(FEED, ago(19, 23), [record(91)]);
    expect(await project.load()).toMatchObject({ exitCode: 0, loaded: { files: 1, listedWhole: [] } });
    expect(await ids(project)).toContain(91);
  });

  test('is asked for where its gap was acknowledged, too, while the next gap is reported', async () => {
    await using project = await Project.create();
    await hours(project, 20, 4);
    await project.partition(FEED, ago(19, 22), [record(90)]);
    await project.load();
    expect(await acknowledged(project)).toMatchObject({ missing: 1 });
    await hours(project, 0, 3);
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    await project.partition(FEED, ago(0, -2), [record(92)]);
    project.now = new Date(NOW.getTime() + 3 * HOUR);
    expect((await project.load()).attention).toMatchObject([{ kind: 'missing_partitions', count: 1 }]);
    await project.partition(FEED, ago(19, 23), [record(91)]);
    await project.load();
    expect(await ids(project)).toContain(91);
  });

  test('is loaded where an empty partition gets its files', async () => {
    await using project = await Project.create();
    await project.partition(FEED, ago(20), {});
    await project.load();
    await hours(project, 0, 3);
    await project.load();
    await project.partition(FEED, ago(20), [record(20)]);
    expect(await project.load()).toMatchObject({ exitCode: 0, loaded: { files: 1, listedWhole: [] } });
    expect(await ids(project)).toContain(20);
  });

  test('is reported as missing where a history that is loaded for the first time has a hole', async () => {
    await using project = await Project.create();
    await hours(project, 60, 5);
    await hours(project, 59, 5);
    await hours(project, 0, 5);
    const { attention } = await project.load();
    // 19 hours between the first two days, and of the hole of 59 days the first 32.
    expect(attention).toMatchObject([{ kind: 'missing_partitions', count: 19 + 32 * 24 - 1 }]);
    expect(await project.load()).toMatchObject({ loaded: { files: 0 }, attention });
  });
});

describe('a partition that is exported again without one of its splits', () => {
  const SPLITS = { '.01': [record(1)], '.02': [record(2)], '.03': [record(3)] };

  async function withSplits(time: string, sources?: Source[]) {
    const project = await Project.create(undefined, sources);
    const folder = await project.partition(FEED, time, SPLITS);
    return { project, split: project.path('feeds', folder, `${FEED}.jsonl.02`), folder };
  }

  test('loses the rows of that split', async () => {
    const { project, split } = await withSplits(ago(1));
    await using _ = project;
    await project.load();
    await rm(split);
    expect(await project.run()).toMatchObject({ exitCode: 0 });
    expect(await ids(project)).toEqual([1, 3]);
    expect(await project.published(`SELECT issue_id FROM messaging.${FEED} ORDER BY ALL`)).toEqual([
      { issue_id: 1 },
      { issue_id: 3 },
    ]);
    expect(await project.loader('SELECT files, rows, state FROM ops.partitions')).toEqual([
      { files: 2, rows: 2, state: 'loaded' },
    ]);
    expect(await project.load()).toMatchObject({ loaded: { files: 0 } });
  });

  test('keeps those rows while it is not sealed', async () => {
    const { project, split, folder } = await withSplits(ago(1));
    await using _ = project;
    await project.load();
    await rm(split);
    await rm(project.path('feeds', folder, '_SUCCESS'));
    await project.load();
    expect(await ids(project)).toEqual([1, 2, 3]);
    await writeFile(project.path('feeds', folder, '_SUCCESS'), '');
    await project.load();
    expect(await ids(project)).toEqual([1, 3]);
  });

  test('keeps those rows for a day when it is of long ago, since it may be about to be tidied away', async () => {
    const { project, split, folder } = await withSplits(ago(40));
    await using _ = project;
    await project.partition(FEED, ago(0, 1), [record(9)]);
    await project.load();
    await rm(split);
    project.now = new Date(NOW.getTime() + DAY);
    await project.load();
    await project.load();
    expect(await ids(project)).toEqual([1, 2, 3, 9]);
    expect(await states(project)).toContain(`${ago(40)} reopened`);
    project.now = new Date(NOW.getTime() + 2 * DAY);
    await project.load();
    expect(await ids(project)).toEqual([1, 3, 9]);
    expect(await states(project)).toContain(`${ago(40)} loaded`);
    // And all of it tidied away: what is there stays.
    await rm(project.path('feeds', folder), { recursive: true });
    project.now = new Date(NOW.getTime() + 4 * DAY);
    await project.load();
    expect(await ids(project)).toEqual([1, 3, 9]);
  });

  test('has the split loaded as before when that is back in time', async () => {
    const { project, split } = await withSplits(ago(40));
    await using _ = project;
    await project.partition(FEED, ago(0, 1), [record(9)]);
    await project.load();
    await rm(split);
    project.now = new Date(NOW.getTime() + DAY);
    await project.load();
    await writeFile(split, '{"issue_id":22,"voice_intent_code":"X","company_name":"c"}\n');
    expect(await project.load()).toMatchObject({ exitCode: 0 });
    expect(await ids(project)).toEqual([1, 3, 9, 22]);
    expect(await project.loader('FROM ops.partitions WHERE files_gone_at IS NOT NULL')).toEqual([]);
  });

  test('keeps those rows where a place does not say when a listing is whole', async () => {
    const listed = await Project.create();
    await using _listed = listed;
    const open = async (): Promise<Connector> => {
      const folder = await local.open({ root: listed.path('feeds') });
      return {
        location: 'far://away',
        seal: 'always',
        entries: (path) => folder.entries(path),
        files: (path, from) => folder.files(path, from),
        fetch: (file, partial, options) => folder.fetch(file, partial, options),
        [Symbol.asyncDispose]: async () => {},
      };
    };
    const source: Source = { name: 'messaging', group: 'messaging', connector: 'local', options: {}, open };
    await using project = await Project.create(undefined, [source]);
    const folder = await listed.partition(FEED, ago(1), SPLITS, { sealed: false });
    await project.load();
    await rm(listed.path('feeds', folder, `${FEED}.jsonl.02`));
    expect(await project.load()).toMatchObject({ loaded: { files: 0 } });
    expect(await ids(project)).toEqual([1, 2, 3]);
  });

  test('keeps all of its rows when all of its files are gone, or all but its _SUCCESS', async () => {
    const { project, folder } = await withSplits(ago(1));
    await using _ = project;
    const other = await project.partition(FEED, ago(1, 1), [record(4)]);
    await project.load();
    await rm(project.path('feeds', folder), { recursive: true });
    await rm(project.path('feeds', other, `${FEED}.jsonl`));
    project.now = new Date(NOW.getTime() + DAY);
    expect(await project.load()).toMatchObject({ exitCode: 0, loaded: { files: 0 } });
    expect(await ids(project)).toEqual([1, 2, 3, 4]);
  });
});
