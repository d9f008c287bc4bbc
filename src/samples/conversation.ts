import type { Channel, Intent, Queue, Rep } from './company.ts';

/** A conversation, and who takes part in it. */

interface Customer {
  id: number;
  externalId: string;
  /** Signed in with the company when the conversation began. */
  known: boolean;
}

export interface Utterance {
  at: number;
  sender: 'customer' | 'bot' | 'rep';
  /** Who it is from: a customer's, an agent's or the bot's id. */
  senderId: number;
  type: 'freehand' | 'script' | 'autosuggest' | 'autocomplete';
  text: string;
  uuid: string;
}

/** One agent's part in a conversation. What has not happened (yet) is undefined. */
export interface Assignment {
  rep: Rep;
  queue: Queue;
  at: number;
  firstResponseAt: number | undefined;
  /** The last thing the customer said to this agent. */
  lastCustomerAt: number | undefined;
  dispositionedAt: number | undefined;
  outcome: 'resolved' | 'unresolved' | 'timedout' | 'transferred';
  summary: Summary;
}

/** What the AI wrote about an assignment, and what the agent made of it. */
export interface Summary {
  id: string;
  structuredId: string;
  at: number;
  text: string;
  /** The agent's own version, which may be the same words; undefined when the agent did not look. */
  feedback: { at: number; text: string } | undefined;
}

/** One moment at which a customer was to be put through to an agent, and what came of it. */
export interface Opportunity {
  at: number;
  queue: Queue;
  byRequest: boolean;
  /** Nobody works that late: the customer was told so and never queued. */
  outsideHours: boolean;
  exitedAt: number | undefined;
  abandoned: boolean;
  assignment: Assignment | undefined;
  /** The agent who handed the conversation on. */
  from: Assignment | undefined;
}

export interface Feedback {
  at: number;
  /** 1 (bad) to 5. */
  rating: number;
  comment: string | undefined;
}

export interface Conversation {
  id: bigint;
  number: number;
  customer: Customer;
  channel: Channel;
  device: string;
  intent: Intent;
  sessionId: string;
  createdAt: number;
  utterances: Utterance[];
  opportunities: Opportunity[];
  /** When the bot's flow did what the customer came for. */
  flowSucceededAt: number | undefined;
  /** When it turned out that it had not, after all. */
  flowNegatedAt: number | undefined;
  endedAt: number | undefined;
  endedBy: 'customer' | 'rep' | 'autoend';
  feedback: Feedback | undefined;
  /** How it left the customer, from -1 (angry) to 1. */
  sentiment: number;
  /** When the vendor worked through it once more and sent it again as it was. */
  reprocessedAt: number | undefined;
}

/** One visit of a customer, of one conversation or several with little time between. */
export interface ChatSession {
  csid: string;
  customer: Customer;
  conversations: Conversation[];
}
