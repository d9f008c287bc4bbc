import type { KnownFile } from '../ledger/known.ts';
import type { Partition, PartitionState } from '../ledger/tables.ts';
import type { FoundPartition } from './discover.ts';

/**
 * What is to be done about a partition, from what a listing shows and what the ledger knows. Pure.
 *
 * A file is known by its path, size and etag, never by a time: late, out-of-order and backfilled partitions are found
 * like any other.
 */
export type Verdict =
  /** Nothing has changed. */
  | { kind: 'known' }
  /** Nothing to load, but the ledger does not say yet how it stands. */
  | { kind: 'note'; state: PartitionState }
  /** Files to load. */
  | {
      kind: 'load';
      files: FoundPartition['files'];
      /** Files whose rows go, because their bytes changed or they are not part of the new export. */
      replaces: KnownFile[];
    };

/**
 * @param before the staged files of the partition
 * @param noted how the partition stands in the ledger
 * @param again loads what is known already, too
 */
export function compare(
  found: FoundPartition,
  before: readonly KnownFile[],
  noted: Partition | undefined,
  again = false,
): Verdict {
  const known = new Map(before.map((file) => [file.path, file]));
  if (!found.sealed) {
    // Being exported for the first time, or again: what was loaded stays until the new export is complete.
    return before.length > 0 || noted?.state === 'unsealed'
      ? { kind: 'known' }
      : { kind: 'note', state: 'unsealed' };
  }
  if (found.files.length === 0) {
    // A sealed partition that has lost its files was tidied away by its owner, not exported as empty.
    return before.length > 0 || noted?.state === 'empty'
      ? { kind: 'known' }
      : { kind: 'note', state: 'empty' };
  }
  const changed = found.files.filter(({ listed }) => {
    const file = known.get(listed.path);
    return again || !file || file.bytes !== listed.bytes || file.etag !== listed.etag;
  });
  if (changed.length === 0) {
    return noted?.state === 'loaded' ? { kind: 'known' } : { kind: 'note', state: 'loaded' };
  }
  const kept = new Set(
    found.files.filter((file) => !changed.includes(file)).map(({ listed }) => listed.path),
  );
  return { kind: 'load', files: changed, replaces: before.filter(({ path }) => !kept.has(path)) };
}
