/** The feeds of what came of it all: contained sessions, finished flows, answers to surveys, moods. */

import { COMPANY } from './company.ts';
import type { ChatSession, Conversation } from './conversation.ts';
import { count, PLACE, perConversation, repId, total } from './conversation-feed.ts';
import { conversationsIn, nulls, type SampleFeed, type SampleRow, versions, type Window } from './feed.ts';
import { conversationEvents, snapshot } from './snapshot.ts';
import { HOUR, isoMicros, isoTwoHoursAhead, plainSeconds, quarterOf } from './times.ts';
import type { World } from './world.ts';

const csidContainment: SampleFeed = {
  group: 'messaging',
  name: 'csid_containment',
  every: 'hour',
  key: ['csid', 'company_name'],
  rows: (world: World, window: Window) =>
    versions(world.sessions, window, ({ conversations }) => conversations.flatMap(untilEnd), session),
};

/** A session is over when its conversations are; what is heard later is not part of it. */
function untilEnd(conversation: Conversation): number[] {
  return conversationEvents(conversation).filter((at) => at <= (conversation.endedAt ?? at));
}

function session({ csid, customer, conversations }: ChatSession, at: number): SampleRow {
  const states = conversations.filter(({ createdAt }) => createdAt < at).map((each) => snapshot(each, at));
  const { channel, device, createdAt } = conversations[0] as Conversation;
  const assignments = states.flatMap((state) => state.assignments);
  const opportunities = states.flatMap((state) => state.opportunities);
  const messages = total(states, (state) => count(state, 'customer'));
  const auth = (value: string) => (customer.known ? value : null);
  const lastEvent = Math.max(...conversations.flatMap(untilEnd).filter((event) => event < at));
  return {
    instance_ts: isoMicros(quarterOf(lastEvent)),
    company_id: COMPANY.id,
    ...PLACE,
    customer_id: customer.id,
    external_customer_id: auth(customer.externalId),
    csid,
    csid_start_ts: isoMicros(createdAt),
    csid_end_ts: isoMicros(lastEvent),
    included_issues: states.map((state) => state.conversation.id).join('|'),
    is_contained: assignments.length === 0,
    event_count: messages + states.length,
    fgsrs_event_count: total(states, (state) => count(state, 'bot')),
    was_enqueued: opportunities.some(({ outsideHours }) => !outsideHours),
    rep_msgs: total(states, (state) => count(state, 'rep')),
    messages_sent: messages,
    has_customer_utterance: messages > 0,
    attempted_escalate: opportunities.length > 0,
    last_platform: channel.platform.toUpperCase(),
    last_device_type: device,
    first_auth_source: auth('app'),
    last_auth_source: auth('app'),
    distinct_auth_source_path: auth('app'),
    first_auth_external_user_type: auth('client_CUSTOMER_ACCOUNT_ID'),
    last_auth_external_user_type: auth('client_CUSTOMER_ACCOUNT_ID'),
    first_auth_external_user_id: auth(customer.externalId),
    last_auth_external_user_id: auth(customer.externalId),
    first_auth_external_token_id: auth(customer.externalId),
    last_auth_external_token_id: auth(customer.externalId),
    reps_involved: [...new Set(assignments.map(({ rep }) => rep.id))].join('|') || null,
    company_name: COMPANY.name,
    ...nulls('agents_involved'),
  };
}

const flowCompletions: SampleFeed = perConversation(
  { name: 'flow_completions', every: 'hour', key: ['company_id', 'issue_id', 'success_event_details'] },
  ({ conversation, flowSucceededAt, flowNegatedAt }) =>
    flowSucceededAt === undefined
      ? undefined
      : {
          company_id: COMPANY.id,
          ...PLACE,
          platform: conversation.channel.platform,
          customer_id: conversation.customer.id,
          external_user_id: conversation.customer.known ? conversation.customer.externalId : null,
          customer_session_id: conversation.sessionId,
          success_rule_id: 'LINK_RESOLVED',
          success_event_details: `asapp-pil://acme/${conversation.intent.flow}`,
          success_event_ts: isoMicros(flowSucceededAt),
          negation_rule_id: flowNegatedAt === undefined ? null : 'NEG_QUESTION_NOT_ANSWERED',
          negation_event_ts: isoMicros(flowNegatedAt),
          is_flow_success_event: flowNegatedAt === undefined,
          is_flow_success_issue: flowNegatedAt === undefined,
          issue_id: conversation.id,
          company_name: COMPANY.name,
          last_relevant_event_ts: isoMicros(flowNegatedAt ?? flowSucceededAt),
          ...nulls('conversation_id'),
        },
);

/** How long before a partition's day its answers begin: those of the evening before are sent again. */
const SURVEY_OVERLAP = 6 * HOUR;

const customerFeedback: SampleFeed = {
  group: 'messaging',
  name: 'customer_feedback',
  every: 'day',
  key: ['issue_id', 'company_name', 'last_rep_id', 'question', 'instance_ts'],
  rows: (world, window) =>
    conversationsIn(world, { from: window.from - SURVEY_OVERLAP, to: window.to }).flatMap((conversation) => {
      const { feedback } = conversation;
      if (!feedback || feedback.at < window.from - SURVEY_OVERLAP || feedback.at >= window.to) return [];
      const answers = [
        { question: 'VOC Score', category: 'rating', type: 'scale', answer: String(feedback.rating) },
        {
          question: 'Did we solve it?',
          category: 'levelOfEffort',
          type: 'radio',
          answer: feedback.rating > 2 ? 'yes' : 'no',
        },
        {
          question: 'What could we have done better?',
          category: 'comment',
          type: 'text',
          answer: feedback.comment,
        },
      ];
      const state = snapshot(conversation, feedback.at);
      return answers
        .filter(({ answer }) => answer !== undefined)
        .map(({ question, category, type, answer }, ordering) => ({
          instance_ts: isoTwoHoursAhead(quarterOf(feedback.at)),
          question,
          question_category: category,
          question_type: type,
          answer,
          ordering,
          issue_id: conversation.id,
          last_rep_id: repId(state.assignments.at(-1)),
          company_name: COMPANY.name,
          ...PLACE,
          platform: conversation.channel.platform,
          feedback_type: state.assignments.length ? 'FEEDBACK_AGENT' : 'FEEDBACK_BOT',
          feedback_form_type: 'ASAPP_CSAT',
          ...nulls('conversation_id', 'last_agent_id'),
        }));
    }),
};

const issueSentiment: SampleFeed = perConversation(
  { name: 'issue_sentiment', every: 'day', key: ['issue_id'] },
  (state) => {
    const short = state.utterances.length < 4;
    return {
      instance_ts: plainSeconds(quarterOf(state.lastEventAt)),
      score: short ? -1000 : state.conversation.sentiment,
      status: short ? 'CONVERSATION_TOO_SHORT' : null,
      issue_id: state.conversation.id,
      company_name: COMPANY.name,
      ...nulls('conversation_id'),
    };
  },
);

export const outcomeFeeds: readonly SampleFeed[] = [
  csidContainment,
  flowCompletions,
  customerFeedback,
  issueSentiment,
];
