import { WarehouseError } from '../errors.ts';
import type { NewFailure, Tried } from '../ledger/failures.ts';
import type { LoadOptions, LoadResult } from '../load/load-run.ts';
import type { Project } from '../models/assemble.ts';
import type { BuildResult } from '../models/build/build.ts';
import type { TestOutcome } from '../models/tests/run-test.ts';
import { failedTests } from '../models/tests/test.ts';
import { planTests } from '../models/tests/test-plan.ts';
import type { SchemaResult } from '../schema/follow.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** What the parts of a command came to, as far as it did them. */
export interface Endings {
  schema?: SchemaResult;
  loaded?: LoadResult;
  built?: BuildResult;
  tests?: TestOutcome[];
  /** The project of the tests, where nothing was built. */
  project?: Project;
}

/** What a command tried of one kind, and what of it failed. */
export interface Attempt extends Tried {
  failed: NewFailure[];
  /** Whether the command has failed when one of these has. */
  fails: boolean;
}

/** What a command tried, by kind. What is no longer in the configuration or the project is over, too. Pure. */
export function attemptsOf(
  { config, redact }: Pick<Workspace, 'config' | 'redact'>,
  { schema, loaded, built, tests, project = built?.project }: Endings,
  { feed }: LoadOptions,
): Attempt[] {
  const configured = new Set(config.sources.map(({ name }) => name));
  const gone = (source: string | null) => source !== null && !configured.has(source);
  const asFailure = (name: string, error: Error) => ({
    name,
    message: redact(error.message),
    ...(error instanceof WarehouseError && error.hint !== undefined && { hint: redact(error.hint) }),
  });
  const attempts: Attempt[] = [];
  if (schema) {
    const unreachable = new Set(loaded?.failedSources.map(({ source }) => source));
    attempts.push({
      kind: 'document',
      fails: loaded === undefined,
      failed: schema.failed
        .filter(({ source }) => !unreachable.has(source))
        .map(({ source, error }) => asFailure(source, error)),
      wasTried: ({ name }) => schema.looked.includes(name) || gone(name),
    });
  }
  if (loaded) {
    const { triedSources, failedSources, failedFeeds } = loaded;
    const whole = (source: string) => !failedSources.some((failure) => failure.source === source);
    attempts.push({
      kind: 'source',
      fails: true,
      failed: failedSources.map(({ source, error }) => asFailure(source, error)),
      wasTried: ({ name }) => triedSources.includes(name) || gone(name),
    });
    attempts.push({
      kind: 'feed',
      fails: true,
      failed: failedFeeds.map(({ source, feed, error }) => ({ ...asFailure(feed, error), source })),
      wasTried: ({ name, source }) =>
        gone(source) ||
        (source !== null &&
          triedSources.includes(source) &&
          whole(source) &&
          (feed === undefined ||
            feed.some((each) => `.${name.replace(/__v[^.]*$/, '')}`.endsWith(`.${each}`)))),
    });
  }
  if (built) {
    const { models, broken, problems } = built.project;
    const wrong = new Set(problems.map(({ file }) => file));
    attempts.push({
      kind: 'model',
      fails: true,
      failed: built.failed.map(({ model, message, hint }) => ({
        name: model,
        message: redact(message),
        ...(hint !== undefined && { hint }),
      })),
      wasTried: ({ name }) =>
        built.chosen.includes(name) || !(models.has(name) || broken.has(name) || wrong.has(name)),
    });
  }
  if (tests && project) {
    const ran = new Set(tests.map(({ test }) => test));
    const planned = new Set(planTests(project).map(({ name }) => name));
    attempts.push({
      kind: 'test',
      fails: false,
      failed: failedTests(tests).map((failure) => ({ ...failure, message: redact(failure.message) })),
      wasTried: ({ name }) => ran.has(name) || !planned.has(name),
    });
  }
  return attempts;
}
