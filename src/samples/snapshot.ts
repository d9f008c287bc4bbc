import type { Assignment, Conversation, Feedback, Opportunity, Utterance } from './conversation.ts';

/** A conversation as it stood at one moment: what comes after it is not there yet. */
export interface Snapshot {
  conversation: Conversation;
  /** The moment; nothing at or after it is known. */
  at: number;
  utterances: Utterance[];
  opportunities: Opportunity[];
  assignments: Assignment[];
  flowSucceededAt: number | undefined;
  flowNegatedAt: number | undefined;
  endedAt: number | undefined;
  feedback: Feedback | undefined;
  lastEventAt: number;
}

export function snapshot(conversation: Conversation, at: number): Snapshot {
  const known = (time: number | undefined) => (time !== undefined && time < at ? time : undefined);
  const opportunities = conversation.opportunities
    .filter((opportunity) => opportunity.at < at)
    .map((opportunity) => cutOpportunity(opportunity, known));
  return {
    conversation,
    at,
    utterances: conversation.utterances.filter((utterance) => utterance.at < at),
    opportunities,
    assignments: opportunities.flatMap(({ assignment }) => assignment ?? []),
    flowSucceededAt: known(conversation.flowSucceededAt),
    flowNegatedAt: known(conversation.flowNegatedAt),
    endedAt: known(conversation.endedAt),
    feedback: known(conversation.feedback?.at) === undefined ? undefined : conversation.feedback,
    lastEventAt: Math.max(...conversationEvents(conversation).filter((time) => time < at)),
  };
}

/** Every moment at which something about a conversation changed. */
export function conversationEvents(conversation: Conversation): number[] {
  return [
    conversation.createdAt,
    ...conversation.utterances.map(({ at }) => at),
    ...conversation.opportunities.flatMap(opportunityEvents),
    conversation.flowSucceededAt,
    conversation.flowNegatedAt,
    conversation.endedAt,
    conversation.feedback?.at,
    conversation.reprocessedAt,
  ].filter((time) => time !== undefined);
}

export function opportunityEvents({ at, exitedAt, assignment }: Opportunity): number[] {
  return [at, exitedAt, assignment?.firstResponseAt, assignment?.dispositionedAt].filter(
    (time) => time !== undefined,
  );
}

function cutOpportunity(
  opportunity: Opportunity,
  known: (time: number | undefined) => number | undefined,
): Opportunity {
  const { assignment } = opportunity;
  const exitedAt = known(opportunity.exitedAt);
  return {
    ...opportunity,
    exitedAt,
    abandoned: opportunity.abandoned && exitedAt !== undefined,
    assignment:
      assignment && assignment.at === known(assignment.at)
        ? {
            ...assignment,
            firstResponseAt: known(assignment.firstResponseAt),
            lastCustomerAt: known(assignment.lastCustomerAt),
            dispositionedAt: known(assignment.dispositionedAt),
          }
        : undefined,
  };
}
