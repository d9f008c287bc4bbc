/** What a run spends its time on, in the order of its day. */
export const STAGES = ['listing', 'fetching', 'staging', 'building', 'testing', 'publishing'] as const;

export type Stage = (typeof STAGES)[number];

/**
 * Where the time of a run goes. Stages overlap: the next files are fetched while others are staged. Each moment counts
 * once, for the latest of the stages that are at work, since that one is what the others have to wait for. So what is
 * counted as fetching is how long nothing but fetching was done, and all stages together are never more than the run.
 */
export class Timings {
  readonly #now: () => number;
  readonly #spent = new Map<Stage, number>();
  /** How often each stage is at work now. */
  readonly #working = new Map<Stage, number>();
  #since: number;

  /** @param now milliseconds of a clock that is never set */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /** Does work that belongs to a stage. */
  async during<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    this.#change(stage, 1);
    try {
      return await work();
    } finally {
      this.#change(stage, -1);
    }
  }

  /** The seconds that each stage has taken so far; 0 for one that had nothing to do. */
  get seconds(): Record<Stage, number> {
    this.#count();
    const ofEach = STAGES.map((stage) => [stage, Math.round(this.#spent.get(stage) ?? 0) / 1000] as const);
    return Object.fromEntries(ofEach) as Record<Stage, number>;
  }

  #change(stage: Stage, by: 1 | -1): void {
    this.#count();
    this.#working.set(stage, (this.#working.get(stage) ?? 0) + by);
  }

  /** Counts what passed since the last time for the stage that was ahead. */
  #count(): void {
    const now = this.#now();
    const ahead = STAGES.findLast((stage) => (this.#working.get(stage) ?? 0) > 0);
    if (ahead) this.#spent.set(ahead, (this.#spent.get(ahead) ?? 0) + now - this.#since);
    this.#since = now;
  }
}
