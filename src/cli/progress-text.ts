import prettyBytes from 'pretty-bytes';
import { count } from '../text.ts';
import { duration } from './duration.ts';
import { printable } from './printable.ts';

/** The rate is that of the last so many milliseconds. */
const WINDOW_MS = 15_000;
/** At most two samples a second are kept. */
const SAMPLE_MS = 500;
/** A rate from less than this says nothing. */
const MIN_SPAN_MS = 1000;
const MIN_ACTIVITY_WIDTH = 20;
const GAP = '  ';

/** What a progress line is made from. Bytes are those of the files as stored. */
export interface ProgressState {
  /** Feeds of which anything is done. */
  feeds: Set<string>;
  files: { done: number; total: number };
  bytes: { done: number; fetched: number; total: number };
  activity: string;
  /** How many bytes were behind us when, oldest first; `at` in milliseconds. */
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

/** Remembers how far we are at `now`, for the rate. */
export function sample(state: ProgressState, now: number): void {
  // Time spent looking for work, before the first byte, is no part of the rate.
  if (behind(state) === 0) state.samples = [];
  const last = state.samples.at(-1);
  if (last && now - last.at < SAMPLE_MS) return;
  state.samples = [
    ...state.samples.filter(({ at }) => now - at <= WINDOW_MS),
    { at: now, bytes: behind(state) },
  ];
}

/**
 * One line, at most `width` characters:
 * `2 feeds  12/40 files  1.2 GB of 3.4 GB  45 MB/s  49 s left  staging messaging.utterances`.
 * What is not known is left out; where it is narrow the activity is cut, then the least telling parts go.
 *
 * @param now milliseconds, on the same clock as the state's samples
 */
export function progressText(state: ProgressState, now: number, width: number): string {
  const { files, bytes } = state;
  const position = behind(state);
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
  return squeezed(parts, width);
}

type Parts = Record<'feeds' | 'files' | 'bytes' | 'rate' | 'left' | 'activity', string>;

/** The part to do without first stands first. */
const EXPENDABLE: (keyof Parts)[] = ['feeds', 'rate', 'activity', 'left', 'bytes'];

function squeezed(parts: Parts, width: number): string {
  const line = () => Object.values(parts).filter(Boolean).join(GAP);
  for (const name of EXPENDABLE) {
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

/** Fetching runs ahead of staging, and files read in place are not fetched: whichever is further says where we are. */
function behind({ bytes }: ProgressState): number {
  const furthest = Math.max(bytes.done, bytes.fetched);
  // Bytes that had to be fetched twice must not make more than there is.
  return bytes.total > 0 ? Math.min(furthest, bytes.total) : furthest;
}

/** Bytes a second within the window; undefined when it is too early to say. */
function rateOf(state: ProgressState, now: number): number | undefined {
  const recent = state.samples.find(({ at }) => now - at <= WINDOW_MS) ?? state.samples.at(-1);
  if (!recent || now - recent.at < MIN_SPAN_MS) return undefined;
  return Math.max(0, (behind(state) - recent.bytes) / ((now - recent.at) / 1000));
}
