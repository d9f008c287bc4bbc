import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/connectors/file-exporter/clock.ts';
import { Pace } from '../../src/connectors/file-exporter/pace.ts';

/** A clock that jumps to the next moment that somebody waits for. */
class VirtualClock implements Clock {
  #time = 0;
  readonly #waiting: { at: number; wake: () => void }[] = [];

  now(): number {
    return this.#time;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#waiting.push({ at: this.#time + ms, wake });
      setImmediate(() => this.#next());
    });
  }

  #next(): void {
    this.#waiting.sort((a, b) => a.at - b.at);
    const first = this.#waiting.shift();
    if (!first) return;
    this.#time = first.at;
    first.wake();
  }
}

describe('the pace of requests', () => {
  it.each([
    [20, 100],
    [100, 250],
    [3, 10],
    [0.5, 4],
  ])('is at most %d a second, however many ask at once', async (perSecond, requests) => {
    const clock = new VirtualClock();
    const pace = new Pace(perSecond, clock);
    const times = await Promise.all(
      Array.from({ length: requests }, async () => {
        await pace.turn();
        return clock.now();
      }),
    );
    times.sort((a, b) => a - b);
    for (const start of times) {
      const within = times.filter((time) => time >= start && time < start + 1000);
      expect(within.length).toBeLessThanOrEqual(Math.max(1, perSecond));
    }
    // And no slower than it need be, but for the whole milliseconds that timers know.
    const last = times.at(-1) as number;
    expect(last).toBeLessThanOrEqual(((requests - 1) * 1000) / perSecond + 1);
  });

  it('saves nothing up: after a pause there is no burst', async () => {
    const clock = new VirtualClock();
    const pace = new Pace(10, clock);
    await pace.turn();
    await clock.sleep(60_000);
    await pace.turn();
    const then = clock.now();
    await pace.turn();
    expect(clock.now() - then).toBe(100);
  });

  it('lets the first request go at once', async () => {
    const clock = new VirtualClock();
    await new Pace(1, clock).turn();
    expect(clock.now()).toBe(0);
  });
});
