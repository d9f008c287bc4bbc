import type { FeedSpec } from '../feeds/catalogue.ts';
import type { Partition } from '../ledger/tables.ts';
import { textBytes } from './file.ts';
import type { WantedPartition } from './partition.ts';
import type { Plan } from './plan.ts';

/** Files of one feed that are to be fetched, and then staged in one transaction. */
export interface WantedBatch {
  spec: FeedSpec;
  /** Partitions that have nothing to load, to be written with this batch. */
  notes: Partition[];
  partitions: WantedPartition[];
  /** About how many bytes of text its files are. */
  bytes: number;
}

/**
 * A batch holds about so many bytes of text. DuckDB writes whole row groups (122,880 rows) as it reads them, and writes
 * what is left over again at the next checkpoint: in batches of an eighth of this, a load takes half as long again.
 */
export const BATCH_BYTES = 2 ** 30;
const BATCH_FILES = 2000;

/** The first batch of what comes from elsewhere. Nothing can be staged before it is there. */
const FIRST_BYTES = 2 ** 26;

/**
 * How large batches may be, one after the other. Files that lie here already are there at once; of others, the first batches
 * are small and each is twice as large as the one before, so that staging begins soon and the work of small ones stays small.
 */
export function* batchSizes(isFetched: boolean): Generator<number, never> {
  for (let bytes = isFetched ? FIRST_BYTES : BATCH_BYTES; ; bytes = Math.min(2 * bytes, BATCH_BYTES))
    yield bytes;
}

/**
 * Cuts a plan into batches; never within a partition, which is loaded whole or not at all. Pure.
 * @param nextFileId gives each file its number
 * @param sizes how large each batch may be, of this plan and of those after it
 */
export function* cutBatches(
  { spec, notes, loads }: Plan,
  nextFileId: () => number,
  sizes: Iterator<number, never>,
): Generator<WantedBatch> {
  const empty = (): WantedBatch => ({ spec, notes: [], partitions: [], bytes: 0 });
  let batch = empty();
  let files = 0;
  let most = 0;
  for (const load of loads) {
    const weight = load.wanted.reduce((sum, file) => sum + textBytes(file), 0);
    if (files > 0 && (batch.bytes + weight > most || files + load.wanted.length > BATCH_FILES)) {
      yield batch;
      batch = empty();
      files = 0;
    }
    if (files === 0) most = sizes.next().value;
    batch.bytes += weight;
    files += load.wanted.length;
    batch.partitions.push({
      ...load,
      wanted: load.wanted.map((file) => ({ ...file, fileId: nextFileId() })),
    });
  }
  // With the last batch: what is noted as come must not lie ahead of what a killed run had not loaded yet.
  if (files > 0 || notes.length > 0) yield { ...batch, notes };
}
