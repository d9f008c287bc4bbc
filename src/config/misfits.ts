import { z } from 'zod';

/**
 * How many values that do not fit their column are nobody's business: a number of them, or a share of the feed's rows.
 */
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

/** Makes what was checked of it. Left out, what is usual. */
export function maxMisfits(value: number | string | undefined): MaxMisfits {
  if (value === undefined) return 'usual';
  return typeof value === 'number' ? { values: value } : { share: Number.parseFloat(value) / 100 };
}

/**
 * The usual limit: a hundred values, or one in a thousand of the feed's rows, whichever is more. A type that is wrong, or a
 * field that has changed its meaning, shows in far more; the vendor's odd value now and then in fewer. A share alone would
 * make much of one odd value of a small feed, and a number alone of a large feed's noise of years.
 */
const USUAL = { values: 100, share: 0.001 };

/** Whether so many misfits among a feed's rows are more than that. Pure. */
export function passes(max: MaxMisfits, { misfits, rows }: { misfits: number; rows: number }): boolean {
  if (max === 'usual') return misfits > Math.max(USUAL.values, rows * USUAL.share);
  return 'share' in max ? misfits > rows * max.share : misfits > max.values;
}
