/** The feeds that follow a conversation: its measures, its circumstances, what it was about, what was said. */

import { COMPANY } from './company.ts';
import { count, PLACE, perConversation, repId, rounded, total } from './conversation-feed.ts';
import { conversationsIn, nulls, type SampleFeed } from './feed.ts';
import type { Snapshot } from './snapshot.ts';
import { isoMicros, isoSeconds, MINUTE, plainSeconds, quarterOf, secondsBetween } from './times.ts';

/** Seconds, added up over assignments, from being assigned to what `until` says, or to now. */
function time(state: Snapshot, until: 'dispositionedAt' | 'lastCustomerAt'): number {
  return total(state.assignments, (assignment) =>
    secondsBetween(assignment.at, assignment[until] ?? assignment.dispositionedAt ?? state.at),
  );
}

/** How long one side left the other waiting, in seconds, added up. */
function responseTime(state: Snapshot, answering: 'customer' | 'rep'): number {
  const talk = state.utterances.filter(({ sender }) => sender !== 'bot');
  return total(talk, (said) => {
    const before = talk[talk.indexOf(said) - 1];
    return said.sender === answering && before && before.sender !== answering
      ? secondsBetween(before.at, said.at)
      : 0;
  });
}

const convosMetrics = perConversation(
  { name: 'convos_metrics', every: 'hour', key: ['issue_id'] },
  (state) => {
    const { conversation, assignments, opportunities } = state;
    const assisted = assignments.some(({ firstResponseAt }) => firstResponseAt !== undefined);
    const attempted = opportunities.length > 0;
    const onPhone = conversation.channel.platform === 'voice';
    // The SDKs for phones send a flag as true or false where the others send 1 or 0.
    const flag = (value: boolean) => (conversation.device === 'mobile' ? value : Number(value));
    const handled = time(state, 'dispositionedAt');
    const led = time(state, 'lastCustomerAt');
    return {
      issue_id: conversation.id,
      ...PLACE,
      first_utterance_ts: isoSeconds(state.utterances[0]?.at),
      customer_id: conversation.customer.id,
      platform: conversation.channel.platform,
      device_type: conversation.device,
      assisted: flag(assisted),
      total_handle_time: handled,
      total_lead_time: led,
      total_wrap_up_time: rounded(handled - led),
      total_session_time: secondsBetween(conversation.createdAt, state.endedAt ?? state.lastEventAt),
      customer_sent_msgs: count(state, 'customer'),
      auto_generated_msgs: count(state, 'bot'),
      first_rep_response_count: assignments.filter(({ firstResponseAt }) => firstResponseAt).length,
      total_seconds_to_first_rep_response: total(assignments, ({ at, firstResponseAt = at }) =>
        secondsBetween(at, firstResponseAt),
      ),
      customer_response_count: count(state, 'customer'),
      total_rep_seconds_to_respond: responseTime(state, 'rep'),
      total_cust_seconds_to_respond: responseTime(state, 'customer'),
      time_in_queue: total(opportunities, ({ at, outsideHours, exitedAt = state.at }) =>
        outsideHours ? 0 : secondsBetween(at, exitedAt),
      ),
      auto_suggest_msgs: count(state, 'rep', 'autosuggest'),
      auto_complete_msgs: count(state, 'rep', 'autocomplete'),
      attempted_chat: flag(attempted),
      out_business_ct: opportunities.filter(({ outsideHours }) => outsideHours).length,
      rep_sent_msgs: count(state, 'rep'),
      rep_response_count: count(state, 'rep'),
      auto_wait_for_rep_msgs: opportunities.filter(({ outsideHours }) => !outsideHours).length,
      customer_wait_for_rep_msgs: opportunities.filter(({ byRequest }) => byRequest).length,
      hold_ct: onPhone ? assignments.length : 0,
      total_hold_time_seconds: onPhone ? assignments.length * 30.5 : 0,
      company_name: COMPANY.name,
      ...nulls('conversation_id', 'agent_sent_msgs', 'agent_response_count'),
      ...nulls('auto_wait_for_agent_msgs', 'customer_wait_for_agent_msgs'),
    };
  },
);

const convosMetadata = perConversation(
  { name: 'convos_metadata', every: 'hour', key: ['issue_id'], gzip: true },
  (state) => {
    const { conversation, assignments, opportunities, endedAt, feedback } = state;
    const { customer, channel } = conversation;
    const onPhone = channel.platform === 'voice';
    const outcome = assignments.at(-1)?.outcome;
    const dispositionedAt = assignments.at(-1)?.dispositionedAt;
    const ended = (yes: boolean) => Number(endedAt !== undefined && yes);
    const auth = (value: string) => (customer.known ? value : null);
    const voice = (value: unknown) => (onPhone ? value : null);
    return {
      issue_id: conversation.id,
      company_id: COMPANY.id,
      ...PLACE,
      first_utterance_ts: plainSeconds(state.utterances[0]?.at),
      first_utterance_text: state.utterances[0]?.text ?? null,
      issue_created_ts: plainSeconds(conversation.createdAt),
      last_event_ts: plainSeconds(state.lastEventAt),
      last_srs_event_ts: plainSeconds(state.utterances.findLast(({ sender }) => sender === 'bot')?.at),
      conversation_end_ts: plainSeconds(endedAt),
      session_id: conversation.sessionId,
      session_type: 'asapp-uuid',
      session_event_type: state.utterances.length > 1 ? 'UPDATE' : 'CREATE',
      internal_session_id: conversation.sessionId,
      internal_session_type: 'asapp-uuid',
      internal_user_identifier: String(customer.id),
      internal_user_session_type: 'customer',
      external_session_id: conversation.utterances[0]?.uuid,
      external_session_type: 'visitID',
      external_user_id: auth(customer.externalId),
      external_user_type: auth('acme_CUSTOMER_ACCOUNT_ID'),
      customer_id: customer.id,
      escalated_to_chat: Number(assignments.length > 0),
      platform: channel.platform,
      device_type: conversation.device,
      assigned_to_rep_time: plainSeconds(assignments[0]?.at),
      disposition_event_type: dispositionedAt && outcome ? DISPOSITIONS[outcome] : null,
      disposition_ts: plainSeconds(dispositionedAt),
      termination_event_type: endedAt ? TERMINATIONS[conversation.endedBy] : null,
      disposition_notes:
        dispositionedAt && outcome === 'resolved' ? `Helped with: ${conversation.intent.name}.` : null,
      ended_resolved: ended(outcome === 'resolved'),
      ended_unresolved: ended(outcome === 'unresolved'),
      ended_timeout: ended(outcome === 'timedout'),
      ended_auto: ended(outcome === undefined && conversation.endedBy === 'autoend'),
      ended_other: ended(outcome === undefined && conversation.endedBy !== 'autoend'),
      app_version_asapp: 'com.asapp.api_api:-5c0ffee1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f607',
      app_version_client: channel.client,
      last_sequence_id: state.utterances.length + opportunities.length,
      issue_queue_id: opportunities.length ? String(opportunities.at(-1)?.queue.id) : null,
      issue_queue_name: opportunities.at(-1)?.queue.name ?? null,
      csat_rating: feedback ? feedback.rating * 100 : null,
      sentiment_valence: endedAt ? valence(conversation.sentiment) : null,
      auth_state: String(customer.known),
      auth_external_token_id: auth(customer.externalId),
      auth_source: auth(onPhone ? 'ivr-url' : 'app'),
      auth_external_user_type: auth('ACME_CUSTOMER_ACCOUNT_ID'),
      auth_external_user_id: auth(customer.externalId),
      is_review_required: outcome === 'unresolved',
      first_rep_id: repId(assignments[0]),
      last_rep_id: repId(assignments.at(-1)),
      external_rep_id: assignments.at(-1)?.rep.crmId ?? null,
      company_name: COMPANY.name,
      first_voice_customer_state: voice('IDENTIFIED'),
      first_voice_customer_state_ts: voice(plainSeconds(conversation.createdAt)),
      first_voice_identified_customer_state_ts: voice(plainSeconds(conversation.createdAt)),
      desk_mode_flag: voice(assignments.length ? 3 : 1),
      desk_mode_string: voice(assignments.length ? 'VOICE_DESK' : 'VOICE'),
      current_page_url: channel.platform === 'web' ? 'https://www.acme.example/support' : null,
      raw_current_page_url: channel.platform === 'web' ? 'https://www.acme.example/support?from=menu' : null,
      language_code: 'English',
      ...nulls(
        'external_issue_id',
        'external_channel',
        'first_agent_id',
        'last_agent_id',
        'external_agent_id',
      ),
      ...nulls(
        'session_metadata',
        'deep_link_queue',
        'end_srs_selection',
        'trigger_link',
        'mid_issue_auth_ts',
      ),
      ...nulls('first_voice_verified_customer_state_ts', 'merged_ts'),
    };
  },
);

const DISPOSITIONS = {
  resolved: 'resolved',
  unresolved: 'unresolved',
  timedout: 'timeout',
  transferred: null,
} as const;

const TERMINATIONS = { customer: 'customer', rep: 'agent', autoend: 'autoend' } as const;

function valence(score: number): string {
  return score > 0.3 ? 'Positive' : score < -0.1 ? 'Negative' : 'Neutral';
}

const convosIntents = perConversation(
  { name: 'convos_intents', every: 'hour', key: ['issue_id'] },
  (state) => {
    const { conversation, assignments, opportunities } = state;
    const { intent } = conversation;
    const asked = opportunities.some(({ byRequest }) => byRequest);
    return {
      issue_id: conversation.id,
      customer_id: conversation.customer.id,
      first_utterance_ts: plainSeconds(state.utterances[0]?.at),
      first_utterance_text: state.utterances[0]?.text ?? null,
      first_intent_code: intent.code,
      first_intent_code_alt: intent.code === 'PAYBILL' ? 'BILLINFO' : 'PAYBILL',
      final_intent_code: asked ? 'AGENT' : intent.code,
      intent_path: asked ? `${intent.code},AGENT` : intent.code,
      disambig_count: conversation.number % 4 === 0 ? 1 : 0,
      ftd_visit: conversation.number % 4 === 0,
      faq_id: state.flowSucceededAt === undefined ? null : `${intent.code}_faq`,
      final_action_destination:
        state.flowSucceededAt === undefined ? null : `asapp-pil://acme/${intent.flow}`,
      is_first_intent_correct: assignments.length ? conversation.number % 8 !== 0 : null,
      first_rep_id: repId(assignments[0]),
      company_name: COMPANY.name,
      ...nulls('conversation_id', 'first_agent_id'),
    };
  },
);

/** How long before a partition's hour its messages begin: the last ones of the hour before are sent again. */
const OVERLAP = 6 * MINUTE;

const utterances: SampleFeed = {
  group: 'messaging',
  name: 'utterances',
  every: 'hour',
  key: ['created_ts', 'issue_id', 'sender_id'],
  rows: (world, { from, to }) =>
    conversationsIn(world, { from: from - OVERLAP, to }).flatMap((conversation) => {
      const spoken = conversation.channel.platform === 'voice';
      return conversation.utterances
        .filter(({ at }) => from - OVERLAP <= at && at < to)
        .map((said) => ({
          instance_ts: isoMicros(quarterOf(said.at)),
          created_ts: isoMicros(said.at),
          issue_id: conversation.id,
          ...PLACE,
          sender_id: said.senderId,
          sender_type: said.sender,
          utterance_type: said.type,
          utterance: said.text,
          sent_to_rep:
            said.sender === 'customer' && conversation.opportunities.some(({ at }) => at < said.at),
          utterance_start_ts: spoken ? isoMicros(said.at) : null,
          utterance_end_ts: spoken ? isoMicros(said.at + said.text.length * 60) : null,
          company_name: COMPANY.name,
          event_uuid: said.uuid,
          ...nulls('conversation_id', 'sequence_id', 'sent_to_agent'),
        }));
    }),
};

export const conversationFeeds: readonly SampleFeed[] = [
  convosMetrics,
  convosMetadata,
  convosIntents,
  utterances,
];
