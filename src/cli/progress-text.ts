import prettyBytes from 'pretty-bytes';
import { count } from '../text.ts';
import { duration } from './duration.ts';
import { printable } from './printable.ts';

/** The rate is measured over the last so many milliseconds. */
const WINDOW_MS = 15_000;
/** At most two samples a second are kept. */
const SAMPLE_MS = 500;
/** A rate over a shorter time would say nothing. */
const MIN_SPAN_MS = 1000;
const MIN_ACTIVITY_WIDTH = 20;
const GAP = '  ';

/** The state of a progress line. Bytes are those of the files as delivered. */
export interface ProgressState {
  /** Feeds with finished work. */
  feeds: Set<string>;
  files: { done: number; total: number };
  bytes: { done: number; fetched: number; total: number };
  activity: string;
  /** How many bytes were done at which time, oldest first; `at` in milliseconds. */
  samples: { at: number; bytes: number }[];
}

export function newProgress(now: number): ProgressState {
  return {
    feeds: new Set(),
    files: { done: 0, total: 0 },
    bytes: { done: 0, fetched: 0, total: 0 },
    activity: '',
    samples: [{ at: now, bytes: 0 }],
  };
}

/** Records the progress at `now`, for the rate. */
export function sample(state: ProgressState, now: number): void {
  // The time before the first byte, spent looking for work, does not count towards the rate.
  if (bytesReached(state) === 0) state.samples = [];
  const last = state.samples.at(-1);
  if (last && now - last.at < SAMPLE_MS) return;
  state.samples = [
    ...state.samples.filter(({ at }) => now - at <= WINDOW_MS),
    { at: now, bytes: bytesReached(state) },
  ];
}

/**
 * One line of at most `width` characters: `2 feeds  12/40 files  1.2 GB of 3.4 GB  45 MB/s  49 s left  staging
 * messaging.utterances`. Unknown parts are left out. In a narrow terminal the activity is shortened, then the least
 * important parts are dropped.
 *
 * @param now milliseconds, on the same clock as the state's samples
 */
export function progressText(state: ProgressState, now: number, width: number): string {
  const { files, bytes } = state;
  const position = bytesReached(state);
  const remaining = Math.max(0, bytes.total - position);
  const rate = remaining > 0 || bytes.total === 0 ? rateOf(state, now) : undefined;
  const working = files.total > 0 || files.done > 0 || position > 0;
  const parts = {
    feeds: state.feeds.size > 0 ? count(state.feeds.size, 'feed') : '',
    files: !working ? '' : files.total > 0 ? `${files.done}/${files.total} files` : count(files.done, 'file'),
    bytes: !working
      ? ''
      : bytes.total > 0
        ? `${prettyBytes(position)} of ${prettyBytes(bytes.total)}`
        : prettyBytes(position),
    rate: rate === undefined || !working ? '' : `${prettyBytes(rate)}/s`,
    left: rate && remaining > 0 ? `${duration(remaining / rate)} left` : '',
    activity: printable(state.activity),
  };
  return fitWidth(parts, width);
}

type Parts = Record<'feeds' | 'files' | 'bytes' | 'rate' | 'left' | 'activity', string>;

/** The parts in the order in which they are dropped. */
const DROP_ORDER: (keyof Parts)[] = ['feeds', 'rate', 'activity', 'left', 'bytes'];

function fitWidth(parts: Parts, width: number): string {
  const line = () => Object.values(parts).filter(Boolean).join(GAP);
  for (const name of DROP_ORDER) {
    const excess = line().length - width;
    if (excess <= 0) return line();
    const room = parts.activity.length - excess;
    if (room >= MIN_ACTIVITY_WIDTH) {
      parts.activity = `${parts.activity.slice(0, room - 1)}…`;
      return line();
    }
    parts[name] = '';
  }
  return line().slice(0, width);
}

/**
 * The bytes reached so far. Fetching runs ahead of staging, but files read in place are never fetched, so whichever is
 * further counts.
 */
function bytesReached({ bytes }: ProgressState): number {
  const furthest = Math.max(bytes.done, bytes.fetched);
  // Bytes that were fetched twice must not exceed the total.
  return bytes.total > 0 ? Math.min(furthest, bytes.total) : furthest;
}

/** Bytes per second within the window; undefined when it is too early to tell. */
function rateOf(state: ProgressState, now: number): number | undefined {
  const recent = state.samples.find(({ at }) => now - at <= WINDOW_MS) ?? state.samples.at(-1);
  if (!recent || now - recent.at < MIN_SPAN_MS) return undefined;
  return Math.max(0, (bytesReached(state) - recent.bytes) / ((now - recent.at) / 1000));
}
