import { z } from 'zod';
import { allowedMessage } from '../config/wording.ts';
import { didYouMean } from '../text.ts';
import { settingsOf, settingsShape, type TestSettings } from './data-tests.ts';
import type { ParsedSql, RenderContext, RenderedModel, SourceRef } from './model.ts';
import { type ModelProblem, ProjectError } from './problems.ts';

/** A test that is a query of its own: each row that it gives is a failure. */
export interface SingularTest extends TestSettings {
  /** The name of its file, without `.sql`. */
  name: string;
  file: string;
  tags: readonly string[];
  enabled: boolean;
  /** Ids of the models it reads. */
  refs: readonly string[];
  refLines: ReadonlyMap<string, number>;
  sources: readonly SourceRef[];
  /** @throws ProjectError with file and line */
  render(context: RenderContext): RenderedModel;
}

/** A query under `tests/` that cannot be read. */
export interface UnreadableTest {
  name: string;
  file: string;
  problems: readonly ModelProblem[];
  /** Ids of the models that it names, as far as they can be told. */
  refs: readonly string[];
}

const configuration = z.strictObject({
  ...settingsShape,
  tags: z
    .preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(z.string()))
    .default([]),
  enabled: z.boolean().default(true),
});

/** What `config()` says in a test's file. @throws ProjectError with file and line */
export function readSingularConfig({ file, config }: ParsedSql): TestSettings & {
  tags: readonly string[];
  enabled: boolean;
} {
  const values = Object.fromEntries([...config].map(([key, { value }]) => [key, value]));
  const result = configuration.safeParse(values, { error: allowedMessage });
  if (result.success) {
    const { tags, enabled } = result.data;
    return { ...settingsOf(result.data, undefined), tags, enabled };
  }
  const known = Object.keys(configuration.shape);
  throw new ProjectError(
    result.error.issues.flatMap((issue) => {
      if (issue.code === 'unrecognized_keys')
        return issue.keys.map((key) => ({
          ...placeOf(key),
          message: `config of a test has no ${JSON.stringify(key)}${didYouMean(key, known)}: there are ${known.join(', ')}`,
        }));
      const key = String(issue.path[0]);
      return [{ ...placeOf(key), message: `${key} ${issue.message}, but is ${JSON.stringify(values[key])}` }];
    }),
  );

  function placeOf(key: string) {
    return { file, line: config.get(key)?.line };
  }
}
