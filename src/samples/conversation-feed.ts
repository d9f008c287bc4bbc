import { COMPANY } from './company.ts';
import { conversationsIn, type SampleFeed, type SampleRow, versions } from './feed.ts';
import { conversationEvents, type Snapshot, snapshot } from './snapshot.ts';

/** Where a conversation belongs: the same two columns in most feeds. */
export const PLACE = { company_subdivision: COMPANY.subdivision, company_segments: COMPANY.segments };

/** A feed with one record a conversation, sent again in each window in which the conversation changed. */
export function perConversation(
  feed: Omit<SampleFeed, 'group' | 'rows'>,
  render: (state: Snapshot) => SampleRow | undefined,
): SampleFeed {
  return {
    ...feed,
    group: 'messaging',
    rows: (world, window) =>
      versions(conversationsIn(world, window), window, conversationEvents, (conversation, at) =>
        render(snapshot(conversation, at)),
      ),
  };
}

/** Seconds to the millisecond. */
export function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** A sum, rounded likewise. */
export function total<T>(items: readonly T[], of: (item: T) => number): number {
  return rounded(items.reduce((sum, item) => sum + of(item), 0));
}

/** How many messages one side has sent, in all or of one type. */
export function count(state: Snapshot, sender: string, type?: string): number {
  return state.utterances.filter((said) => said.sender === sender && (!type || said.type === type)).length;
}

export function repId(assignment: { rep: { id: number } } | undefined): string | null {
  return assignment ? String(assignment.rep.id) : null;
}
