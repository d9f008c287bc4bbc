import type { FeedSpec } from '../feeds/catalogue.ts';
import type { PartitionKey } from '../feeds/paths.ts';
import type { KnownFile, NotedPartition } from '../ledger/known-partitions.ts';
import type { Partition } from '../ledger/tables.ts';
import type { FoundFile, StagedFile, WantedFile } from './file.ts';

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
  noted: NotedPartition | undefined;
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

/** Files that were staged, by their numbers. */
export type StagedFiles = ReadonlyMap<number, StagedFile>;

/** How a partition stands once some of its wanted files are staged, or none of them. */
export function rowOnceStaged(
  source: string,
  spec: FeedSpec,
  partition: WantedPartition,
  staged: StagedFiles,
  now: Date,
): Partition {
  const { wanted, kept, replaces } = partition;
  const come = wanted.flatMap(({ fileId }) => staged.get(fileId) ?? []);
  // What is to be replaced goes with the first file that takes its place.
  const there = [...kept, ...(come.length === 0 ? replaces : [])];
  const rows = [...there.map(({ rows_staged }) => rows_staged), ...come.map((file) => file.staged)];
  const sum = rows.reduce((total, each) => total + each, 0);
  const open = come.length === 0 && replaces.length > 0 ? 'reopened' : 'sealed';
  const state = come.length === wanted.length ? 'loaded' : open;
  return partitionRow(source, spec, partition, state, sum, now);
}

/** Files whose rows go with these partitions, each with the file that takes its place. */
export function supersededBy(partitions: readonly WantedPartition[]): { fileId: number; by: number }[] {
  return partitions.flatMap(({ replaces, wanted }) =>
    replaces.map((old) => ({
      fileId: old.file_id,
      by: (wanted.find(({ path }) => path === old.path) ?? wanted[0])?.fileId ?? old.file_id,
    })),
  );
}
