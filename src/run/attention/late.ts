import type { Attention } from '../../attention.ts';
import { feedFreshness } from '../../audit/freshness.ts';
import { durationText } from '../../config/duration.ts';
import { minuteText } from '../../text.ts';
import type { AttentionContext } from './context.ts';

/** Feeds past their grace. */
export async function lateFeeds({ session, ...context }: AttentionContext): Promise<Attention[]> {
  const all = context.freshness ?? (await feedFreshness(session, context));
  const late = all.filter(({ state }) => state === 'late');
  return late.map(({ feed, newest, errorAfter, sources }) => ({
    kind: 'late_feed',
    severity: 'attention',
    feed,
    ...(sources.length === 1 && sources[0] !== undefined && { source: sources[0] }),
    message: `${feed} is late: its newest partition is of ${minuteText(newest)}, older than ${durationText(errorAfter)}`,
    hint: 'ask the vendor; freshness: in warehouse.yaml sets how old it may be, and off for what is an archive',
  }));
}
