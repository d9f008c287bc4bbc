import { type ErrorDetails, ModelError } from '../errors.ts';

/** One thing wrong in a file of models. */
export interface ModelProblem {
  /** As people know it: beginning with the name of its folder of models, e.g. `models/marts/agents.sql`. */
  file: string;
  /** 1-based; left out when the problem is the file as a whole. */
  line?: number;
  message: string;
  /** Ids of the models that it is the affair of: they fail, and no other. Empty where nobody can say. */
  models?: readonly string[];
}

/** What is wrong with a model, or with what was asked of it, all at once. */
export class ProjectError extends ModelError {
  /** In the order of files and lines. */
  readonly problems: readonly ModelProblem[];

  constructor(problems: readonly ModelProblem[], details: ErrorDetails = {}) {
    const sorted = inOrder(problems);
    super(sorted.map(problemText).join('\n'), details);
    this.problems = sorted;
  }
}

/** `models/marts/agents.sql:3: what is wrong`. */
export function problemText({ file, line, message }: ModelProblem): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${message}`;
}

/** By file and line; a file that is read twice tells of each problem twice. */
export function inOrder(problems: readonly ModelProblem[]): ModelProblem[] {
  const unique = new Map(problems.map((problem) => [problemText(problem), problem]));
  return [...unique.values()].sort(
    (a, b) => a.file.localeCompare(b.file, 'en') || (a.line ?? 0) - (b.line ?? 0),
  );
}

/** Gathers problems, so that one slip neither hides the next nor stops what it has nothing to do with. */
export class Problems {
  readonly #found: ModelProblem[] = [];

  add(...problems: readonly ModelProblem[]): void {
    this.#found.push(...problems);
  }

  /**
   * Gives what `work` gives; where it throws a {@link ProjectError}, keeps its problems and gives undefined.
   * @param models ids of those whose affair the problems are
   */
  attempt<T>(work: () => T, models: readonly string[] = []): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ProjectError)) throw error;
      this.#found.push(...error.problems.map((problem) => ({ ...problem, models })));
      return undefined;
    }
  }

  /** Everything gathered so far. */
  get found(): readonly ModelProblem[] {
    return this.#found;
  }

  /** @throws ProjectError with everything gathered, where there is anything */
  throwIfAny(): void {
    if (this.#found.length > 0) throw new ProjectError(this.#found);
  }
}
