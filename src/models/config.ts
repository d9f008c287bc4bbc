import { z } from 'zod';
import { allowedMessage } from '../config/wording.ts';
import { didYouMean } from '../text.ts';
import type { Place } from './jinja.ts';
import { type ModelProblem, ProjectError } from './problems.ts';

/** What `config()` and the `config:` of a properties file say of a model. */

const NAMES = 'must be a name, or a list of names';
const names = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(z.string({ error: NAMES }).min(1, { error: NAMES }), { error: NAMES }),
);
const key = names.refine((columns) => columns.length > 0, { error: 'must name at least one column' });
const orderBy = names.refine((columns) => !columns.some((column) => /\s(asc|desc)$/i.test(column)), {
  error: 'must name columns only: they rank highest first by themselves',
});

const common = {
  tags: names.default([]),
  enabled: z.boolean().default(true),
  description: z.string().optional(),
  /** Whatever people keep about a model; nothing here reads it. */
  meta: z.record(z.string(), z.unknown()).default({}),
};

const MATERIALIZATIONS = {
  /** Keeps the latest version of each record. */
  dedup: z.strictObject({
    ...common,
    materialized: z.literal('dedup'),
    unique_key: key,
    order_by: orderBy.default([]),
  }),
  view: z.strictObject({ ...common, materialized: z.literal('view') }),
  table: z.strictObject({ ...common, materialized: z.literal('table') }),
  /** Adds new rows to what is there. */
  incremental: z
    .strictObject({
      ...common,
      materialized: z.literal('incremental'),
      strategy: z.enum(['append', 'merge']).optional(),
      unique_key: key.optional(),
    })
    .refine(({ strategy, unique_key }) => strategy !== 'merge' || unique_key !== undefined, {
      path: ['unique_key'],
      error: 'must say which rows are the same, where the strategy is merge',
    })
    .transform((config) => ({
      ...config,
      strategy: config.strategy ?? (config.unique_key ? ('merge' as const) : ('append' as const)),
    })),
};

type MaterializationName = keyof typeof MATERIALIZATIONS;
export type ModelConfig = z.infer<(typeof MATERIALIZATIONS)[MaterializationName]>;

/** One key of a configuration as it was written. */
export interface ConfigEntry extends Place {
  value: unknown;
}

export type ConfigEntries = ReadonlyMap<string, ConfigEntry>;

/** dbt's names for what is called otherwise here. */
const ALIASES: ReadonlyMap<string, string> = new Map([['incremental_strategy', 'strategy']]);

/**
 * The configuration of one model. Without `materialized` it is a view.
 * @param sources in rising order of precedence: what the model's own file says comes last. Tags add up
 * @param model where to report what is missing
 * @throws ProjectError with each key that is not known or has a value that is not allowed
 */
export function readModelConfig(sources: readonly ConfigEntries[], model: Place): ModelConfig {
  const entries = merge(sources);
  const materialized = entries.get('materialized')?.value ?? 'view';
  if (!isMaterialization(materialized)) {
    const kinds = Object.keys(MATERIALIZATIONS).sort();
    const guess = typeof materialized === 'string' ? didYouMean(materialized, kinds) : '';
    const message = `materialized must be one of ${kinds.join(', ')}, but is ${JSON.stringify(materialized)}${guess}`;
    throw new ProjectError([{ ...place(entries.get('materialized') ?? model), message }]);
  }
  const values = Object.fromEntries([...entries].map(([name, { value }]) => [name, value]));
  const schema = MATERIALIZATIONS[materialized];
  const result = schema.safeParse({ ...values, materialized }, { error: allowedMessage });
  if (result.success) return result.data;
  const known = Object.keys('shape' in schema ? schema.shape : schema.in.shape).sort();
  const problems = result.error.issues.flatMap((issue): ModelProblem[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((name) => ({
        ...place(entries.get(name) ?? model),
        message: `config has no ${JSON.stringify(name)} where materialized is ${materialized}${didYouMean(name, known)}: there are ${known.join(', ')}`,
      }));
    const name = String(issue.path[0]);
    const entry = entries.get(name);
    const actual = entry ? `, but is ${JSON.stringify(entry.value)}` : `, but is missing from config()`;
    return [{ ...place(entry ?? model), message: `${name} ${issue.message}${actual}` }];
  });
  throw new ProjectError(problems);
}

function isMaterialization(value: unknown): value is MaterializationName {
  return typeof value === 'string' && Object.hasOwn(MATERIALIZATIONS, value);
}

function place({ file, line }: Place): Place {
  return { file, line };
}

function merge(sources: readonly ConfigEntries[]): Map<string, ConfigEntry> {
  const merged = new Map<string, ConfigEntry>();
  for (const source of sources)
    for (const [written, entry] of source) {
      const name = ALIASES.get(written) ?? written;
      const before = merged.get(name);
      const adds = name === 'tags' && before !== undefined;
      merged.set(name, adds ? { ...entry, value: [...asList(before.value), ...asList(entry.value)] } : entry);
    }
  return merged;
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}
