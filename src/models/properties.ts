import { z } from 'zod';
import { type Path, pathText } from '../config/problems.ts';
import { allowedMessage } from '../config/wording.ts';
import { bigintText } from '../text.ts';
import type { ConfigEntries, ConfigEntry } from './config.ts';
import type { TestEntry } from './data-tests.ts';
import type { Place } from './jinja.ts';
import type { ModelProblem } from './problems.ts';
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
  /** Entries that can be understood. */
  models: readonly ModelProperties[];
  unitTests: readonly UnitTestEntry[];
  /** What is wrong with the others. */
  problems: readonly EntryProblem[];
}

/** Something wrong in a properties file. */
interface EntryProblem extends ModelProblem {
  /**
   * The model that the entry names, as written. `null` for an entry that names none, undefined where it is not about one
   * entry: then nobody knows what else the file was to say.
   */
  about: string | null | undefined;
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
  models: z.array(unread).nullish(),
  unit_tests: z.array(unread).nullish(),
  sources: unread,
  macros: unread,
  exposures: unread,
});

/**
 * Reads a properties file, which has dbt's format: each entry by itself, so that one slip costs one model. Pure.
 * @throws ProjectError where it is no YAML
 */
export function parseProperties(file: string, source: string): PropertiesFile {
  const yaml = readYaml(file, source);
  const problems: EntryProblem[] = [];
  const place = (path: YamlPath): Place => ({ file, line: yaml.lineOf(path) });
  /** What is wrong at `path`, as the definition puts it, and what is there instead. */
  const report = (path: YamlPath, issue: z.core.$ZodIssue | undefined, message: string) => {
    const about = aboutOf(yaml.value, path);
    if (issue?.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        problems.push({ ...place([...path, key]), about, message: `${keyText([...path, key])}: ${message}` });
      return;
    }
    const actual = issue && issue.code !== 'custom' ? `, but is ${shown(valueAt(yaml.value, path))}` : '';
    problems.push({ ...place(path), about, message: `${keyText(path)}: ${message}${actual}` });
  };
  /** The value as the definition has it; undefined where something is wrong with it, which is reported. */
  const read = <T>(definition: z.ZodType<T>, at: YamlPath): T | undefined => {
    const result = definition.safeParse(valueAt(yaml.value, at) ?? {}, { error: wording });
    if (result.success) return result.data;
    for (const issue of result.error.issues) report([...at, ...issue.path], issue, issue.message);
    return undefined;
  };
  const entries = <T>(key: string, definition: z.ZodType<T>): [YamlPath, T][] => {
    const list = valueAt(yaml.value, [key]);
    const paths = Array.isArray(list) ? list.map((_, index) => [key, index]) : [];
    return paths.flatMap((at): [YamlPath, T][] => {
      const entry = read(definition, at);
      return entry === undefined ? [] : [[at, entry]];
    });
  };
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
  read(propertiesFile, []);
  const models = entries('models', model).map(([at, entry]): ModelProperties => {
    const columns = entry.columns ?? [];
    const twice = describedTwice(columns, (which) => place([...at, 'columns', which]));
    problems.push(...twice.map((problem) => ({ ...problem, about: entry.name })));
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
  const unitTests = entries('unit_tests', unitTest).map(([at, entry]) => ({
    name: entry.name,
    model: entry.model,
    description: entry.description,
    ...place(at),
    given: entry.given.map((given, which) => ({
      input: given.input,
      rows: given.rows,
      ...place([...at, 'given', which]),
    })),
    expect: entry.expect.rows,
    isIncremental: entry.overrides?.macros?.is_incremental ?? false,
  }));
  return { models, unitTests, problems };
}

/** The model that the entry around a place in the file names. */
function aboutOf(file: unknown, [list, index]: YamlPath): EntryProblem['about'] {
  if (index === undefined || (list !== 'models' && list !== 'unit_tests')) return undefined;
  const named = valueAt(file, [list, index, list === 'models' ? 'name' : 'model']);
  return typeof named === 'string' && named !== '' ? named : null;
}

/** What is allowed, in words. */
function wording(issue: z.core.$ZodRawIssue): string {
  if (issue.code !== 'unrecognized_keys') return allowedMessage(issue);
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
  return JSON.stringify(value, bigintText);
}

function configEntries(config: Record<string, unknown>, placeOf: (key: string) => Place): ConfigEntries {
  return new Map(
    Object.entries(config).map(([key, value]): [string, ConfigEntry] => [key, { value, ...placeOf(key) }]),
  );
}

function describedTwice(
  columns: readonly { name: string }[],
  placeOf: (index: number) => Place,
): ModelProblem[] {
  return columns.flatMap(({ name }, index) => {
    const first = columns.findIndex((other) => other.name === name);
    const message = `column ${JSON.stringify(name)} is described twice; first on line ${placeOf(first).line}`;
    return first < index ? [{ ...placeOf(index), message }] : [];
  });
}
