/** The feeds of the way to an agent: queues, opportunities, assignments and transfers. */

import { COMPANY, VOICE } from './company.ts';
import type { Assignment, Conversation, Opportunity } from './conversation.ts';
import { PLACE, repId, rounded, total } from './conversation-feed.ts';
import { conversationsIn, nulls, type SampleFeed, type SampleRow, versions } from './feed.ts';
import { opportunityEvents, type Snapshot, snapshot } from './snapshot.ts';
import { isoMicros, plainMillis, quarterOf, secondsBetween } from './times.ts';

/** One chance of a conversation to reach an agent, as known at one moment. */
interface RoutingState {
  state: Snapshot;
  conversation: Conversation;
  opportunity: Opportunity;
  nth: number;
  lastEventAt: number;
}

/** A feed with one record an opportunity, sent again in each window in which something came of it. */
function perOpportunity(
  feed: Omit<SampleFeed, 'group' | 'rows' | 'every'>,
  render: (attempt: RoutingState) => SampleRow | undefined,
): SampleFeed {
  return {
    ...feed,
    group: 'messaging',
    every: 'hour',
    rows: (world, window) => {
      const all = conversationsIn(world, window).flatMap((conversation) =>
        conversation.opportunities.map((whole, nth) => ({ conversation, whole, nth })),
      );
      return versions(
        all,
        window,
        ({ whole }) => opportunityEvents(whole),
        ({ conversation, whole, nth }, at) => {
          const state = snapshot(conversation, at);
          const opportunity = state.opportunities[nth];
          const lastEventAt = Math.max(...opportunityEvents(whole).filter((event) => event < at));
          return opportunity && render({ state, conversation, opportunity, nth, lastEventAt });
        },
      );
    },
  };
}

/** What an assignment has come to by `at`; seconds. */
function measure({ state, conversation }: RoutingState, assignment: Assignment) {
  const until = assignment.dispositionedAt ?? state.at;
  const handle = secondsBetween(assignment.at, until);
  const lead = assignment.lastCustomerAt ? secondsBetween(assignment.at, assignment.lastCustomerAt) : handle;
  const said = state.utterances.filter(({ at }) => assignment.at <= at && at < until);
  const gaps = (sender: string) =>
    said.flatMap((utterance, index) =>
      utterance.sender === sender ? [secondsBetween(said[index - 1]?.at ?? assignment.at, utterance.at)] : [],
    );
  return {
    handle,
    lead,
    wrapUp: rounded(handle - lead),
    byRep: said.filter(({ sender }) => sender === 'rep'),
    repGaps: gaps('rep'),
    customerGaps: gaps('customer'),
    ghost: assignment.dispositionedAt !== undefined && assignment.lastCustomerAt === undefined,
    onPhone: conversation.channel.platform === 'voice',
  };
}

function desk(onPhone: boolean): SampleRow {
  return { desk_mode_flag: onPhone ? 3 : null, desk_mode_string: onPhone ? 'VOICE_DESK' : null };
}

const issueQueues = perOpportunity(
  { name: 'issue_queues', key: ['issue_id', 'queue_id', 'enter_queue_ts'] },
  ({ conversation, opportunity, lastEventAt }) => {
    const { at, exitedAt, queue, assignment, abandoned, from } = opportunity;
    if (opportunity.outsideHours) return undefined;
    return {
      instance_ts: isoMicros(quarterOf(lastEventAt)),
      ...PLACE,
      enter_queue_ts: isoMicros(at),
      exit_queue_ts: isoMicros(exitedAt),
      queue_id: queue.id,
      queue_name: queue.name,
      abandoned,
      enqueue_time: exitedAt === undefined ? null : secondsBetween(at, exitedAt),
      exit_queue_eventtype: exitedAt === undefined ? null : abandoned ? 'CUSTOMER_TIMEDOUT' : 'NEW_REP',
      rep_id: repId(assignment),
      enter_queue_eventtype: from ? 'TRANSFER_REQUESTED' : 'SRS_HIER_AND_TREEWALK',
      enter_queue_eventflags: from ? 2 : 1,
      enter_queue_flow_name: from ? null : conversation.intent.flow,
      enter_queue_message_name: from ? null : 'someoneWillBeWithYou',
      exit_queue_eventflags: exitedAt === undefined ? null : abandoned ? 1 : 2,
      issue_id: conversation.id,
      company_name: COMPANY.name,
      ...nulls('agent_id', 'conversation_id'),
    };
  },
);

const repConvos = perOpportunity(
  { name: 'rep_convos', key: ['issue_id', 'rep_id', 'issue_assigned_ts'] },
  (attempt) => {
    const { assignment, queue } = attempt.opportunity;
    if (!assignment) return undefined;
    const { conversation, state, lastEventAt } = attempt;
    const { handle, lead, wrapUp, byRep, repGaps, customerGaps, ghost, onPhone } = measure(
      attempt,
      assignment,
    );
    const typed = (type: string) => byRep.filter((said) => said.type === type).length;
    const customerEnd =
      conversation.endedBy === 'customer' && assignment.dispositionedAt ? state.endedAt : undefined;
    return {
      instance_ts: isoMicros(quarterOf(lastEventAt)),
      ...PLACE,
      issue_assigned_ts: isoMicros(assignment.at),
      dispositioned_ts: isoMicros(assignment.dispositionedAt),
      customer_end_ts: isoMicros(customerEnd),
      disposition_event_type:
        assignment.dispositionedAt === undefined ? null : assignment.outcome === 'timedout' ? 'batch' : 'rep',
      cust_utterance_count: customerGaps.length,
      rep_utterance_count: byRep.length,
      handle_time_seconds: handle,
      lead_time_seconds: lead,
      wrap_up_time_seconds: wrapUp,
      rep_response_ct: repGaps.length,
      cust_response_ct: customerGaps.length,
      auto_suggest_msgs: typed('autosuggest'),
      auto_complete_msgs: typed('autocomplete'),
      custom_auto_suggest_msgs: 0,
      custom_auto_complete_msgs: 0,
      drawer_msgs: 0,
      kb_search_msgs: 0,
      kb_recommendation_msgs: 0,
      is_ghost_customer: ghost,
      first_response_seconds: repGaps[0] ?? null,
      cume_rep_response_seconds: total(repGaps, Number),
      max_rep_response_seconds: repGaps.length ? Math.max(...repGaps) : null,
      avg_rep_response_seconds: repGaps.length ? rounded(total(repGaps, Number) / repGaps.length) : null,
      cume_cust_response_seconds: total(customerGaps, Number),
      issue_id: conversation.id,
      rep_id: repId(assignment),
      rep_first_response_ts: isoMicros(assignment.firstResponseAt),
      hold_ct: onPhone ? 1 : 0,
      cume_hold_time_seconds: onPhone ? 30.5 : null,
      company_name: COMPANY.name,
      client_mode: assignment.rep.mode,
      cume_cross_talk_seconds: onPhone ? rounded(lead / 97) : null,
      ...desk(onPhone),
      queue_id: queue.id,
      autopilot_timeout_msgs: ghost ? 1 : 0,
      autopilot_form_msgs: 0,
      click_to_insert_global_msgs: 0,
      autopilot_greeting_msgs: byRep.length ? 1 : 0,
      augmented_msgs: typed('autosuggest') + typed('autocomplete'),
      autopilot_ending_msgs_ct: assignment.dispositionedAt ? 1 : 0,
      ...nulls(
        'conversation_id',
        'agent_id',
        'agent_first_response_ts',
        'exclusive_phrase_auto_complete_msgs',
      ),
      ...nulls('custom_click_to_insert_msgs', 'ms_auto_suggest_msgs', 'ms_auto_complete_msgs'),
      ...nulls('ms_auto_suggest_custom_msgs', 'ms_auto_complete_custom_msgs'),
    };
  },
);

const liveAgentOpportunities = perOpportunity(
  { name: 'live_agent_opportunities', key: ['issue_id', 'customer_id', 'opportunity_ts'] },
  (attempt) => {
    const { conversation, opportunity, nth, lastEventAt } = attempt;
    const { at, exitedAt, queue, assignment, from, outsideHours, byRequest, abandoned } = opportunity;
    const work = assignment && measure(attempt, assignment);
    const enqueuedAt = outsideHours ? undefined : at;
    const done = assignment?.dispositionedAt;
    return {
      instance_ts: plainMillis(quarterOf(lastEventAt)),
      company_id: COMPANY.id,
      ...PLACE,
      customer_id: conversation.customer.id,
      rep_id: repId(assignment),
      opportunity_ts: plainMillis(at),
      issue_id: conversation.id,
      platform: conversation.channel.platform,
      device_type: conversation.device,
      first_opportunity: nth === 0,
      triggered_when_busy: false,
      triggered_outside_hours: outsideHours,
      queue_id: queue.id,
      queue_name: queue.name,
      intent_code: byRequest ? 'AGENT' : conversation.intent.code,
      event_type: from ? 'NEW_REP' : 'SRS_HIER_AND_TREEWALK',
      previous_event_type: from ? 'TRANSFER_REQUESTED' : null,
      flow_name: byRequest ? null : conversation.intent.flow,
      by_request: byRequest,
      by_end_srs: false,
      by_api_error: false,
      by_design: !byRequest,
      by_other: false,
      enqueued_ts: plainMillis(enqueuedAt),
      exit_queue_ts: plainMillis(exitedAt),
      abandoned_ts: abandoned ? plainMillis(exitedAt) : null,
      assigned_ts: plainMillis(assignment?.at),
      escalation_initiated_ts: plainMillis(enqueuedAt),
      rep_first_response_ts: plainMillis(assignment?.firstResponseAt),
      dispositioned_ts: plainMillis(done),
      customer_end_ts:
        done && conversation.endedBy === 'customer' ? plainMillis(attempt.state.endedAt) : null,
      disposition_event_type: done === undefined ? null : (assignment?.outcome ?? null),
      cust_utterance_count: work?.customerGaps.length ?? null,
      rep_utterance_count: work?.byRep.length ?? null,
      cust_response_ct: work?.customerGaps.length ?? null,
      rep_response_ct: work?.repGaps.length ?? null,
      is_ghost_customer: work?.ghost ?? null,
      handle_time_seconds: work?.handle ?? null,
      lead_time_seconds: work?.lead ?? null,
      wrap_up_time_seconds: work?.wrapUp ?? null,
      accepted_wait_ts: plainMillis(enqueuedAt),
      is_transfer: from !== undefined,
      is_reengagement: false,
      is_conversation_initiation: from === undefined,
      company_name: COMPANY.name,
      from_queue_id: from?.queue.id ?? null,
      from_queue_name: from?.queue.name ?? null,
      from_rep_id: from?.rep.id ?? null,
      is_check_in_reengagement: false,
      ...desk(queue === VOICE),
      autopilot_ending_msgs_ct: done === undefined ? 0 : 1,
      ...nulls('merged_from_issue_id', 'merged_ts', 'exclusive_phrase_auto_complete_msgs'),
    };
  },
);

const transfers = perOpportunity(
  { name: 'transfers', key: ['company_id', 'issue_id', 'rep_id', 'timestamp_req'] },
  ({ conversation, opportunity, lastEventAt }) => {
    const { from, queue, assignment, exitedAt } = opportunity;
    if (!from) return undefined;
    return {
      instance_ts: isoMicros(quarterOf(lastEventAt)),
      timestamp_req: isoMicros(opportunity.at),
      timestamp_reply: isoMicros(exitedAt),
      company_id: COMPANY.id,
      ...PLACE,
      group_transfer_to: String(queue.id),
      group_transfer_to_name: queue.name,
      group_transfer_from: String(from.queue.id),
      group_transfer_from_name: from.queue.name,
      accepted: assignment !== undefined,
      is_auto_transfer: false,
      exit_transfer_event_type:
        exitedAt === undefined ? null : assignment ? 'TRANSFER_ACCEPTED' : 'CONVERSATION_END',
      transfer_button_clicks: 1,
      issue_id: conversation.id,
      rep_id: repId(from),
      requested_rep_transfer: from.rep.id,
      actual_rep_transfer: assignment?.rep.id ?? null,
      company_name: COMPANY.name,
      requested_group_transfer_id: queue.id,
      requested_group_transfer_name: queue.name,
      ...nulls('conversation_id', 'agent_id', 'requested_agent_transfer', 'actual_agent_transfer'),
      ...nulls('route_code_to', 'route_code_from'),
    };
  },
);

export const routingFeeds: readonly SampleFeed[] = [
  issueQueues,
  repConvos,
  liveAgentOpportunities,
  transfers,
];
