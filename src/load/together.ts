import { recordFeeds } from '../ledger/feeds.ts';
import { recordPartitions } from '../ledger/partitions.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { LandedBatch } from './batch-fetch.ts';
import type { BatchStage } from './batch-stage.ts';
import { areSmall, FEW_FILES, SMALL_BYTES } from './small.ts';
import type { Stager } from './staging/stage.ts';

/**
 * Small batches of several feeds go in one transaction. What a transaction costs, and what is asked of the ledger before it,
 * is most of what a small file costs.
 */

/** Gathers batches that are small; of one feed there is never more than one. What came before an error comes before it. */
export async function* gathered(batches: AsyncIterable<LandedBatch>): AsyncGenerator<LandedBatch[]> {
  let group: LandedBatch[] = [];
  try {
    for await (const batch of batches) {
      if (group.length > 0 && !canBeTogether([...group, batch])) {
        yield group;
        group = [];
      }
      group.push(batch);
      // A large one is staged while the next is fetched.
      if (!canBeTogether(group)) {
        yield group;
        group = [];
      }
    }
  } catch (error) {
    if (group.length > 0) yield group;
    throw error;
  }
  if (group.length > 0) yield group;
}

/** A batch of many files is worth a transaction of its own. */
function canBeTogether(group: readonly LandedBatch[]): boolean {
  const feeds = new Set(group.map(({ spec }) => JSON.stringify([spec.feed, spec.version])));
  return (
    feeds.size === group.length &&
    group.every(({ landed }) => landed.length <= FEW_FILES) &&
    areSmall(group.flatMap(({ landed }) => landed)) &&
    // What waits for others must take no room from them, whatever of it has landed.
    group.reduce((sum, { bytes }) => sum + bytes, 0) <= SMALL_BYTES
  );
}

/**
 * Stages those of these batches that nothing of has failed. One that is not staged by the end is to be staged by itself.
 * @throws what kept some of them from it
 */
export async function stageTogether(
  { session, clock }: Pick<Workspace, 'session' | 'clock'>,
  stager: Stager,
  stages: readonly BatchStage[],
): Promise<void> {
  const whole = stages.flatMap((stage) => {
    const batch = stage.whole();
    return batch ? [{ stage, batch }] : [];
  });
  await recordFeeds(
    session,
    whole.map(({ batch }) => batch.spec),
    clock(),
  );
  const bare = whole.filter(({ batch }) => batch.files.length === 0);
  await recordPartitions(
    session,
    bare.flatMap(({ batch }) => batch.notes),
  );
  for (const { stage } of bare) stage.isStaged([]);
  const stageOf = new Map(whole.map(({ stage, batch }) => [batch, stage] as const));
  const filled = whole.filter(({ batch }) => batch.files.length > 0).map(({ batch }) => batch);
  await stager.stageTogether(filled, (batch, files) =>
    stageOf.get(batch as (typeof filled)[number])?.isStaged(files),
  );
}
