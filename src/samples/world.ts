/**
 * Some days in a small contact centre, played through minute by minute: customers write in, the bot answers,
 * some of them wait for an agent, are helped, handed on, give up or come back. The feeds are views of this one
 * world, which is why they join.
 *
 * Everything is decided here, and nothing in the feeds: they only say how much of it was known when.
 */

import { type Channel, channels, intents, staff } from './company.ts';
import type { ChatSession, Conversation } from './conversation.ts';
import { close, putThrough, talkToBot } from './encounter.ts';
import { Random } from './random.ts';
import { type Roster, rosters, Switchboard } from './switchboard.ts';
import { DAY, HOUR, MINUTE } from './times.ts';

export interface World {
  from: number;
  to: number;
  rosters: Roster[];
  conversations: Conversation[];
  sessions: ChatSession[];
}

export interface WorldOptions {
  /** The first midnight, UTC. */
  from: number;
  days: number;
  seed: number;
  conversationsPerDay: number;
}

/** Of a day's conversations, how many come in each hour. */
const ARRIVALS = [1, 1, 0, 0, 0, 1, 2, 4, 9, 13, 15, 12, 9, 10, 13, 14, 11, 8, 6, 4, 3, 2, 2, 1].map(
  (weight, hour) => ({ hour, weight }),
);

export function simulate(options: WorldOptions): World {
  const random = new Random(options.seed);
  const to = options.from + options.days * DAY;
  const agents = rosters(staff(options.conversationsPerDay), options.from, options.days);
  const switchboard = new Switchboard(agents);
  const world: World = { from: options.from, to, rosters: agents, conversations: [], sessions: [] };

  const arrivals: Arrival[] = [];
  for (let day = options.from; day < to; day += DAY)
    for (let count = 0; count < options.conversationsPerDay; count++)
      arrivals.push({ at: day + random.weighted(ARRIVALS).hour * HOUR + random.seconds(0, 3599) });
  // Somebody is always still there when the last hour closes.
  arrivals.push({ at: to - 12 * MINUTE });
  arrivals.sort((a, b) => b.at - a.at);

  for (let arrival = arrivals.pop(); arrival; arrival = arrivals.pop()) {
    const conversation = greet(arrival, world, random);
    world.conversations.push(conversation);
    const session = arrival.session ?? startSession(conversation, world);
    session.conversations.push(conversation);
    const settled = talkToBot(conversation, arrival.session !== undefined, random);
    if (!settled) putThrough(conversation, switchboard, random);
    close(conversation, random);
    if (settled && random.chance(0.13)) {
      const again = comeBack(conversation, session, random);
      arrivals.splice(arrivals.findLastIndex(({ at }) => at > again.at) + 1, 0, again);
    }
  }
  return world;
}

interface Arrival {
  at: number;
  /** Set when the customer has just been here and comes back for an agent. */
  session?: ChatSession;
}

function greet(arrival: Arrival, world: World, random: Random): Conversation {
  const number = world.conversations.length;
  const before = arrival.session?.conversations.at(-1);
  const channel = before?.channel ?? random.weighted(channels);
  const customer = before?.customer ?? {
    id: 1470001 + number * 10,
    externalId: random.hex(32).toUpperCase(),
    known: random.chance(0.6),
  };
  return {
    id: issueId(channel, number),
    number,
    customer,
    channel,
    device: before?.device ?? random.pick(channel.devices),
    intent: before?.intent ?? random.weighted(intents),
    sessionId: before?.sessionId ?? random.uuid(),
    createdAt: arrival.at,
    utterances: [],
    opportunities: [],
    flowSucceededAt: undefined,
    flowNegatedAt: undefined,
    endedAt: undefined,
    endedBy: 'customer',
    feedback: undefined,
    sentiment: 0,
    reprocessedAt: undefined,
  };
}

/** The newer channels number their issues past 2^53, one by one: read as doubles, neighbours would become one. */
function issueId(channel: Channel, number: number): bigint {
  return channel.platform === 'web' || channel.platform === 'ios' || channel.platform === 'android'
    ? 2_044_970_001n + BigInt(number) * 10_000n
    : 9_007_199_254_740_993n + BigInt(number);
}

function startSession(first: Conversation, world: World): ChatSession {
  const start = new Date(first.createdAt).toISOString().slice(0, 23);
  const session = { csid: `${first.customer.id}_${start}`, customer: first.customer, conversations: [] };
  world.sessions.push(session);
  return session;
}

/** A settled customer finds that it did not work after all, and asks for an agent. */
function comeBack(conversation: Conversation, session: ChatSession, random: Random): Arrival {
  const at = (conversation.utterances.at(-1)?.at ?? conversation.createdAt) + random.seconds(180, 1500);
  if (conversation.flowSucceededAt !== undefined) conversation.flowNegatedAt = at;
  conversation.endedAt = Math.min(conversation.endedAt as number, at);
  return { at, session };
}
