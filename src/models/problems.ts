import { type ErrorDetails, ModelError } from '../errors.ts';

/** One thing wrong in a file of models. */
export interface ModelProblem {
  /** As people know it: beginning with the name of its folder of models, e.g. `models/marts/agents.sql`. */
  file: string;
  /** 1-based; left out when the problem is the file as a whole. */
  line?: number | undefined;
  message: string;
}

/** Everything wrong with the models, at once. Nothing was built. */
export class ProjectError extends ModelError {
  /** In the order of files and lines. */
  readonly problems: readonly ModelProblem[];

  constructor(problems: readonly ModelProblem[], details: ErrorDetails = {}) {
    const sorted = unique(problems).sort(
      (a, b) => a.file.localeCompare(b.file, 'en') || (a.line ?? 0) - (b.line ?? 0),
    );
    super(sorted.map(problemText).join('\n'), details);
    this.problems = sorted;
  }
}

/** `models/marts/agents.sql:3: what is wrong`. */
function problemText({ file, line, message }: ModelProblem): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${message}`;
}

/** A file that is read twice tells of each problem twice. */
function unique(problems: readonly ModelProblem[]): ModelProblem[] {
  return [...new Map(problems.map((problem) => [problemText(problem), problem])).values()];
}

/** Gathers problems, so that one slip does not hide the next. */
export class Problems {
  readonly #found: ModelProblem[] = [];

  add(problem: ModelProblem): void {
    this.#found.push(problem);
  }

  /** Gives what `work` gives; where it throws a {@link ProjectError}, keeps its problems and gives undefined. */
  attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ProjectError)) throw error;
      this.#found.push(...error.problems);
      return undefined;
    }
  }

  /** @throws ProjectError with everything gathered, where there is anything */
  throwIfAny(): void {
    if (this.#found.length > 0) throw new ProjectError(this.#found);
  }
}
