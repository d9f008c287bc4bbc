import { SourceError } from '../../errors.ts';
import type { Clock } from './clock.ts';
import { AnswerError } from './failures.ts';

/** How long to wait before each further try, in milliseconds; the vendor's advice. After the last, we give up. */
const WAITS_MS = { throttled: [1000, 2000, 4000], unavailable: [250, 500, 1000] };

/** A server may ask for more patience than the schedule has, but not for a run's whole time. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Tries again what may pass by itself: 429, 5xx, and the network. Every other error goes straight to the caller.
 * @param attempt gets a function to call once something arrived: later failures then count from the start again
 * @throws the last error; the signal's reason when that came
 */
export async function retrying<T>(
  clock: Clock,
  signal: AbortSignal | undefined,
  attempt: (progressed: () => void) => Promise<T>,
): Promise<T> {
  let failures = { throttled: 0, unavailable: 0 };
  const progressed = () => {
    failures = { throttled: 0, unavailable: 0 };
  };
  for (;;) {
    try {
      return await attempt(progressed);
    } catch (error) {
      signal?.throwIfAborted();
      const kind = kindOf(error);
      const wait = kind && WAITS_MS[kind][failures[kind]++];
      if (wait === undefined) throw error;
      const asked = error instanceof AnswerError ? error.retryAfterMs : undefined;
      await clock.sleep(Math.min(asked ?? wait, LONGEST_WAIT_MS), signal).catch((stopped: unknown) => {
        signal?.throwIfAborted();
        throw stopped;
      });
    }
  }
}

function kindOf(error: unknown): keyof typeof WAITS_MS | undefined {
  if (!(error instanceof SourceError && error.retryable)) return undefined;
  return error instanceof AnswerError && error.status === 429 ? 'throttled' : 'unavailable';
}
