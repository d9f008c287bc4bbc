import { setTimeout as sleep } from 'node:timers/promises';

/** Time-outs and retries: how long a connector tolerates a bad network. */
export interface Patience {
  /** Time to connect, in milliseconds. */
  connectMs: number;
  /** The silence in the middle of an answer, in milliseconds, after which the connection counts as dead. */
  stallMs: number;
  /** How many attempts in a row may bring nothing. */
  attempts: number;
  /** The longest wait before the second try, in milliseconds; it doubles with each further one. */
  backoffMs: number;
}

export const PATIENCE: Patience = { connectMs: 10_000, stallMs: 30_000, attempts: 5, backoffMs: 250 };

const LONGEST_WAIT_MS = 20_000;

/**
 * How long to wait before the next try, in milliseconds: a random part of a time that doubles with each failure, so
 * that many clients of one server that failed together do not come back together ("full jitter").
 * @param failures tries that failed in a row, from 1
 * @param chance from 0 to 1
 */
export function waitMs(failures: number, { backoffMs }: Patience, chance: number): number {
  return chance * Math.min(backoffMs * 2 ** (failures - 1), LONGEST_WAIT_MS);
}

/**
 * Waits before the next try.
 * @throws the signal's reason
 */
export async function backOff(failures: number, patience: Patience, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(waitMs(failures, patience, Math.random()), undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
