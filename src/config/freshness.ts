import { z } from 'zod';
import type { FreshnessRule } from '../feeds/freshness.ts';
import { duration, milliseconds } from './duration.ts';

/**
 * The key `freshness`, of the file and of a source: how old the newest partition of a feed may be. An age that is left
 * out follows from the feed's cadence: `src/feeds/freshness.ts`.
 */

/**
 * The file's rules for all feeds, and for single feeds by name: `FEED` or `GROUP.FEED`, with `__vN` for another
 * version.
 */
export interface Freshness {
  all: FreshnessRule;
  feeds: Readonly<Record<string, FreshnessRule>>;
}

const ages = { warn_after: duration.optional(), error_after: duration.optional() };
const WORDS = 'warn_after and error_after, durations such as 1h or 3d';
const A_RULE = `must be off, or a mapping of ${WORDS}`;
const rule = z.union([z.literal('off'), z.strictObject(ages)], A_RULE);
const A_BLOCK = `must be off, or a mapping of ${WORDS}, and feeds, which gives some feeds rules of their own`;

export const sourceFreshness = rule;
export const fileFreshness = z.union(
  [z.literal('off'), z.strictObject({ ...ages, feeds: z.record(z.string(), rule).optional() })],
  A_BLOCK,
);

/** @returns undefined where nothing is said */
export function freshnessRule(
  written: z.output<typeof sourceFreshness> | undefined,
): FreshnessRule | undefined {
  if (written === undefined || written === 'off') return written;
  const { warn_after, error_after } = written;
  return {
    ...(warn_after !== undefined && { warnAfter: milliseconds(warn_after) }),
    ...(error_after !== undefined && { errorAfter: milliseconds(error_after) }),
  };
}

export function freshnessBlock(written: z.output<typeof fileFreshness> | undefined): Freshness {
  if (written === undefined || written === 'off') return { all: written ?? {}, feeds: {} };
  const { feeds = {}, ...all } = written;
  const named = Object.entries(feeds).map(([feed, of]) => [feed, freshnessRule(of) ?? {}] as const);
  return { all: freshnessRule(all) ?? {}, feeds: Object.fromEntries(named) };
}
