import { COMPANY } from './company.ts';
import type { Conversation } from './conversation.ts';
import type { SampleRow } from './feed.ts';
import { dayOf, hourOf } from './times.ts';

/** AI services' own id of a conversation; the client's id is the messaging feeds' `issue_id`, so that they join. */
export function ids(conversation: Conversation): SampleRow {
  return {
    conversation_id: `ACME${conversation.id}`,
    external_conversation_id: String(conversation.id),
    company_marker: COMPANY.name,
  };
}

/** The columns `dt` and `hr`, which these feeds have of their own. */
export function dayAndHour(at: number): SampleRow {
  return { dt: dayOf(at), hr: hourOf(at) };
}
