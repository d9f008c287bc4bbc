import type { Config } from '../../config/config.ts';
import type { Session } from '../../warehouse/session.ts';

/** What the checks go by. */
export interface AttentionContext {
  session: Session;
  config: Config;
  now: Date;
  /** The run that asks, which has not ended yet. */
  runId?: number;
}
