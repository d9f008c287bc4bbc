import type { Problem } from '../../errors.ts';

/** One thing in a schema file that could not be understood; the rest of the file counts. */
export type DocumentProblem = Problem;

/** More than these are counted, not listed: a hostile document could have millions. */
const MAX_LISTED = 200;

/** Gathers what is wrong with one schema file. */
export class Problems {
  readonly #file: string;
  readonly #listed: DocumentProblem[] = [];
  #unlisted = 0;
  #refused: string | undefined;

  /** @param file what the file is called in messages */
  constructor(file: string) {
    this.#file = file;
  }

  /**
   * @param line 1-based
   * @param key what it is about: `schemas`, `convos_metrics`, `convos_metrics.issue_id`
   */
  add(line: number, key: string, message: string): void {
    if (this.#listed.length < MAX_LISTED) this.#listed.push({ file: this.#file, line, key, message });
    else this.#unlisted += 1;
  }

  /** Adds what makes that nothing of the file counts: it goes beyond a limit. */
  refuse(line: number, message: string): void {
    this.add(line, 'document', message);
    this.#refused ??= `it ${message}`;
  }

  /** Why nothing of the file counts; undefined where it does. */
  get refused(): string | undefined {
    return this.#refused;
  }

  all(): DocumentProblem[] {
    if (this.#unlisted === 0) return this.#listed;
    return [...this.#listed, { file: this.#file, key: '…', message: `${this.#unlisted} more problems` }];
  }
}

/** A text from a document, short enough for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
