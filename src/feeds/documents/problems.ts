import type { Problem } from '../../errors.ts';

/** One thing in a schema file that could not be understood. The rest of the file is used. */
export type DocumentProblem = Problem;

/** So many problems are listed. Further ones are only counted: a hostile document could have millions. */
const MAX_LISTED = 200;

/** Collects the problems of one schema file. */
export class DocumentProblems {
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

  /** Notes that the file goes beyond a limit, so that nothing in it is used. */
  refuse(line: number, message: string): void {
    this.add(line, 'document', message);
    this.#refused ??= `it ${message}`;
  }

  /** Why the whole file is refused; undefined when it is not. */
  get refused(): string | undefined {
    return this.#refused;
  }

  all(): DocumentProblem[] {
    if (this.#unlisted === 0) return this.#listed;
    return [...this.#listed, { file: this.#file, key: '…', message: `${this.#unlisted} more problems` }];
  }
}

/** Text from a document, quoted and shortened for a message. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
