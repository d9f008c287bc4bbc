import { stat } from 'node:fs/promises';
import { type QuestionOptions, Questions } from '../../audit/query/questions.ts';
import type { Config } from '../../config/config.ts';

/**
 * The warehouse that a shell asks, statement by statement. Each sees the newest: a copy that has taken the place of the one
 * that is open is opened instead. The loader's own file is open only while it is asked: a shell that somebody left
 * open would keep every run from it.
 */
export class Desk implements AsyncDisposable {
  readonly #config: Config;
  readonly #options: QuestionOptions;
  #open: { questions: Questions; file: string | undefined } | undefined;

  constructor(config: Config, options: QuestionOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** Does something with the warehouse as it is now. */
  async with(work: (questions: Questions) => Promise<void>): Promise<void> {
    try {
      await work(await this.#newest());
    } finally {
      if (this.#options.staging) await this[Symbol.asyncDispose]();
    }
  }

  /** Ends the statement that is running, if one is. */
  interrupt(): void {
    this.#open?.questions.interrupt();
  }

  async #newest(): Promise<Questions> {
    const { publish, warehouse } = this.#config;
    const file = await identity(this.#options.staging ? warehouse : publish);
    if (this.#open && this.#open.file === file) return this.#open.questions;
    await this[Symbol.asyncDispose]();
    this.#open = { questions: await Questions.open(this.#config, this.#options), file };
    return this.#open.questions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { questions } = this.#open ?? {};
    this.#open = undefined;
    await questions?.[Symbol.asyncDispose]();
  }
}

/** Tells a file from the one that takes its place. */
async function identity(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.dev} ${found.ino} ${found.mtimeNs}`;
}
