import type { KnownFile, NotedPartition } from '../ledger/known-partitions.ts';
import type { PartitionState } from '../ledger/tables.ts';
import type { FoundFile } from './file.ts';
import type { FoundPartition } from './partition.ts';

/**
 * What is to be done about a partition, from what a listing shows and what the ledger knows. Pure.
 *
 * A file is known by its path, size and etag, never by a time: late, out-of-order and backfilled partitions are found
 * like any other.
 */
export type PartitionAction =
  /** Nothing has changed. */
  | { kind: 'known' }
  /** Nothing to load, but the ledger does not say yet how it stands. */
  | { kind: 'note'; state: PartitionState }
  /** Files to load. */
  | {
      kind: 'load';
      files: FoundFile[];
      /** Files whose rows go, because their bytes changed or they are not part of the new export. */
      replaces: KnownFile[];
    };

/**
 * What it means that a file which was staged is not listed any more, while others of its partition are and have not changed.
 * Either the partition was exported again in fewer files, or its owner is about to tidy it away and has not come to the
 * others yet; only in the first case may rows go. `wait`: it was not like that for long enough to tell. `keep`: the place
 * does not say when a listing is whole, so that nothing follows.
 *
 * A partition that is gone with all of its files keeps its rows, always: it is met by no listing.
 */
export type GoneFiles = 'replace' | 'wait' | 'keep';

/**
 * @param before the staged files of the partition
 * @param noted how the partition stands in the ledger
 * @param options.again loads what is known already, too
 */
export function compare(
  found: FoundPartition,
  before: readonly KnownFile[],
  noted: NotedPartition | undefined,
  { again = false, gone = 'replace' }: { again?: boolean; gone?: GoneFiles } = {},
): PartitionAction {
  const known = new Map(before.map((file) => [file.path, file]));
  if (!found.sealed) {
    // Being exported for the first time, or again: what was loaded stays until the new export is complete.
    return before.length > 0 || noted?.state === 'unsealed'
      ? { kind: 'known' }
      : { kind: 'note', state: 'unsealed' };
  }
  if (found.files.length === 0) {
    // A sealed partition that has lost its files was tidied away by its owner, not exported as empty.
    if (before.length > 0) return { kind: 'known' };
    // With a file of another name in it, it may well not be empty: it has not arrived, and somebody has to look.
    const state = found.strays > 0 ? 'sealed' : 'empty';
    return noted?.state === state ? { kind: 'known' } : { kind: 'note', state };
  }
  const changed = found.files.filter(({ path, bytes, etag }) => {
    const file = known.get(path);
    return again || !file || file.bytes !== bytes || file.etag !== etag;
  });
  if (changed.length === 0) {
    const listed = new Set(found.files.map(({ path }) => path));
    if (gone !== 'keep' && before.some(({ path }) => !listed.has(path))) {
      if (gone === 'replace') return { kind: 'load', files: found.files, replaces: [...before] };
      return noted?.files_gone_at ? { kind: 'known' } : { kind: 'note', state: 'reopened' };
    }
    return noted?.state === 'loaded' ? { kind: 'known' } : { kind: 'note', state: 'loaded' };
  }
  const kept = new Set(found.files.filter((file) => !changed.includes(file)).map(({ path }) => path));
  return { kind: 'load', files: changed, replaces: before.filter(({ path }) => !kept.has(path)) };
}
