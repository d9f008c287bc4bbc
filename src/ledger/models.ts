import type { Session } from '../warehouse/session.ts';

/**
 * Has every model that reads a feed built from all of its rows next time: for whoever changes rows that are staged already,
 * which an incremental build would not see. That a few other models are built, too, does no harm. Those that are
 * `incremental` keep their rows, which may be more than what is staged now.
 */
export async function rebuildReaders(session: Session, feed: string): Promise<void> {
  await session.run(
    `UPDATE ops.models SET definition = '', inputs = '' WHERE contains(definition, $1)
     AND model NOT IN (SELECT model FROM ops.model_runs WHERE materialized = 'incremental')`,
    [feed],
  );
}
