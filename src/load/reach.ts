import { createHash } from 'node:crypto';
import { dayFolder, startOfDay } from '../feeds/paths.ts';
import { groupBy } from '../group-by.ts';
import type { FeedProgress } from '../ledger/partitions.ts';
import type { Target } from './discover.ts';
import type { LoadOptions } from './load-run.ts';

/** How far the listing of one feed of a source reaches. */
export interface Reach {
  /** The day it begins at; undefined: all there is. */
  since: Date | undefined;
  /** Whether nothing is left out: such a listing is remembered, and need not be made again for a while. */
  whole: boolean;
  /** Folders from before `since` that are listed beside: what is known to be missing, empty or unfinished. */
  beside: string[];
  /** Of those, the partitions that are looked for one by one, and the days that are listed. */
  times: Date[];
  days: Date[];
  /** The start of the look-back; undefined for a feed that was never loaded. */
  lookBack: Date | undefined;
}

export interface ReachOptions extends Pick<LoadOptions, 'since' | 'until' | 'fullRefresh'> {
  lookBackDays: number;
  /** Milliseconds between two listings of everything. */
  fullListing: number;
  now: Date;
  /** Tells the source from others, so that they have their turns at other times. */
  source: string;
}

const DAY_MS = 86_400_000;

/**
 * What to list of a feed. Pure.
 *
 * The look-back finds what is new, and it is all that most runs list. Anything may come later than that, or change: so what
 * is known to be missing is looked for each time, and everything is listed at times.
 */
export function reachOf(target: Target, progress: FeedProgress | undefined, options: ReachOptions): Reach {
  const { since, until, fullRefresh, now, lookBackDays } = options;
  const lookBack = progress && startOfDay(new Date(progress.newest.getTime() - lookBackDays * DAY_MS));
  const none = { beside: [], times: [], days: [], lookBack };
  if (since) return { ...none, since, whole: false };
  const turn = `${options.source}/${target.path}`;
  if (fullRefresh || !progress || isDue(turn, progress.listedAt, options.fullListing, now)) {
    return { ...none, since: undefined, whole: until === undefined };
  }
  const reach: Reach = { ...none, since: lookBack, whole: false };
  for (const [day, awaited] of groupBy(progress.awaited, ({ time }) => dayFolder(time))) {
    if (awaited.length > ONE_BY_ONE) {
      reach.beside.push(`${target.path}/${day}`);
      reach.days.push(...awaited.slice(0, 1).map(({ time }) => startOfDay(time)));
      continue;
    }
    for (const { path, time } of awaited) {
      reach.beside.push(path ?? `${target.path}/${folderLike(progress.sample, time)}`);
      reach.times.push(time);
    }
  }
  return reach;
}

/**
 * Whether a listing of everything is due. Each feed has its turn at a time of its own within the interval, by a hash of its
 * name: so no run has to list all feeds, and none is listed twice in an interval.
 */
export function isDue(turn: string, listedAt: Date | undefined, interval: number, now: Date): boolean {
  if (listedAt === undefined || interval === 0) return true;
  const phase = createHash('sha256').update(turn).digest().readUInt32BE() % interval;
  const round = (time: Date) => Math.floor((time.getTime() - phase) / interval);
  return round(now) > round(listedAt);
}

/** More than so many partitions of a day are looked for by listing the day. */
const ONE_BY_ONE = 3;

/** The folder of a partition that has not come, as deep as the one that has: `dt=2026-01-31/hr=07`. */
function folderLike(sample: string, time: Date): string {
  const [, hour, minute] = /\/dt=[^/]+(\/hr=[^/]+)?(\/mi=[^/]+)?$/.exec(sample) ?? [];
  const text = time.toISOString();
  return [
    dayFolder(time),
    ...(hour ? [`hr=${text.slice(11, 13)}`] : []),
    ...(minute ? [`mi=${text.slice(14, 16)}`] : []),
  ].join('/');
}
