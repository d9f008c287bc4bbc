/** How one conversation goes: with the bot, with agents, to its end. */

import { type Queue, type Rep, talk, VOICE } from './company.ts';
import type { Assignment, Conversation, Feedback, Opportunity, Summary, Utterance } from './conversation.ts';
import type { Random } from './random.ts';
import type { Switchboard } from './switchboard.ts';
import { MINUTE, SECOND } from './times.ts';

/** The bot's id as a sender. */
const BOT = 1001;

/**
 * The bot's part.
 * @param back the customer was here just now and wants an agent this time
 * @returns whether the bot settled it, so that no agent is needed
 */
export function talkToBot(conversation: Conversation, back: boolean, random: Random): boolean {
  const { intent, channel } = conversation;
  let at = conversation.createdAt + random.seconds(1, 4);
  say(
    conversation,
    'customer',
    at,
    back ? 'That did not work. Agent please' : random.pick(intent.opening),
    random,
  );
  at += random.seconds(1, 2);
  say(conversation, 'bot', at, back ? 'Welcome back.' : intent.answer, random);
  if (back) return false;
  if (random.chance(0.5)) {
    at += random.seconds(15, 60);
    say(conversation, 'customer', at, random.pick(talk.customer), random);
    at += random.seconds(1, 2);
    say(conversation, 'bot', at, 'Did that answer your question?', random);
  }
  const settled = random.chance(intent.containment * channel.containment);
  if (settled ? random.chance(0.8) : random.chance(0.15))
    conversation.flowSucceededAt = at + random.seconds(1, 3);
  if (settled) return true;
  at += random.seconds(8, 40);
  say(conversation, 'customer', at, random.pick(['Speak to an agent', 'agent', 'I need a person']), random);
  if (conversation.flowSucceededAt !== undefined) conversation.flowNegatedAt = at;
  return false;
}

/** Waits for an agent, talks to one, and is perhaps handed on to another. */
export function putThrough(conversation: Conversation, switchboard: Switchboard, random: Random): void {
  let queue = conversation.channel.platform === 'voice' ? VOICE : conversation.intent.queue;
  let from: Assignment | undefined;
  let at = lastSaid(conversation) + random.seconds(1, 3);
  for (let handOvers = 0; ; handOvers++) {
    const patience = queue === VOICE ? random.seconds(60, 400) : random.seconds(150, 1200);
    const call = switchboard.connect(queue, at, from?.rep);
    const opportunity: Opportunity = {
      at,
      queue,
      byRequest: random.chance(0.3),
      outsideHours: call === 'closed',
      exitedAt: undefined,
      abandoned: false,
      assignment: undefined,
      from,
    };
    conversation.opportunities.push(opportunity);
    if (call === 'closed') {
      say(conversation, 'bot', at + SECOND, 'Our agents are here from 8:00 to 20:00.', random);
      return;
    }
    if (call.at - at > patience) {
      opportunity.exitedAt = at + patience;
      opportunity.abandoned = true;
      return;
    }
    opportunity.exitedAt = call.at;
    const handOver = handOvers === 0 && queue !== VOICE && random.chance(0.13);
    opportunity.assignment = converse(conversation, call.roster.rep, queue, call.at, handOver, random);
    switchboard.occupy(call, opportunity.assignment, opportunity.assignment.dispositionedAt as number);
    if (!handOver) return;
    from = opportunity.assignment;
    queue = switchboard.anotherQueue(queue);
    at = (from.dispositionedAt as number) + random.seconds(1, 3);
  }
}

function converse(
  conversation: Conversation,
  rep: Rep,
  queue: Queue,
  at: number,
  handOver: boolean,
  random: Random,
): Assignment {
  const onPhone = rep.mode === 'VOICE';
  const ghost = random.chance(0.05);
  const turns = ghost ? 1 : handOver ? 2 : random.int(3, 7);
  let now = at;
  let firstResponseAt: number | undefined;
  let lastCustomerAt: number | undefined;
  for (let turn = 0; turn < turns; turn++) {
    now +=
      turn === 0 ? random.seconds(onPhone ? 2 : 8, onPhone ? 6 : 45) : random.seconds(25, onPhone ? 60 : 160);
    firstResponseAt ??= now;
    const text = talk.rep[turn === turns - 1 ? talk.rep.length - 1 : turn] as string;
    say(conversation, 'rep', now, text, random, rep.id);
    if (ghost) continue;
    now += random.seconds(20, onPhone ? 60 : 260);
    lastCustomerAt = now;
    say(conversation, 'customer', now, random.pick(talk.customer), random);
  }
  const wrapUp = ghost ? random.seconds(240, 420) : random.seconds(15, handOver ? 30 : 120);
  const outcome = handOver
    ? 'transferred'
    : ghost
      ? 'timedout'
      : random.chance(0.84)
        ? 'resolved'
        : 'unresolved';
  const summary = summarise(conversation, outcome, now + 5 * SECOND, now + wrapUp, random);
  return { rep, queue, at, firstResponseAt, lastCustomerAt, dispositionedAt: now + wrapUp, outcome, summary };
}

function summarise(
  { intent }: Conversation,
  outcome: Assignment['outcome'],
  at: number,
  dispositionedAt: number,
  random: Random,
): Summary {
  const asked = `Customer wrote in about: ${intent.name.toLowerCase()}.`;
  const steps = random.pick([
    'Agent checked the account.',
    'Agent explained the options.',
    'Agent reset the service.',
  ]);
  const end = SUMMARY_ENDS[outcome];
  const better = random.chance(0.45) ? [asked, 'Agent verified the customer.', end] : [asked, steps, end];
  // Some agents look at their summaries only the next morning.
  const late = random.chance(0.12) ? random.seconds(10 * 3600, 20 * 3600) : random.seconds(1, 10);
  return {
    id: random.uuid(),
    structuredId: random.uuid(),
    at,
    text: [asked, steps, end].join(' '),
    feedback: random.chance(0.65) ? { at: dispositionedAt + late, text: better.join(' ') } : undefined,
  };
}

const SUMMARY_ENDS = {
  resolved: 'Issue was resolved.',
  unresolved: 'Issue was not resolved.',
  timedout: 'Customer stopped replying.',
  transferred: 'Customer was transferred.',
} as const;

/** How it ends, and what is heard of it afterwards. */
export function close(conversation: Conversation, random: Random): void {
  const last = conversation.opportunities.at(-1);
  const assignment = last?.assignment;
  const after = Math.max(lastSaid(conversation), last?.exitedAt ?? 0, assignment?.dispositionedAt ?? 0);
  if (assignment)
    conversation.endedBy =
      assignment.outcome === 'timedout' ? 'autoend' : random.pick(['customer', 'rep', 'rep']);
  else conversation.endedBy = random.chance(0.45) ? 'autoend' : 'customer';
  const idle = conversation.endedBy === 'autoend' && !assignment;
  conversation.endedAt = after + (idle ? random.seconds(1800, 5400) : random.seconds(1, 20));
  if (random.chance(assignment ? 0.42 : 0.16)) conversation.feedback = rate(conversation, random);
  conversation.sentiment = sentiment(conversation, random);
  if (random.chance(0.4)) conversation.reprocessedAt = conversation.endedAt + random.seconds(3600, 30 * 3600);
}

/** What waiting, and not being helped, does to people. */
function sentiment({ opportunities }: Conversation, random: Random): number {
  const outcome = opportunities.at(-1)?.assignment?.outcome;
  const helped = outcome === 'resolved' || opportunities.length === 0 ? 0.5 : -0.2;
  return Math.max(-0.98, helped - waitedFor(opportunities) / (10 * MINUTE) + random.next() * 0.3);
}

/** Milliseconds in queues. */
function waitedFor(opportunities: readonly Opportunity[]): number {
  return opportunities.reduce((sum, { at, exitedAt = at }) => sum + (exitedAt - at), 0);
}

function rate(conversation: Conversation, random: Random): Feedback {
  const outcome = conversation.opportunities.at(-1)?.assignment?.outcome;
  const mood =
    4.9 -
    waitedFor(conversation.opportunities) / (4 * MINUTE) -
    (outcome === 'unresolved' ? 1.6 : 0) -
    (conversation.opportunities.length > 1 ? 0.7 : 0) +
    (random.next() - 0.5) * 2;
  const rating = Math.min(5, Math.max(1, Math.round(mood)));
  const comment = random.chance(0.4)
    ? rating >= 4
      ? 'Quick and friendly.'
      : 'I waited too long,\nand had to explain it twice.'
    : undefined;
  return { at: (conversation.endedAt as number) + random.seconds(30, 3 * 3600), rating, comment };
}

function say(
  conversation: Conversation,
  sender: Utterance['sender'],
  at: number,
  text: string,
  random: Random,
  repId = BOT,
): void {
  const type =
    sender === 'bot'
      ? 'script'
      : sender === 'rep'
        ? random.pick(['autosuggest', 'autocomplete', 'freehand'] as const)
        : 'freehand';
  const senderId = sender === 'customer' ? conversation.customer.id : repId;
  conversation.utterances.push({ at, sender, senderId, type, text, uuid: random.uuid() });
}

function lastSaid(conversation: Conversation): number {
  return conversation.utterances.at(-1)?.at ?? conversation.createdAt;
}
