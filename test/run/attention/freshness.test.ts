import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { feedStatus } from '../../../src/audit/status.ts';
import type { Source } from '../../../src/config/config.ts';
import { local } from '../../../src/connectors/local.ts';
import type { FreshnessRule } from '../../../src/feeds/freshness.ts';
import { ageLimits, freshnessState } from '../../../src/feeds/freshness.ts';
import { Project } from '../../support/project.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = new Date('2026-01-10T12:00:00Z');
const TWICE = `sources:
  messaging: {connector: local, path: feeds/a}
  archive: {connector: local, path: feeds/b, group: messaging, freshness: off}
`;

/** A feed's state by `status`, and what `load` makes of it. */
async function judged(project: Project) {
  const { exitCode, attention } = await project.load();
  await using workspace = await project.open();
  const { columns, rows } = await feedStatus(workspace.session, {
    config: workspace.config,
    now: project.now,
  });
  const at = columns.findIndex(({ name }) => name === 'state');
  return { exitCode, states: rows.map((row) => row[at]), kinds: attention.map(({ kind }) => kind) };
}

const FRESH = { exitCode: 0, states: ['ok'], kinds: [] };
const DUE = { exitCode: 0, states: ['due'], kinds: [] };
const LATE = { exitCode: 3, states: ['late'], kinds: ['late_feed'] };

/** Partitions of a feed, so many minutes apart, the last one so many hours before now. */
async function deliver(
  project: Project,
  feed: string,
  { every, hoursAgo }: { every: number; hoursAgo: number },
) {
  for (let index = 0; index < 5; index += 1) {
    const time = new Date(NOW.getTime() - hoursAgo * HOUR - index * every * 60_000).toISOString();
    const text = every >= 1440 ? time.slice(0, 10) : time.slice(0, every >= 60 ? 13 : 16).replace('T', ' ');
    await project.partition(feed, text, [{ issue_id: index, company_name: 'c' }]);
  }
}

describe('a feed that stopped coming', () => {
  test.each<[string, string, number, number, object]>([
    // feed, how often it comes, age of its newest partition
    ['every hour, in time', 'voice_intents', 60, 3, FRESH],
    ['every hour, soon', 'voice_intents', 60, 5, DUE],
    ['every hour, late', 'voice_intents', 60, 7, LATE],
    ['every 15 minutes, in time', 'queue_wfm', 15, 1, FRESH],
    ['every 15 minutes, late', 'queue_wfm', 15, 4, LATE],
    ['every day, in time', 'issue_sentiment', 1440, 2 * 24 + 12, FRESH],
    ['every day, late', 'issue_sentiment', 1440, 4 * 24 + 12, LATE],
    ['every week, undocumented', 'surveys', 7 * 1440, 15 * 24 + 12, FRESH],
    ['every week, undocumented, late', 'surveys', 7 * 1440, 22 * 24 + 12, LATE],
  ])('is judged by how often it came: %s', async (_, feed, every, hoursAgo, expected) => {
    await using project = await Project.create(
      'sources: {messaging: {connector: local, path: feeds, freshness: {}}}',
    );
    await deliver(project, feed, { every, hoursAgo });
    expect(await judged(project)).toEqual(expected);
  });

  test('is judged by its sealed partitions, also empty ones, and not by those in the future', async () => {
    await using project = await Project.create(
      'sources: {messaging: {connector: local, path: feeds, freshness: {}}}',
    );
    await deliver(project, 'voice_intents', { every: 60, hoursAgo: 7 });
    await project.partition('voice_intents', '2026-01-10 06', [{ issue_id: 9 }], { sealed: false });
    expect((await judged(project)).kinds).toEqual(['late_feed']);
    for (const hour of ['06', '07', '08', '09', '10', '11'])
      await project.partition('voice_intents', `2026-01-10 ${hour}`, {});
    expect(await judged(project)).toMatchObject({ exitCode: 0 });
    project.now = new Date(NOW.getTime() + 9 * HOUR);
    expect(await judged(project)).toEqual(LATE);
    await project.partition('voice_intents', '2031-01-01 00', {});
    expect((await judged(project)).kinds).toEqual(['late_feed', 'future_partition']);
  });

  test('is judged by its own rule, else by that of its source, else by that of the file', async () => {
    const about = async (yaml: string) => {
      await using project = await Project.create(yaml);
      await deliver(project, 'voice_intents', { every: 60, hoursAgo: 30 });
      return (await judged(project)).states;
    };
    const source = 'sources: {messaging: {connector: local, path: feeds}}';
    expect(await about(`freshness: {error_after: 29h}\n${source}`)).toEqual(['late']);
    expect(await about(`freshness: {warn_after: 29h, error_after: 31h}\n${source}`)).toEqual(['due']);
    expect(await about(`freshness: {error_after: 2d}\n${source}`)).toEqual(['due']);
    expect(await about(`freshness: off\n${source}`)).toEqual(['ok']);
    expect(await about(`freshness: {feeds: {voice_intents: off}}\n${source}`)).toEqual(['ok']);
    expect(
      await about(`freshness: {feeds: {messaging.voice_intents: {error_after: 2d}}}\n${source}`),
    ).toEqual(['due']);
    expect(
      await about(
        'freshness: {error_after: 1h}\nsources: {messaging: {connector: local, path: feeds, freshness: off}}',
      ),
    ).toEqual(['ok']);
  });

  test('from an archive and a live source is late by the live one', async () => {
    await using project = await Project.create(TWICE);
    await project.partition('voice_intents', '2025-01-10 01', [{ issue_id: 1 }], { root: 'feeds/b' });
    await project.partition('reps', '2025-01-10', [{ rep_id: 'r' }], { root: 'feeds/b' });
    await project.partition('voice_intents', '2026-01-10 01', [{ issue_id: 2 }], { root: 'feeds/a' });
    expect(await judged(project)).toMatchObject({ states: ['ok', 'late'], kinds: ['late_feed'] });
  });

  test('over File Exporter is expected once a day, whatever its own cadence', async () => {
    const source = (deliveryMinutes?: number): Source => ({
      name: 'messaging',
      group: 'messaging',
      connector: 'file-exporter',
      options: {},
      deliveryMinutes,
      open: async () => local.open({ root: folder.path('feeds') }),
    });
    await using folder = await Project.create();
    await deliver(folder, 'voice_intents', { every: 60, hoursAgo: 37 });
    const at = async (minutes?: number) => {
      await using project = await Project.create(
        'freshness: {}\nsources: {a: {connector: local, path: feeds}}',
        [source(minutes)],
      );
      return (await judged(project)).states;
    };
    expect(await at()).toEqual(['late']);
    expect(await at(1440)).toEqual(['ok']);
  });

  test('and is taken out of the configuration is no longer reported', async () => {
    const yaml = 'freshness: {}\nsources: {messaging: {connector: local, path: feeds}}';
    await using project = await Project.create(yaml);
    await project.partition('voice_intents', '2026-01-10 10', [{ issue_id: 1 }]);
    await project.partition('reps', '2026-01-01', [{ rep_id: 'r' }]);
    expect((await project.load()).attention).toMatchObject([{ kind: 'late_feed', feed: 'messaging.reps' }]);
    await project.write('warehouse.yaml', yaml.replace('feeds}', 'feeds, feeds: [voice_intents]}'));
    expect(await project.load()).toMatchObject({ exitCode: 0 });
  });
});

test('a feed is never judged less late for waiting longer', () => {
  const rule = fc.option(
    fc.oneof(
      fc.constant<FreshnessRule>('off'),
      fc.record(
        { warnAfter: fc.integer({ min: 0, max: 9 * DAY }), errorAfter: fc.integer({ min: 0, max: 9 * DAY }) },
        { requiredKeys: [] },
      ),
    ),
    { nil: undefined },
  );
  const order = ['fresh', 'due', 'late'];
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 3 }),
      fc.option(fc.integer({ min: 1, max: 50_000 })),
      fc.array(fc.integer({ min: 0, max: 99 * DAY }), { minLength: 2, maxLength: 9 }),
      (rules, cadence, waits) => {
        const ages = ageLimits(rules, cadence);
        if (ages === undefined) return rules.includes('off');
        const states = waits
          .sort((a, b) => a - b)
          .map((wait) => order.indexOf(freshnessState(NOW, ages, new Date(NOW.getTime() + wait))));
        return states.every((state, index) => index === 0 || state >= (states[index - 1] as number));
      },
    ),
  );
});
