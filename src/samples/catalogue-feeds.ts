/** The feeds that list what there is: queues, intents, agents. Each export is the whole list again. */

import { COMPANY, intents, queues } from './company.ts';
import { nulls, type SampleFeed } from './feed.ts';
import { DAY, isoSeconds, MINUTE, plainSeconds } from './times.ts';

const dimQueues: SampleFeed = {
  group: 'messaging',
  name: 'dim_queues',
  every: 'hour',
  key: ['queue_key', 'company_name'],
  rows: () =>
    queues.map((queue) => ({
      company_id: COMPANY.id,
      queue_key: queue.key,
      queue_id: queue.id,
      queue_name: queue.name,
      company_name: COMPANY.name,
    })),
};

const FIXED_INTENTS = [
  {
    code: 'AGENT',
    name: 'Speak to an agent',
    intent_type: 'SYSTEM',
    short_description: 'Users asking for a person.',
    flow_name: 'ForceChatFlow',
  },
  {
    code: 'BILLING',
    name: 'Billing',
    intent_type: 'PARENT',
    short_description: 'All that has to do with money.',
    flow_name: null,
  },
];

/** From the second day on `COVERAGE` has a longer description: a newer version of an old record. */
const intentList: SampleFeed = {
  group: 'messaging',
  name: 'intents',
  every: 'day',
  key: ['code', 'company_name'],
  rows: (world, { from }) => [
    ...intents.map(({ code, name, description, flow }, index) => ({
      code,
      name,
      intent_type: 'LEAF',
      short_description:
        code === 'COVERAGE' && from > world.from ? `${description} Also before a move.` : description,
      flow_name: flow,
      default_disambiguation: index < 4,
      actions: code === 'CANCEL' ? null : 'flow',
      company_name: COMPANY.name,
      deleted_ts: null,
    })),
    ...FIXED_INTENTS.map((intent) => ({
      ...intent,
      default_disambiguation: false,
      actions: null,
      company_name: COMPANY.name,
      deleted_ts:
        intent.code === 'BILLING' && from > world.from ? plainSeconds(world.from + DAY + MINUTE) : null,
    })),
  ],
};

/** From the second day on the first agent takes one conversation more at a time. */
const reps: SampleFeed = {
  group: 'messaging',
  name: 'reps',
  every: 'day',
  key: ['rep_id'],
  rows: (world, { from }) =>
    world.rosters.map(({ rep }, index) => ({
      created_ts: isoSeconds(Date.UTC(2024, index % 12, 3 + index, 9, 30, index)),
      name: rep.name.split(' ').reverse().join(', '),
      max_slot: rep.slots + (index === 0 && from > world.from ? 1 : 0),
      disabled_time: null,
      rep_id: String(rep.id),
      crm_rep_id: rep.crmId,
      rep_status: '80001',
      company_name: COMPANY.name,
      ...nulls('agent_id', 'crm_agent_id', 'agent_status'),
    })),
};

export const catalogueFeeds: readonly SampleFeed[] = [dimQueues, intentList, reps];
