import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FeedSpec } from '../../src/feeds/catalogue.ts';
import { openStagingTable } from '../../src/load/staging/table.ts';
import { build, openProject } from '../../src/models/build/build.ts';
import { ancestors } from '../../src/models/graph.ts';
import { parseProperties } from '../../src/models/properties.ts';
import { writeSampleFeeds } from '../../src/samples/samples.ts';
import { BUNDLED_MODELS } from '../../src/workspace/workspace.ts';
import { Project } from '../support/project.ts';

const MARTS = [
  'agent_hours',
  'containment_daily',
  'conversations',
  'queue_service_levels',
  'summary_adoption',
];
const IDS = MARTS.map((name) => `marts.${name}`);

/** What the marts read, and no other feed: loading those would only take time. */
const BOTH_GROUPS = `sources:
  messaging:
    connector: local
    path: ./feeds/messaging
    feeds: [convos_metadata, convos_metrics, convos_intents, issue_sentiment, customer_feedback, csid_containment,
      rep_utilized, rep_activity, rep_convos, issue_queues]
  ai_services:
    connector: local
    path: ./feeds/ai_services
    feeds: [autosummary_free_text, autosummary_feedback]
`;

describe('on empty staging tables, which have the documented columns and no others', () => {
  let project: Project;
  let outcome: Awaited<ReturnType<typeof build>>;

  beforeAll(async () => {
    project = await Project.create();
    await using workspace = await project.open();
    const { config, catalogue, session } = workspace;
    const { models, graph } = await openProject(config, catalogue);
    const needed = IDS.flatMap((id) => [...ancestors(graph, id)]);
    for (const { group, feed } of needed.flatMap((id) => models.get(id)?.sources ?? [])) {
      await openStagingTable(session, catalogue.feed(group, feed, '1') as FeedSpec);
    }
    outcome = await build(workspace, 1);
  });

  afterAll(() => project[Symbol.asyncDispose]());

  test('each mart is built, so it reads no column that is not documented', () => {
    expect(outcome.failed).toEqual([]);
    expect(outcome.built.filter((id) => id.startsWith('marts.')).sort()).toEqual(IDS);
  });

  test.each(MARTS)('%s has no rows', async (mart) => {
    expect(await project.loader(`SELECT count(*) AS rows FROM marts.${mart}`)).toEqual([{ rows: 0 }]);
  });

  test.each(MARTS)(
    'each column of %s is described, in order, and the description is its comment',
    async (mart) => {
      const { models } = parseProperties(
        'schema.yml',
        await readFile(join(BUNDLED_MODELS, 'marts/schema.yml'), 'utf8'),
      );
      const described = models.find(({ name }) => name === mart);
      const columns = await project.loader(
        `SELECT column_name AS name, comment AS description FROM duckdb_columns()
       WHERE schema_name = 'marts' AND table_name = '${mart}' ORDER BY column_index`,
      );
      expect(columns).toEqual(described?.columns.map(({ name, description }) => ({ name, description })));
      const [table] = await project.loader(
        `SELECT comment FROM (SELECT schema_name, table_name, comment FROM duckdb_tables()
         UNION ALL SELECT schema_name, view_name, comment FROM duckdb_views())
       WHERE schema_name = 'marts' AND table_name = '${mart}'`,
      );
      expect(table).toEqual({ comment: described?.description });
      expect(described?.description).toMatch(/^One row per /);
    },
  );
});

describe('on sample feeds, held against questions asked of the deduped tables one at a time', () => {
  let project: Project;

  beforeAll(async () => {
    project = await Project.create(BOTH_GROUPS);
    await writeSampleFeeds(project.path('feeds'), { days: 1, conversationsPerDay: 60, seed: 1 });
    await project.run();
  });

  afterAll(() => project[Symbol.asyncDispose]());

  /** Two queries that have to give the same one row. */
  async function same(ofMart: string, byHand: string): Promise<void> {
    const [row] = await project.published(ofMart);
    expect(Object.values(row ?? {}).every((value) => value !== null && value !== 0)).toBe(true);
    expect(row).toEqual((await project.published(byHand))[0]);
  }

  test('there are as many conversations as ids', () =>
    same(
      'SELECT count(*) AS n, count(DISTINCT issue_id) AS ids FROM marts.conversations',
      `SELECT count(*) AS n, count(*) AS ids FROM (
         SELECT issue_id FROM messaging.convos_metadata UNION SELECT issue_id FROM messaging.convos_metrics)`,
    ));

  test('conversations lose nothing of a feed, and count nothing twice', () =>
    same(
      `SELECT round(sum(total_handle_time)) AS handle, sum(rep_sent_msgs)::BIGINT AS msgs,
         count(csat_rating) AS csat, sum(csat_rating) AS csat_sum, count(final_intent_code) AS intents,
         count(sentiment_score) AS scored, round(sum(sentiment_score), 6) AS score,
         sum(feedback_answers)::BIGINT AS answers, count(*) FILTER (outcome = 'resolved') AS resolved
       FROM marts.conversations`,
      `SELECT (SELECT round(sum(total_handle_time)) FROM messaging.convos_metrics) AS handle,
         (SELECT sum(rep_sent_msgs)::BIGINT FROM messaging.convos_metrics) AS msgs,
         (SELECT count(csat_rating) FROM messaging.convos_metadata) AS csat,
         (SELECT sum(csat_rating) FROM messaging.convos_metadata) AS csat_sum,
         (SELECT count(final_intent_code) FROM messaging.convos_intents) AS intents,
         (SELECT count(*) FROM messaging.issue_sentiment WHERE status IS NULL) AS scored,
         (SELECT round(sum(score), 6) FROM messaging.issue_sentiment WHERE status IS NULL) AS score,
         (SELECT count(*) FROM (SELECT DISTINCT issue_id, question FROM messaging.customer_feedback)) AS answers,
         (SELECT sum(ended_resolved)::BIGINT FROM messaging.convos_metadata) AS resolved`,
    ));

  test('agent hours have the minutes by status and the utilisation of the windows', () =>
    same(
      `SELECT count(*) AS n, round(sum(logged_in_minutes), 1) AS logged_in, round(sum(issue_minutes), 1) AS issues,
         round(sum(minutes_by_status['Away']), 1) AS away,
         round(sum(list_sum(map_values(minutes_by_status))), 0) AS in_all
       FROM marts.agent_hours`,
      `SELECT (SELECT count(*) FROM (SELECT rep_id, instance_ts[:13] FROM (
            SELECT rep_id, instance_ts::VARCHAR AS instance_ts FROM messaging.rep_utilized) GROUP BY ALL)) AS n,
         (SELECT round(sum(lin_logged_in_min), 1) FROM messaging.rep_utilized) AS logged_in,
         (SELECT round(sum(cum_ute_total_min), 1) FROM messaging.rep_utilized) AS issues,
         (SELECT round(sum(window_status_time) / 60, 1) FROM messaging.rep_activity
          WHERE status_description = 'Away') AS away,
         (SELECT round(sum(window_status_time) / 60, 0) FROM messaging.rep_activity) AS in_all`,
    ));

  test('queue service levels add up to the waits, abandons and handle times of the feeds', () =>
    same(
      `SELECT sum(entered)::BIGINT AS entered, sum(answered)::BIGINT AS answered, sum(abandoned)::BIGINT AS abandoned,
         sum(answered_in_time)::BIGINT AS in_time, round(sum(answered_wait_seconds), 1) AS waited,
         sum(assigned)::BIGINT AS assigned, round(sum(handle_seconds), 1) AS handle,
         round(sum(wrap_up_seconds), 1) AS wrap_up
       FROM marts.queue_service_levels`,
      `SELECT count(*) AS entered, count(*) FILTER (NOT abandoned) AS answered, count(*) FILTER (abandoned) AS abandoned,
         count(*) FILTER (NOT abandoned AND enqueue_time <= 30) AS in_time,
         round(sum(enqueue_time) FILTER (NOT abandoned), 1) AS waited,
         (SELECT count(*) FROM messaging.rep_convos) AS assigned,
         (SELECT round(sum(handle_time_seconds), 1) FROM messaging.rep_convos) AS handle,
         (SELECT round(sum(wrap_up_time_seconds), 1) FROM messaging.rep_convos) AS wrap_up
       FROM messaging.issue_queues`,
    ));

  test('containment has all sessions, by day and channel', () =>
    same(
      `SELECT sum(sessions)::BIGINT AS sessions, sum(contained_sessions)::BIGINT AS contained,
         sum(issues)::BIGINT AS issues, sum(rep_messages)::BIGINT AS msgs, count(*) AS parts
       FROM marts.containment_daily`,
      `SELECT count(*) AS sessions, count(*) FILTER (is_contained) AS contained,
         sum(1 + length(included_issues) - length(replace(included_issues, '|', '')))::BIGINT AS issues,
         sum(rep_msgs)::BIGINT AS msgs, count(DISTINCT csid_start_ts::DATE || upper(last_platform)) AS parts
       FROM messaging.csid_containment`,
    ));

  test('summary adoption has all summaries, submissions and edits', () =>
    same(
      `SELECT sum(summaries)::BIGINT AS summaries, sum(submitted)::BIGINT AS submitted,
         sum(submitted_edited)::BIGINT AS edited, count(*) AS days FROM marts.summary_adoption`,
      `SELECT count(*) AS summaries, sum(is_autosummary_feedback_edited)::BIGINT AS edited,
         count(DISTINCT autosummary_free_text_ts::DATE) AS days,
         (SELECT count(*) FROM ai_services.autosummary_feedback
          WHERE summary_id IN (SELECT summary_id FROM ai_services.autosummary_free_text)) AS submitted
       FROM ai_services.autosummary_free_text`,
    ));
});

describe('on rows that are as awkward as they come', () => {
  let project: Project;

  beforeAll(async () => {
    project = await Project.create(BOTH_GROUPS);
    const day = '2026-01-05 10';
    const feeds: Record<string, object[]> = {
      convos_metadata: [
        {
          issue_id: 1,
          platform: 'WEB',
          conversation_end_ts: '2026-01-05T10:20:00Z',
          ended_resolved: 0,
          ended_other: 0,
        },
        { issue_id: 2, platform: 'ios', issue_created_ts: '2026-01-05T23:59:59Z' },
        { issue_id: null, platform: 'web' },
      ],
      convos_metrics: [
        {
          issue_id: 1,
          total_rep_seconds_to_respond: 90,
          rep_response_count: 3,
          total_seconds_to_first_rep_response: 5,
        },
        { issue_id: 3, platform: 'voice', total_rep_seconds_to_respond: 7, rep_response_count: 0 },
      ],
      convos_intents: [{ issue_id: 1, final_intent_code: 'PAYBILL' }],
      issue_sentiment: [
        { issue_id: 1, score: -1000, status: 'CONVERSATION_TOO_SHORT' },
        { issue_id: 2, score: -0.25 },
      ],
      customer_feedback: [
        feedback('2026-01-05T10:00:00Z', 'How was it?', '1'),
        feedback('2026-01-05T11:00:00Z', 'How was it?', '5'),
        feedback('2026-01-05T11:00:00Z', 'Was it easy?', '4'),
        feedback('2026-01-05T11:00:00Z', 'Rate us', 'no idea'),
        { ...feedback('2026-01-05T11:00:00Z', 'Anything else?', '17'), question_category: 'comment' },
      ],
      rep_utilized: [
        utilized('2026-01-05T10:00:00Z', 'CHAT', {
          labor_min: 10,
          cum_ute_total_min: 15,
          lin_ute_total_min: 10,
        }),
        utilized('2026-01-05T10:15:00Z', 'CHAT', {
          labor_min: 0,
          cum_ute_total_min: 0,
          lin_ute_total_min: 0,
        }),
        utilized('2026-01-05T10:15:00Z', 'VOICE', {
          labor_min: 5,
          cum_ute_total_min: 3,
          lin_ute_total_min: 2,
        }),
        utilized('2026-01-05T11:00:00Z', 'CHAT', {
          labor_min: 0,
          cum_ute_total_min: 0,
          lin_ute_total_min: 0,
        }),
      ],
      rep_activity: [
        activity('2026-01-05T10:00:00Z', 'Lunch', 60),
        activity('2026-01-05T10:15:00Z', 'Lunch', 60),
        activity('2026-01-05T10:30:00Z', 'Available', 90),
        activity('2026-01-05T12:00:00Z', 'Available', 30),
      ],
      issue_queues: [
        stay(1, '2026-01-05T10:14:59Z', { exit_queue_ts: '2026-01-05T10:15:29Z', abandoned: false }),
        stay(2, '2026-01-05T10:00:00Z', { exit_queue_ts: '2026-01-05T10:00:31Z', enqueue_time: 31 }),
        stay(3, '2026-01-05T10:01:00Z', {
          exit_queue_ts: '2026-01-05T10:02:00Z',
          abandoned: true,
          enqueue_time: 60,
        }),
        stay(4, '2026-01-05T10:02:00Z', { queue_name: 'Billing, once' }),
        stay(5, '2026-01-05T10:15:00Z', { queue_name: 'Billing' }),
        { ...stay(6, '2026-01-05T10:15:00Z', {}), queue_id: null },
      ],
      rep_convos: [
        {
          issue_id: 1,
          rep_id: 'r',
          queue_id: 7,
          issue_assigned_ts: '2026-01-05T10:30:00Z',
          handle_time_seconds: 100,
        },
        { issue_id: 2, rep_id: 'r', queue_id: 7, issue_assigned_ts: '2026-01-05T10:31:00Z' },
      ],
      csid_containment: [
        session('a', '2026-01-05T23:59:59Z', {
          is_contained: true,
          last_platform: 'WEB',
          included_issues: '1|2',
        }),
        session('b', '2026-01-05T00:00:00Z', {
          is_contained: false,
          last_platform: 'web',
          included_issues: '',
        }),
        session('c', '2026-01-05T12:00:00Z', { last_platform: 'web', has_customer_utterance: true }),
        session('d', '2026-01-06T00:00:00Z', { is_contained: true }),
      ],
    };
    for (const [feed, rows] of Object.entries(feeds)) {
      await project.partition(feed, day, rows, { root: 'feeds/messaging' });
    }
    const ai = { root: 'feeds/ai_services' };
    await project.partition(
      'autosummary_free_text',
      day,
      [
        summary('s1', {
          is_autosummary_feedback_used: 1,
          is_autosummary_feedback_edited: 1,
          ...compared(40, 50, 10),
        }),
        summary('s2', { is_autosummary_feedback_used: 0 }),
        summary('s3', { company_marker: null }),
        summary('s4', { autosummary_free_text_ts: '2026-01-06T00:00:00Z' }),
      ],
      ai,
    );
    const submitted = { conversation_id: 'c', autosummary_feedback_ts: '2026-01-05T11:00:30Z' };
    await project.partition(
      'autosummary_feedback',
      day,
      [
        { ...submitted, company_marker: 'acme', summary_id: 's2' },
        { ...submitted, company_marker: null, summary_id: 's3' },
        { ...submitted, company_marker: 'acme', summary_id: 'nobody generated this one' },
      ],
      ai,
    );
    await project.run();
  });

  afterAll(() => project[Symbol.asyncDispose]());

  test('a conversation is there when either feed has it, and never without an id', async () => {
    const rows = await project.published(
      `SELECT issue_id, platform, is_ended, outcome, avg_rep_response_seconds, avg_first_response_seconds
       FROM marts.conversations ORDER BY issue_id`,
    );
    expect(rows.map(Object.values)).toEqual([
      [1, 'web', true, 'other', 30, null],
      [2, 'ios', false, null, null, null],
      [3, 'voice', false, null, null, null],
    ]);
  });

  test('a conversation that was not scored has no score', async () => {
    const rows = await project.published(
      'SELECT sentiment_score, sentiment_status FROM marts.conversations ORDER BY issue_id',
    );
    expect(rows.map(Object.values)).toEqual([
      [null, 'CONVERSATION_TOO_SHORT'],
      [-0.25, null],
      [null, null],
    ]);
  });

  test('of two answers to a question the latest counts, and a rating is a number', async () => {
    const rows = await project.published(
      'SELECT feedback_rating, feedback_answers FROM marts.conversations ORDER BY issue_id',
    );
    expect(rows.map(Object.values)).toEqual([
      [4.5, 4],
      [null, 0],
      [null, 0],
    ]);
  });

  test('an agent hour adds up chat and voice, and never divides by zero', async () => {
    const rows = await project.published(
      `SELECT strftime(hour_ts, '%H') AS hour, desk_modes, minutes_by_status::VARCHAR AS statuses, main_status,
         labor_minutes, utilization, avg_concurrency
       FROM marts.agent_hours ORDER BY hour_ts`,
    );
    expect(rows.map(Object.values)).toEqual([
      ['10', 'CHAT,VOICE', '{Available=1.5, Lunch=2.0}', 'Lunch', 15, 1.2, 1.5],
      ['11', 'CHAT', null, null, 0, null, null],
      ['12', null, '{Available=0.5}', 'Available', null, null, null],
    ]);
  });

  test('a wait belongs to the 15 minutes in which it began, whenever it ended', async () => {
    const rows = await project.published(
      `SELECT strftime(interval_ts, '%H:%M') AS at, queue_name, entered, answered, abandoned, still_waiting, answered_in_time,
         answered_wait_seconds, median_wait_seconds, abandon_rate, service_level, assigned, handled, avg_handle_seconds
       FROM marts.queue_service_levels ORDER BY interval_ts`,
    );
    expect(rows.map(Object.values)).toEqual([
      ['10:00', 'Billing', 4, 2, 1, 1, 1, 61, 31, 0.3333, 0.3333, 0, 0, null],
      ['10:15', 'Billing', 1, 0, 0, 1, 0, null, null, null, null, 0, 0, null],
      ['10:30', 'Billing', 0, 0, 0, 0, 0, null, null, null, null, 2, 1, 100],
    ]);
  });

  test('how long a wait may be to be in time can be set', async () => {
    await project.write('warehouse.yaml', `${BOTH_GROUPS}vars: { service_level_seconds: 31 }\n`);
    await project.build();
    const [row] = await project.published(
      'SELECT sum(answered_in_time)::INTEGER AS in_time FROM marts.queue_service_levels',
    );
    expect(row).toEqual({ in_time: 2 });
  });

  test('a session counts on the day it began, and only where it is known whether it was contained', async () => {
    const rows = await project.published(
      `SELECT day::VARCHAR AS day, channel, sessions, contained_sessions, not_contained_sessions, containment_rate,
         engaged_containment_rate, issues
       FROM marts.containment_daily ORDER BY day`,
    );
    expect(rows.map(Object.values)).toEqual([
      ['2026-01-05', 'web', 3, 1, 1, 0.5, null, 2],
      ['2026-01-06', 'unknown', 1, 1, 0, 1, null, null],
    ]);
  });

  test('a summary was submitted when either feed says so', async () => {
    const rows = await project.published(
      `SELECT day::VARCHAR AS day, summaries, submitted, submitted_edited, submitted_as_generated, adoption_rate, edit_rate,
         edited_share, median_review_seconds
       FROM marts.summary_adoption ORDER BY day`,
    );
    expect(rows.map(Object.values)).toEqual([
      ['2026-01-05', 3, 3, 1, 2, 1, 0.3333, 0.2, 30],
      ['2026-01-06', 1, 0, 0, 0, 0, null, null, null],
    ]);
  });
});

function feedback(instance_ts: string, question: string, answer: string) {
  return { issue_id: 1, company_name: 'acme', question_category: 'rating', instance_ts, question, answer };
}

function utilized(instance_ts: string, desk_mode: string, minutes: object) {
  return { instance_ts, rep_id: 'r', desk_mode, max_slots: 2, company_name: 'acme', ...minutes };
}

function activity(instance_ts: string, status: string, seconds: number) {
  const spell = { status_id: status, status_description: status, in_status_starting_ts: instance_ts };
  return { instance_ts, rep_id: 'r', company_name: 'acme', window_status_time: seconds, ...spell };
}

function stay(issue_id: number, enter_queue_ts: string, more: object) {
  return { issue_id, queue_id: 7, enter_queue_ts, instance_ts: enter_queue_ts, ...more };
}

function session(csid: string, csid_start_ts: string, more: object) {
  return { csid, company_name: 'acme', csid_start_ts, csid_end_ts: csid_start_ts, ...more };
}

function summary(summary_id: string, more: object) {
  const autosummary_free_text_ts = '2026-01-05T11:00:00Z';
  return { company_marker: 'acme', conversation_id: 'c', summary_id, autosummary_free_text_ts, ...more };
}

function compared(generated: number, submitted: number, distance: number) {
  return {
    autosummary_free_text_length: generated,
    autosummary_feedback_length: submitted,
    autosummary_levenshtein_distance: distance,
  };
}
