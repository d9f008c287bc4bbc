import type { Clock } from './clock.ts';

/**
 * Keeps requests to a number a second: a token bucket that holds one token. With more, a burst that reaches the server
 * late would meet the next one there, and the server would count twice as many as we sent in that second.
 */
export class Pace {
  readonly #gapMs: number;
  readonly #clock: Clock;
  #next = 0;

  constructor(requestsPerSecond: number, clock: Clock) {
    this.#gapMs = 1000 / requestsPerSecond;
    this.#clock = clock;
  }

  /** Waits until the next request may leave. */
  async turn(signal?: AbortSignal): Promise<void> {
    const at = Math.max(this.#clock.now(), this.#next);
    this.#next = at + this.#gapMs;
    // Timers may fire a little early, hence the loop.
    for (let left = at - this.#clock.now(); left > 0; left = at - this.#clock.now())
      await this.#clock.sleep(Math.ceil(left), signal);
  }
}
