import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { questions } from '../../src/samples/questions.ts';
import { FIRST_DAY, writeSampleFeeds } from '../../src/samples/samples.ts';
import { simulate } from '../../src/samples/world.ts';
import { NaiveWarehouse } from './naive-dedup.ts';

/** The columns that the questions ask for, with the types that they have in the warehouse. */
const TYPES: Record<string, Record<string, string>> = {
  'messaging.csid_containment': { last_platform: 'VARCHAR', is_contained: 'BOOLEAN' },
  'messaging.issue_queues': { enter_queue_ts: 'TIMESTAMPTZ', enqueue_time: 'DOUBLE', abandoned: 'BOOLEAN' },
  'messaging.rep_activity': {
    instance_ts: 'TIMESTAMP',
    status_description: 'VARCHAR',
    window_status_time: 'DOUBLE',
    linear_ute_time: 'DOUBLE',
  },
  'messaging.convos_intents': { issue_id: 'BIGINT', first_intent_code: 'VARCHAR' },
  'messaging.convos_metadata': { issue_id: 'BIGINT', escalated_to_chat: 'BIGINT', csat_rating: 'DOUBLE' },
  'messaging.intents': { name: 'VARCHAR' },
};

const OPTIONS = { days: 3, seed: 5, conversationsPerDay: 100 };
const END = FIRST_DAY + OPTIONS.days * 86_400_000;

let directory: string;
let warehouse: NaiveWarehouse;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'samples-'));
  await writeSampleFeeds(directory, OPTIONS);
  warehouse = await NaiveWarehouse.create();
  for (const [feed, types] of Object.entries(TYPES)) {
    const folder = join(directory, ...feed.split('.'));
    const names = await readdir(folder, { recursive: true });
    await warehouse.load(
      feed,
      names.filter((name) => name.includes('.jsonl')).map((name) => join(folder, name)),
      types,
    );
  }
});

afterAll(async () => {
  await warehouse[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function ask(words: RegExp): Promise<Record<string, unknown>[]> {
  const question = questions.find(({ title }) => words.test(title));
  return warehouse.query((question as { sql: string }).sql);
}

test('containment by channel is what happened in the simulated world', async () => {
  const truth = new Map<string, { sessions: number; contained: number }>();
  for (const { conversations } of simulate({ from: FIRST_DAY, ...OPTIONS }).sessions) {
    const seen = conversations.filter(({ createdAt }) => createdAt < END);
    if (seen.length === 0) continue;
    const channel = truth.get(seen[0]?.channel.platform as string) ?? { sessions: 0, contained: 0 };
    const agents = seen.flatMap(({ opportunities }) =>
      opportunities.filter(({ assignment }) => assignment && assignment.at < END),
    );
    channel.sessions += 1;
    channel.contained += Number(agents.length === 0);
    truth.set(seen[0]?.channel.platform as string, channel);
  }
  const answer = await ask(/settled without an agent/);
  expect(
    new Map(
      answer.map((row) => [
        row.channel,
        { sessions: Number(row.sessions), contained: Number(row.contained) },
      ]),
    ),
  ).toEqual(truth);
  const share = (channel: string) => Number(answer.find((row) => row.channel === channel)?.contained_pct);
  expect(share('ios')).toBeGreaterThan(share('voice') + 10);
});

test('customers wait longer at some hours than at others, while agents are there', async () => {
  const hours = await ask(/wait for an agent/);
  const waits = hours.filter(({ queued }) => Number(queued) >= 5).map((row) => Number(row.avg_wait_s));
  expect(Math.max(...waits)).toBeGreaterThan(4 * Math.min(...waits));
  for (const { hour } of hours) expect(Number(hour)).toSatisfy((value: number) => 7 <= value && value < 21);
});

test('agents are busier at some hours than at others, and never more than wholly', async () => {
  const occupied = (await ask(/busy are agents/)).map((row) => Number(row.occupied_pct));
  expect(occupied.length).toBeGreaterThan(8);
  expect(Math.max(...occupied)).toBeLessThanOrEqual(100);
  expect(Math.max(...occupied)).toBeGreaterThan(2 * Math.min(...occupied));
});

test('every conversation has an intent that is in the list', async () => {
  const intents = await ask(/come for/);
  const [all] = await warehouse.query('SELECT count(*)::INT AS n FROM messaging.convos_metadata');
  expect(intents.reduce((sum, row) => sum + Number(row.conversations), 0)).toBe(all?.n);
  const toAgent = (name: string) => Number(intents.find((row) => row.intent === name)?.to_agent_pct);
  expect(toAgent('Cancel service')).toBeGreaterThan(toAgent('Get account number'));
});
