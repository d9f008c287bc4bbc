/** The feeds of AI services' conversations: those that an agent had a part in; the others never get there. */

import { editDistance } from '../text.ts';
import { dayAndHour, ids } from './ai-feed.ts';
import { COMPANY } from './company.ts';
import type { Conversation, Utterance } from './conversation.ts';
import { nulls, type SampleFeed, type SampleRow, versions } from './feed.ts';
import { conversationEvents, opportunityEvents, snapshot } from './snapshot.ts';
import { HOUR, isoNanos, plainSeconds, quarterOf } from './times.ts';
import type { World } from './world.ts';

function assisted({ conversations }: World): Conversation[] {
  return conversations.filter(({ opportunities }) => opportunities.some(({ assignment }) => assignment));
}

/** How long before a partition's day its messages begin: those of the evening before are sent again. */
const OVERLAP = 6 * HOUR;

const utterances: SampleFeed = {
  group: 'ai_services',
  name: 'utterances',
  every: 'day',
  key: ['company_marker', 'conversation_id', 'message_id'],
  gzip: true,
  rows: (world, { from, to }) =>
    assisted(world).flatMap((conversation) =>
      conversation.utterances
        .filter(({ at }) => from - OVERLAP <= at && at < to)
        .map((said) => ({
          ...ids(conversation),
          message_id: messageId(said),
          instance_ts: plainSeconds(quarterOf(said.at)),
          chat_message_event_ts: plainSeconds(said.at),
          utterance: said.text,
          ...dayAndHour(said.at),
        })),
    ),
};

/** One conversation in one hour of its life. */
interface ConversationHour {
  conversation: Conversation;
  hour: number;
  last: boolean;
}

function conversationHours(conversation: Conversation): ConversationHour[] {
  const active = [conversation.createdAt, ...conversation.utterances.map(({ at }) => at)].concat(
    conversation.opportunities.flatMap(opportunityEvents),
  );
  const hours = [...new Set(active.map((at) => at - (at % HOUR)))].sort((a, b) => a - b);
  return hours.map((hour) => ({ conversation, hour, last: hour === hours.at(-1) }));
}

/** What is heard after the last hour of a conversation changes the record of that hour. */
function conversationHourEvents({ conversation, hour, last }: ConversationHour): number[] {
  const feedbacks = conversation.opportunities.flatMap(
    ({ assignment }) => assignment?.summary.feedback?.at ?? [],
  );
  return [...conversationEvents(conversation), ...feedbacks].filter(
    (at) => at >= hour && (last || at < hour + HOUR),
  );
}

const conversationState: SampleFeed = {
  group: 'ai_services',
  name: 'staging_conversation_state',
  every: 'day',
  key: ['company_marker', 'conversation_id', 'dt', 'hr'],
  gzip: true,
  rows: (world, window) =>
    versions(
      assisted(world).flatMap(conversationHours),
      window,
      conversationHourEvents,
      conversationStateRow,
    ),
};

function conversationStateRow(
  { conversation, hour, last }: ConversationHour,
  at: number,
): SampleRow | undefined {
  if (hour >= at) return undefined;
  const state = snapshot(conversation, last ? at : Math.min(at, hour + HOUR));
  const { assignments } = state;
  const by = (sender: string) => state.utterances.filter((said) => said.sender === sender);
  const typed = (type: string) => by('rep').filter((said) => said.type === type).length;
  const done = assignments.map(({ summary }) => summary).filter((summary) => summary.at < state.at);
  const used = done.flatMap(({ feedback, text }) =>
    feedback && feedback.at < state.at ? [{ feedback, text }] : [],
  );
  const edited = used.filter(({ feedback, text }) => feedback.text !== text);
  const length = (texts: string[]) => (used.length ? texts.join('').length : null);
  const { intent, channel } = conversation;
  const suggested = typed('autosuggest');
  const completed = typed('autocomplete');
  return {
    ...ids(conversation),
    instance_ts: isoNanos(quarterOf(state.lastEventAt)),
    first_event_ts: isoNanos(conversation.createdAt),
    conversation_start_ts: isoNanos(conversation.createdAt),
    conversation_customer_effective_ts: isoNanos(conversation.createdAt),
    customer_id: conversation.customer.known ? conversation.customer.externalId : null,
    conversation_agent_effective_ts: isoNanos(assignments.at(-1)?.at),
    last_agent_id: assignments.at(-1)?.rep.crmId ?? null,
    all_agent_ids: [...new Set(assignments.map(({ rep }) => rep.crmId))],
    customer_utterance_ct: by('customer').length,
    agent_utterance_ct: by('rep').length,
    customer_first_utterance_ts: isoNanos(by('customer')[0]?.at),
    agent_first_utterance_ts: isoNanos(by('rep')[0]?.at),
    customer_last_utterance_ts: isoNanos(by('customer').at(-1)?.at),
    agent_last_utterance_ts: isoNanos(by('rep').at(-1)?.at),
    autosuggest_utterance_ct: suggested,
    autocomplete_utterance_ct: completed,
    phrase_autocomplete_utterance_ct: 0,
    custom_drawer_utterance_ct: 0,
    custom_insert_utterance_ct: 0,
    global_insert_utterance_ct: 0,
    fluency_apply_utterance_ct: 0,
    fluency_undo_utterance_ct: 0,
    autosummary_structured_summary_tags_event_ts: isoNanos(done.at(-1)?.at),
    // JSON inside a text, as documented.
    autosummary_tags: done.length
      ? JSON.stringify({ reason: intent.code, platform: channel.platform })
      : null,
    autosummary_free_text_summary_event_ts: isoNanos(done.at(-1)?.at),
    autosummary_text: done.at(-1)?.text ?? null,
    is_autosummary_structured_summary_tags_used: Number(done.length > 0),
    is_autosummary_free_text_summary_used: Number(done.length > 0),
    is_autosummary_feedback_used: Number(used.length > 0),
    is_autosummary_used: Number(done.length > 0),
    is_autosummary_feedback_edited: Number(edited.length > 0),
    autosummary_feedback_ct: used.length,
    autosummary_feedback_edited_ct: edited.length,
    autosummary_free_text_length_sum: length(used.map(({ text }) => text)),
    autosummary_feedback_length_sum: length(used.map(({ feedback }) => feedback.text)),
    autosummary_levenshtein_distance_sum: used.length
      ? used.reduce((sum, { text, feedback }) => sum + editDistance(text, feedback.text), 0)
      : null,
    first_intent_effective_ts: isoNanos(by('customer')[0]?.at),
    first_intent_message_id: by('customer')[0] ? messageId(by('customer')[0] as Utterance) : null,
    first_intent_intent_code: intent.code,
    first_intent_intent_name: intent.name,
    first_intent_is_known_good: conversation.number % 8 !== 0,
    conversation_metadata_effective_ts: isoNanos(conversation.createdAt),
    conversation_metadata_lob_id: '1038',
    conversation_metadata_lob_name: 'residential',
    conversation_metadata_agent_group_id: assignments.length ? String(assignments.at(-1)?.queue.id) : null,
    conversation_metadata_agent_group_name: assignments.at(-1)?.queue.name ?? null,
    conversation_metadata_device_type: conversation.device.toUpperCase(),
    conversation_metadata_platform: channel.platform.toUpperCase(),
    conversation_metadata_company_segment: ['Sales', 'Marketing'],
    conversation_metadata_company_subdivision: COMPANY.subdivision,
    conversation_metadata_entry_type: 'reactive',
    contact_journey_first_contact_utterance_ts: isoNanos(state.utterances[0]?.at),
    contact_journey_last_contact_utterance_ts: isoNanos(state.utterances.at(-1)?.at),
    contact_journey_contact_start_ts: isoNanos(conversation.createdAt),
    contact_journey_contact_end_ts: isoNanos(state.endedAt),
    aug_metrics_effective_ts: isoNanos(by('rep').at(-1)?.at),
    augmented_utterances_ct: suggested + completed,
    multiple_augmentation_features_used_ct: 0,
    autosuggest_ct: suggested,
    autocomplete_ct: completed,
    phrase_autocomplete_ct: 0,
    custom_drawer_ct: 0,
    custom_insert_ct: 0,
    global_insert_ct: 0,
    unknown_augmentation_ct: 0,
    fluency_apply_ct: 0,
    fluency_undo_ct: 0,
    message_edits_ct: typed('freehand') * 3,
    time_to_action_seconds: by('rep').length * 3.286,
    crafting_time_seconds: by('rep').length * 11.5,
    dwell_time_seconds: by('rep').length * 0.844,
    phrase_autocomplete_presented_ct: 0,
    phrase_autocomplete_selected_ct: 0,
    single_intent_effective_ts: isoNanos(by('customer')[0]?.at),
    single_intent_intent_code: intent.code,
    single_intent_intent_name: intent.name,
    single_intent_messages_considered_ct: by('customer').length,
    ...dayAndHour(hour),
    ...nulls('conversation_metadata_agent_routing_code', 'conversation_metadata_campaign'),
    ...nulls('conversation_metadata_business_rule', 'conversation_metadata_operating_system'),
    ...nulls('conversation_metadata_browser_type', 'conversation_metadata_browser_version'),
    ...nulls('contact_journey_contact_id', 'contact_journey_last_conversation_inactive_ts'),
  };
}

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID: ten letters of time and sixteen that tell messages of one moment apart. */
function messageId({ at, uuid }: Utterance): string {
  let time = '';
  for (let left = at; time.length < 10; left = Math.floor(left / 32)) time = `${BASE32[left % 32]}${time}`;
  return time + uuid.replaceAll('-', '').slice(0, 16).toUpperCase();
}

export const aiFeeds: readonly SampleFeed[] = [conversationState, utterances];
