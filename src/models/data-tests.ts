import { z } from 'zod';
import type { Relation, RelationCall } from './relation-call.ts';

/** A test on the number of rows that should not be there. */
export interface Threshold {
  operator: '=' | '!=' | '>' | '>=' | '<' | '<=';
  count: number;
}

/** How a test is run, and what its outcome means. dbt's settings, and its defaults. */
export interface TestSettings {
  severity: 'error' | 'warn';
  errorIf: Threshold;
  warnIf: Threshold;
  /** Keep the failing rows in a table. */
  storeFailures: boolean;
  /** SQL: only rows for which it holds are tested. */
  where: string | undefined;
  description: string;
}

export type Verdict = 'pass' | 'warn' | 'fail';

/** What `failures` failing rows mean. A test of severity `warn` never fails. */
export function verdict({ severity, errorIf, warnIf }: TestSettings, failures: number): Verdict {
  if (severity === 'error' && holds(errorIf, failures)) return 'fail';
  return holds(warnIf, failures) ? 'warn' : 'pass';
}

function holds({ operator, count }: Threshold, failures: number): boolean {
  switch (operator) {
    case '=':
      return failures === count;
    case '!=':
      return failures !== count;
    case '>':
      return failures > count;
    case '>=':
      return failures >= count;
    case '<':
      return failures < count;
    case '<=':
      return failures <= count;
  }
}

/** What a test asserts of each row, or each value of a column. */
export type Check<Target> =
  | { kind: 'unique'; columns: readonly string[] }
  | { kind: 'not_null'; column: string }
  /** `quote`: compare as text; otherwise the values are written into the SQL as they are. */
  | {
      kind: 'accepted_values';
      column: string;
      values: readonly (string | number | bigint | boolean)[];
      quote: boolean;
    }
  /** Each value is one of `field` in `to`. NULLs are left alone. */
  | { kind: 'relationships'; column: string; to: Target; field: string }
  /** SQL that holds for each row. On a column, as in dbt, the column's name is written before it. */
  | { kind: 'expression'; column: string | undefined; expression: string };

/** A test in a properties file, before names are looked up. */
export type TestEntry = TestSettings & {
  /** As given; undefined where it is to be made up. */
  name: string | undefined;
  file: string;
  line: number;
  check: Check<RelationCall>;
};

/** A test of a model. */
export type DataTest = TestSettings & {
  /** No other test of the project has it: `unique_marts_agents_agent_id` where it was not given one. */
  name: string;
  /** The id of the model. */
  model: string;
  file: string;
  line: number;
  check: Check<Relation>;
};

const COMPARISON = /^\s*(=|==|!=|<>|>=?|<=?)\s*(\d+)\s*$/;

const threshold = z
  .string()
  .regex(COMPARISON, { error: 'must compare with a number, as in ">10"' })
  .transform((text): Threshold => {
    const [, written, count] = COMPARISON.exec(text) as RegExpExecArray;
    const operator = written === '==' ? '=' : written === '<>' ? '!=' : written;
    return { operator: operator as Threshold['operator'], count: Number(count) };
  });

const ANY: Threshold = { operator: '!=', count: 0 };

/** The settings as they are written, in a file or in `config()`. */
export const settingsShape = {
  description: z.string().default(''),
  severity: z
    .preprocess(
      (value) => (typeof value === 'string' ? value.toLowerCase() : value),
      z.enum(['error', 'warn']),
    )
    .default('error'),
  error_if: threshold.default(ANY),
  warn_if: threshold.default(ANY),
  store_failures: z.boolean().default(false),
};

/** @param where of a generic test */
export function settingsOf(
  written: z.infer<z.ZodObject<typeof settingsShape>>,
  where: string | undefined,
): TestSettings {
  return {
    severity: written.severity,
    errorIf: written.error_if,
    warnIf: written.warn_if,
    storeFailures: written.store_failures,
    where,
    description: written.description,
  };
}
