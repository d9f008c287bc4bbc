import { z } from 'zod';
import { type Path, pathText } from '../config/problems.ts';
import { allowed } from '../config/wording.ts';
import type { ConfigEntries, ConfigEntry } from './config.ts';
import type { TestEntry } from './data-tests.ts';
import type { Place } from './jinja.ts';
import { Problems } from './problems.ts';
import { type RelationCall, readRelationCall } from './relation-call.ts';
import { readTest } from './test-entry.ts';
import { readYaml, type YamlPath } from './yaml.ts';

/** A column as a properties file describes it. Whether the model has it shows when the model is built. */
export interface ColumnProperties extends Place {
  name: string;
  description: string;
}

/** What a properties file says of one model. */
export interface ModelProperties extends Place {
  /** As written: the model's name, or its schema and name with a dot between. */
  name: string;
  description: string;
  config: ConfigEntries;
  columns: readonly ColumnProperties[];
  /** The model's own and those of its columns, in their order. */
  tests: readonly TestEntry[];
}

/** Rows to read in place of a table. */
export interface GivenRows<Input> extends Place {
  input: Input;
  rows: readonly Readonly<Record<string, unknown>>[];
}

/** Rows in, rows out: a test of a model that needs no data. */
export interface UnitTestEntry<Input = RelationCall> extends Place {
  name: string;
  /** As written in a file; the model's id once it is known. */
  model: string;
  description: string;
  given: readonly GivenRows<Input>[];
  /** The rows that the model has to give. Columns that they leave out are not compared. */
  expect: readonly Readonly<Record<string, unknown>>[];
  /** What `is_incremental()` answers. */
  isIncremental: boolean;
}

export interface PropertiesFile {
  models: readonly ModelProperties[];
  unitTests: readonly UnitTestEntry[];
}

const text = z.string().min(1, { error: 'must be text that is not empty' });
const description = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const tests = z.array(z.unknown()).nullish();
const rows = z.array(z.record(z.string(), z.unknown())).default([]);
/** Parts of dbt's format that say nothing about tables here. */
const unread = z.unknown().optional();

const column = z.strictObject({
  name: text,
  description,
  data_type: z.string().optional(),
  tests,
  data_tests: tests,
  meta: unread,
  tags: unread,
  quote: unread,
});

const model = z.strictObject({
  name: text,
  description,
  config: z.record(z.string(), z.unknown()).default({}),
  columns: z.array(column).nullish(),
  tests,
  data_tests: tests,
  meta: unread,
  docs: unread,
});

const input = z.string().transform((written, context): RelationCall => {
  const call = readRelationCall(written);
  if (call) return call;
  context.addIssue({ code: 'custom', message: "must be ref('model'), source('group', 'feed') or this" });
  return z.NEVER;
});
const format = z.literal('dict').optional();

const unitTest = z.strictObject({
  name: text,
  model: text,
  description,
  given: z.array(z.strictObject({ input, rows, format })).default([]),
  expect: z.strictObject({ rows, format }),
  overrides: z
    .strictObject({ macros: z.strictObject({ is_incremental: z.boolean() }).optional() })
    .optional(),
});

const propertiesFile = z.strictObject({
  version: z.literal(2).optional(),
  models: z.array(model).nullish(),
  unit_tests: z.array(unitTest).nullish(),
  sources: unread,
  macros: unread,
  exposures: unread,
});

/**
 * Reads a properties file, which has dbt's format. Pure.
 * @throws ProjectError with everything that is wrong with it, each with its line
 */
export function parseProperties(file: string, source: string): PropertiesFile {
  const yaml = readYaml(file, source);
  const problems = new Problems();
  const place = (path: YamlPath): Place => ({ file, line: yaml.lineOf(path) });
  /** What is wrong at `path`, as the definition puts it, and what is there instead. */
  const report = (path: YamlPath, issue: z.core.$ZodIssue | undefined, message: string) => {
    if (issue?.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        problems.add({ ...place([...path, key]), message: `${keyText([...path, key])}: ${message}` });
      return;
    }
    const actual = issue && issue.code !== 'custom' ? `, but is ${shown(valueAt(yaml.value, path))}` : '';
    problems.add({ ...place(path), message: `${keyText(path)}: ${message}${actual}` });
  };
  const result = propertiesFile.safeParse(yaml.value ?? {}, { error: wording });
  if (!result.success) for (const issue of result.error.issues) report(issue.path, issue, issue.message);
  problems.throwIfAny();

  const data = result.data as z.infer<typeof propertiesFile>;
  const readTests = (at: YamlPath, owner: z.infer<typeof column> | z.infer<typeof model>, on?: string) =>
    (['tests', 'data_tests'] as const).flatMap((key) =>
      (owner[key] ?? []).flatMap((written, index): TestEntry[] => {
        const path = [...at, key, index];
        const test = readTest(written, on, place(path), wording);
        if (!Array.isArray(test)) return [test];
        for (const found of test) report([...path, ...found.path], found.issue, found.message);
        return [];
      }),
    );
  const models = (data.models ?? []).map((entry, index): ModelProperties => {
    const at = ['models', index];
    const columns = entry.columns ?? [];
    reportTwice(columns, (which) => place([...at, 'columns', which]), problems);
    return {
      name: entry.name,
      description: entry.description,
      ...place(at),
      config: configEntries(entry.config, (key) => place([...at, 'config', key])),
      columns: columns.map(({ name, description }, which) => ({
        name,
        description,
        ...place([...at, 'columns', which]),
      })),
      tests: [
        ...readTests(at, entry),
        ...columns.flatMap((each, which) => readTests([...at, 'columns', which], each, each.name)),
      ],
    };
  });
  problems.throwIfAny();
  return {
    models,
    unitTests: (data.unit_tests ?? []).map((entry, index) => ({
      name: entry.name,
      model: entry.model,
      description: entry.description,
      ...place(['unit_tests', index]),
      given: entry.given.map((given, which) => ({
        input: given.input,
        rows: given.rows,
        ...place(['unit_tests', index, 'given', which]),
      })),
      expect: entry.expect.rows,
      isIncremental: entry.overrides?.macros?.is_incremental ?? false,
    })),
  };
}

/** What is allowed, in words. */
function wording(issue: z.core.$ZodRawIssue): string {
  if (issue.code !== 'unrecognized_keys') return allowed(issue);
  const definition = (issue.inst as z.core.$ZodObject | undefined)?._zod.def;
  return `there is no such key; there are ${Object.keys(definition?.shape ?? {}).join(', ')}`;
}

function keyText(path: YamlPath): string {
  return pathText(path as Path) || 'the file';
}

function valueAt(value: unknown, path: YamlPath): unknown {
  return path.reduce((held, part) => (held as Record<PropertyKey, unknown> | undefined)?.[part], value);
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  return JSON.stringify(value, (_, held) => (typeof held === 'bigint' ? String(held) : held));
}

function configEntries(config: Record<string, unknown>, placeOf: (key: string) => Place): ConfigEntries {
  return new Map(
    Object.entries(config).map(([key, value]): [string, ConfigEntry] => [key, { value, ...placeOf(key) }]),
  );
}

function reportTwice(
  columns: readonly { name: string }[],
  placeOf: (index: number) => Place,
  problems: Problems,
): void {
  for (const [index, { name }] of columns.entries()) {
    const first = columns.findIndex((other) => other.name === name);
    if (first < index)
      problems.add({
        ...placeOf(index),
        message: `column ${JSON.stringify(name)} is described twice; first on line ${placeOf(first).line}`,
      });
  }
}
