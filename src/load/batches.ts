import type { FeedSpec } from '../feeds/catalogue.ts';
import type { Partition } from '../ledger/tables.ts';
import type { WantedPartition } from './partition.ts';
import type { Plan } from './plan.ts';

/** Files of one feed that are to be fetched, and then staged in one transaction. */
export interface WantedBatch {
  spec: FeedSpec;
  /** Partitions that have nothing to load, to be written with this batch. */
  notes: Partition[];
  partitions: WantedPartition[];
}

/**
 * A batch holds about so many bytes of text. DuckDB writes whole row groups (122,880 rows) as it reads them, and writes
 * what is left over again at the next checkpoint: in batches of an eighth of this, a load takes half as long again.
 */
const BATCH_BYTES = 2 ** 30;
const BATCH_FILES = 2000;
/** Compressed JSON becomes about so many times larger; what encrypts usually compresses, too. */
const GZIP_RATIO = 10;

/**
 * Cuts a plan into batches; never within a partition, which is loaded whole or not at all. Pure.
 * @param nextFileId gives each file its number
 */
export function* cutBatches({ spec, notes, loads }: Plan, nextFileId: () => number): Generator<WantedBatch> {
  let batch: WantedBatch = { spec, notes: [], partitions: [] };
  let bytes = 0;
  let files = 0;
  for (const load of loads) {
    const weight = load.wanted.reduce(
      (sum, file) => sum + file.bytes * (file.name.gzip || file.name.encrypted ? GZIP_RATIO : 1),
      0,
    );
    if (files > 0 && (bytes + weight > BATCH_BYTES || files + load.wanted.length > BATCH_FILES)) {
      yield batch;
      batch = { spec, notes: [], partitions: [] };
      bytes = 0;
      files = 0;
    }
    bytes += weight;
    files += load.wanted.length;
    batch.partitions.push({
      ...load,
      wanted: load.wanted.map((file) => ({ ...file, fileId: nextFileId() })),
    });
  }
  // With the last batch: what is noted as come must not lie ahead of what a killed run had not loaded yet.
  if (files > 0 || notes.length > 0) yield { ...batch, notes };
}
