/** Room for so much at once, given by rank, and to those of one rank in the order in which they ask for it. */
export class Room {
  readonly #size: number;
  #taken = 0;
  readonly #waiting: { share: number; rank: number; enter: () => void }[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Waits for a share of the room; one that is larger than all of it is given once nobody else has any.
   * @param rank the lowest goes first
   * @throws the signal's reason
   */
  async enter(share: number, signal: AbortSignal, rank = 0): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
        this.#letIn();
      };
      const waiting = {
        share,
        rank,
        enter: () => {
          signal.removeEventListener('abort', stop);
          resolve();
        },
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.splice(this.#waiting.findLastIndex((other) => other.rank <= rank) + 1, 0, waiting);
      this.#letIn();
    });
  }

  /** Gives back a share that was entered with. */
  leave(share: number): void {
    this.#taken -= share;
    this.#letIn();
  }

  #letIn(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (!next || (this.#taken > 0 && this.#taken + next.share > this.#size)) return;
      this.#waiting.shift();
      this.#taken += next.share;
      next.enter();
    }
  }
}
