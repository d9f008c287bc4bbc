import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { undocumentedFeed } from '../../src/feeds/catalogue.ts';
import { BATCH_BYTES, batchSizes, cutBatches } from '../../src/load/batches.ts';
import type { PlannedPartition } from '../../src/load/partition.ts';

const MB = 2 ** 20;

/** Partitions of one plain file each. */
function batchesOf(megabytes: readonly number[], isFetched: boolean): number[][] {
  const loads = megabytes.map((size) => ({
    wanted: [{ bytes: size * MB, name: { gzip: false, encrypted: false } }],
  })) as unknown as PlannedPartition[];
  let next = 1;
  const plan = { spec: undocumentedFeed('messaging', 'f', '1'), notes: [], loads };
  return [...cutBatches(plan, () => next++, batchSizes(isFetched))].map((batch) => {
    const sizes = batch.partitions.flatMap(({ wanted }) => wanted.map(({ bytes }) => bytes / MB));
    expect(batch.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0) * MB);
    return sizes;
  });
}

describe('batches', () => {
  it('of what is fetched begin small and grow', () => {
    const sizes = batchesOf(Array<number>(40).fill(64), true).map((batch) => batch.length);
    expect(sizes).toEqual([1, 2, 4, 8, 16, 9]);
  });

  it('of what lies here already are as large as they may be from the start', () => {
    expect(batchesOf(Array<number>(20).fill(64), false).map((batch) => batch.length)).toEqual([16, 4]);
  });

  it('hold every file once and in order, and no more than they may unless it is one file', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1500), { maxLength: 60 }), fc.boolean(), (files, isFetched) => {
        const batches = batchesOf(files, isFetched);
        expect(batches.flat()).toEqual(files);
        for (const batch of batches)
          expect(batch.length === 1 || batch.reduce((sum, size) => sum + size, 0) * MB <= BATCH_BYTES).toBe(
            true,
          );
      }),
    );
  });
});
