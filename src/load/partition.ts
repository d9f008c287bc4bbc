import type { FeedSpec } from '../feeds/catalogue.ts';
import type { PartitionKey } from '../feeds/paths.ts';
import type { KnownFile } from '../ledger/known.ts';
import type { Partition } from '../ledger/tables.ts';
import type { FoundFile, WantedFile } from './file.ts';

/** The way of a partition, as far as it goes beside that of its files (`file.ts`): found -> planned -> wanted. Pure. */

/** What a listing shows of one partition. */
export interface FoundPartition {
  key: PartitionKey;
  /** Complete: `_SUCCESS` is there, or the place lists nothing that is not. */
  sealed: boolean;
  files: FoundFile[];
  /** Files in its folder that are none of its data by their names. */
  strays: number;
}

/** A partition of which there is something to load. */
export interface PlannedPartition extends FoundPartition {
  /** Those of its files that are new or have changed. */
  wanted: FoundFile[];
  /** Staged files whose rows go. */
  replaces: KnownFile[];
  /** Staged files that stay. */
  kept: KnownFile[];
  /** How it stands in the ledger. */
  noted: Partition | undefined;
}

/** A partition whose files have got their numbers. */
export interface WantedPartition extends PlannedPartition {
  wanted: WantedFile[];
}

/** How a partition stands, for the ledger. */
export function partitionRow(
  source: string,
  { group, feed, version }: FeedSpec,
  { key, sealed, files, noted }: FoundPartition & Pick<PlannedPartition, 'noted'>,
  state: Partition['state'],
  rows: number,
  now: Date,
): Partition {
  return {
    source,
    feed_group: group,
    feed,
    version,
    partition_ts: key.time,
    path: key.path,
    state,
    files: files.length,
    rows,
    sealed_at: sealed ? (noted?.sealed_at ?? now) : null,
    loaded_at: state === 'loaded' || state === 'empty' ? now : (noted?.loaded_at ?? null),
    acknowledged_at: noted?.acknowledged_at ?? null,
    files_gone_at: state === 'reopened' ? (noted?.files_gone_at ?? null) : null,
  };
}
