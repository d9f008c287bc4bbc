import { WarehouseError } from '../../errors.ts';

/** The result of one step. */
export interface DebugCheck {
  /** The source that was checked, or `(machine)`. */
  source: string;
  step: string;
  state: 'ok' | 'failed' | 'skipped';
  /** How long it took, in milliseconds; null where it was skipped. */
  ms: number | null;
  detail: string;
  /** What to do about it. */
  advice: string | null;
}

export interface StepContext {
  /** Called before each step, with what it is about. */
  onStep: (what: string) => void;
  signal: AbortSignal;
}

/** Thrown by a step that has nothing to check. */
export class SkipStep extends Error {}

/** The steps for one source or the machine, one after the other. After a failure the rest is skipped. */
export class Steps {
  readonly #source: string;
  readonly #context: StepContext;
  #failed: string | undefined;

  constructor(source: string, context: StepContext) {
    this.#source = source;
    this.#context = context;
  }

  /**
   * Does one step.
   * @param work returns what it found; throws what is wrong, or {@link SkipStep}
   * @throws the signal's reason
   */
  async try(step: string, work: () => Promise<string>): Promise<DebugCheck> {
    const { onStep, signal } = this.#context;
    signal.throwIfAborted();
    const about = { source: this.#source, step };
    if (this.#failed !== undefined)
      return {
        ...about,
        state: 'skipped',
        ms: null,
        detail: `not tried after ${this.#failed}`,
        advice: null,
      };
    onStep(`${this.#source}: ${step}`);
    const start = performance.now();
    const ms = () => Math.round(performance.now() - start);
    try {
      return { ...about, state: 'ok', detail: await work(), ms: ms(), advice: null };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SkipStep)
        return { ...about, state: 'skipped', ms: null, detail: error.message, advice: null };
      this.#failed = step;
      const { message } = error as Error;
      const advice = error instanceof WarehouseError ? (error.hint ?? null) : null;
      return { ...about, state: 'failed', ms: ms(), detail: message, advice };
    }
  }
}

/** The name used for checks of the machine. No source can have it. */
export const MACHINE = '(machine)';
