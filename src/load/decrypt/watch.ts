/** Notices when something that should go on by itself has come to rest. */
export class Watch implements Disposable {
  readonly #timer: NodeJS.Timeout;

  /** @param onSilence called once when {@link Watch.alive} was not called for `silenceMs` */
  constructor(silenceMs: number, onSilence: () => void) {
    this.#timer = setTimeout(onSilence, silenceMs);
  }

  /** Something has moved. */
  alive(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
