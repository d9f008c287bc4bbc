import type { FeedFreshness } from '../../audit/freshness.ts';
import type { Config } from '../../config/config.ts';
import type { Session } from '../../warehouse/session.ts';

/** What the checks go by. */
export interface AttentionContext {
  session: Session;
  config: Config;
  now: Date;
  /** The run that asks, which has not ended yet. */
  runId?: number;
  /** How fresh the feeds are, where the asker knows it already. */
  freshness?: readonly FeedFreshness[];
}
