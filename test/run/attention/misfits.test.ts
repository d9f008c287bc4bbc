import { describe, expect, test } from 'vitest';
import { exceedsMaxMisfits } from '../../../src/config/misfits.ts';
import { Project } from '../../support/project.ts';

const YAML = 'sources:\n  messaging:\n    connector: local\n    path: ./feeds\n';
const vi = (code: string, time: unknown, more: object = {}) => ({
  issue_id: 1,
  company_name: 'c',
  instance_ts: time,
  voice_intent_code: code,
  ...more,
});

const code = async (project: Project) =>
  (
    await project.published<{ code: string }>('SELECT voice_intent_code AS code FROM messaging.voice_intents')
  )[0]?.code;

describe('a value that does not fit', { timeout: 120_000 }, () => {
  test('in an ordering column ranks last, and is reported until a format mends it', async () => {
    await using project = await Project.create(YAML);
    await project.partition('voice_intents', '2026-01-05 07', [vi('old', '2026-01-05 07:00:00')]);
    expect((await project.run()).exitCode).toBe(0);
    await project.partition('voice_intents', '2026-01-05 08', [vi('new', 1767600000000)]);
    for (const _ of [1, 2]) {
      const { exitCode, attention } = await project.run();
      expect(exitCode).toBe(3);
      expect(attention).toMatchObject([
        { kind: 'ordering_misfits', feed: 'messaging.voice_intents', count: 1 },
      ]);
      expect(await code(project)).toBe('old');
    }
    await project.write(
      'schemas/overrides.yaml',
      'messaging:\n  voice_intents:\n    columns:\n      instance_ts: { format: epoch_ms, reason: So it comes since January. }\n',
    );
    const mended = await project.run();
    expect(mended.attention).toEqual([]);
    expect(await code(project)).toBe('new');
    expect(
      await project.loader(
        'SELECT instance_ts::VARCHAR AS t FROM staging_messaging.voice_intents WHERE _rescued IS NULL ORDER BY 1',
      ),
    ).toEqual([{ t: '2026-01-05 07:00:00' }, { t: '2026-01-05 08:00:00' }]);
    // Those that come from now on fit at once.
    await project.partition('voice_intents', '2026-01-05 09', [vi('newer', 1767603600000)]);
    expect((await project.run()).exitCode).toBe(0);
    expect(await code(project)).toBe('newer');
  });

  test('in an ordering column of a feed without published columns is mended by a format, too', async () => {
    await using project = await Project.create(YAML);
    const session = (when: unknown, what: string) => ({
      issue_id: 1,
      cob_start_ts: '2026-01-05 06:00:00',
      instance_ts: when,
      what,
    });
    await project.partition('cobrowsing', '2026-01-05 07', [session('2026-01-05 07:00:00', 'old')]);
    await project.run();
    await project.partition('cobrowsing', '2026-01-05 08', [session(1767600000000, 'new')]);
    expect((await project.run()).attention).toMatchObject([{ kind: 'ordering_misfits' }]);
    await project.write(
      'schemas/overrides.yaml',
      'messaging:\n  cobrowsing:\n    columns:\n      instance_ts: { format: epoch_ms, reason: So it comes since January. }\n',
    );
    expect((await project.run()).attention).toEqual([]);
    expect(await project.published('SELECT what FROM messaging.cobrowsing')).toEqual([{ what: 'new' }]);
  });

  test('in a key of the user’s own model is reported, also by load', async () => {
    await using project = await Project.create(`models: ./models\n${YAML}`);
    await project.write(
      'models/own/by_company.sql',
      `{{ config(materialized='dedup', unique_key=['company'], order_by=['instance_ts']) }}
select *, company_id as company from {{ source('messaging', 'voice_intents') }}\n`,
    );
    await project.partition('voice_intents', '2026-01-05 07', [
      vi('a', '2026-01-05 07:00:00', { company_id: 'x' }),
    ]);
    const item = { kind: 'key_misfits', feed: 'messaging.voice_intents', count: 1 };
    const loaded = await project.load();
    expect(loaded.attention).toMatchObject([item]);
    expect(loaded.exitCode).toBe(3);
    expect((await project.run()).attention).toContainEqual(expect.objectContaining(item));
  });

  test('in any other column is reported beyond max_misfits', async () => {
    const records = Array.from({ length: 10 }, (_, id) =>
      vi('a', '2026-01-05 07:00:00', { issue_id: id, company_id: id < 2 ? 'x' : id }),
    );
    for (const [max, exitCode] of [
      ['', 0],
      ['max_misfits: 2\n', 0],
      ['max_misfits: 1\n', 3],
      ['max_misfits: 20%\n', 0],
      ['max_misfits: 19.9%\n', 3],
    ] as const) {
      await using project = await Project.create(`${max}${YAML}`);
      await project.partition('voice_intents', '2026-01-05 07', records);
      const outcome = await project.load();
      expect([max, outcome.exitCode]).toEqual([max, exitCode]);
    }
  });
});

test('the usual limit of misfits is a hundred values or one in a thousand', () => {
  expect(exceedsMaxMisfits('usual', { misfits: 100, rows: 100 })).toBe(false);
  expect(exceedsMaxMisfits('usual', { misfits: 101, rows: 101 })).toBe(true);
  expect(exceedsMaxMisfits('usual', { misfits: 1000, rows: 1_000_000 })).toBe(false);
  expect(exceedsMaxMisfits('usual', { misfits: 1001, rows: 1_000_000 })).toBe(true);
});
