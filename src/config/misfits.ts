import { z } from 'zod';

/** How many misfits of a column are tolerated: a number, or a share of the feed's rows. */
export type MaxMisfits = { values: number } | { share: number } | 'usual';

const SHARE = /^(\d{1,3}(?:\.\d{1,6})?)%$/;
const WHAT = 'must be a whole number, or a share such as 0.1%';

/** The key of `warehouse.yaml`. */
export const maxMisfitsKey = z.union(
  [
    z.int(WHAT).min(0, WHAT),
    z
      .string(WHAT)
      .regex(SHARE, WHAT)
      .refine((text) => Number.parseFloat(text) <= 100, WHAT),
  ],
  WHAT,
);

/** The limit that a checked value stands for; left out: the usual one. */
export function maxMisfits(value: number | string | undefined): MaxMisfits {
  if (value === undefined) return 'usual';
  return typeof value === 'number' ? { values: value } : { share: Number.parseFloat(value) / 100 };
}

/**
 * The usual limit: a hundred values or one in a thousand of the feed's rows, whichever is more. A wrong type, or a
 * field with a new meaning, causes far more misfits; an odd value of the vendor's now and then, fewer. A share alone
 * would report single odd values of small feeds, and a number alone the accumulated noise of large ones.
 */
const USUAL = { values: 100, share: 0.001 };

/** Whether the misfits among a feed's rows exceed the limit. Pure. */
export function exceedsMaxMisfits(
  max: MaxMisfits,
  { misfits, rows }: { misfits: number; rows: number },
): boolean {
  if (max === 'usual') return misfits > Math.max(USUAL.values, rows * USUAL.share);
  return 'share' in max ? misfits > rows * max.share : misfits > max.values;
}
