import { type ConfigEntries, readModelConfig } from './config.ts';
import { globalsOf, type Settings } from './context.ts';
import type { ProjectFile } from './files.ts';
import { type FeedRule, generatedModel } from './generated.ts';
import { buildGraph, type Graph } from './graph.ts';
import { parseTemplate, RESERVED_NAMES, type Template } from './jinja.ts';
import { linkModels, linkSingularTests, linkUnitTests, type UnitTest } from './link.ts';
import { type Model, type ParsedSql, parseSql, type Self } from './model.ts';
import { Problems } from './problems.ts';
import { type PropertiesFile, parseProperties } from './properties.ts';
import type { SingularTest } from './singular.ts';

/** All models, tests and descriptions, with everything that names another looked up. */
export interface Project {
  /** By id, in the order of their ids. */
  models: ReadonlyMap<string, Model>;
  /** Models that their configuration turns off: they are neither built nor tested, and nothing reads them. */
  disabled: ReadonlyMap<string, Model>;
  /** The queries under `tests/` that should give no rows. */
  tests: readonly SingularTest[];
  unitTests: readonly UnitTest[];
  graph: Graph;
}

/** A model's file once it was parsed; `sql` is undefined where it could not be, which was reported. */
export interface ModelSource extends Self {
  layer: number;
  file: string;
  generated: boolean;
  sql: ParsedSql | undefined;
}

/** A properties file once it was parsed. */
export interface PropertiesSource extends PropertiesFile {
  layer: number;
  /** The schema whose folder it is in; undefined where it is in none. */
  schema: string | undefined;
}

/**
 * Makes a project of its files. Pure.
 * @throws ProjectError with everything that is wrong
 */
export function assembleProject(
  files: readonly ProjectFile[],
  feeds: readonly FeedRule[],
  settings: Settings,
): Project {
  const problems = new Problems();
  const macros = readMacros(files, settings, problems);
  // Whatever calls a macro that could not be read would only repeat that.
  problems.throwIfAny();

  const sources = readModels(files, feeds, settings, macros, problems);
  const properties = files
    .filter(({ kind }) => kind === 'properties')
    .flatMap(({ file, path, layer, text }): PropertiesSource[] => {
      const parsed = problems.attempt(() => parseProperties(file, text));
      const schema = path.includes('/') ? path.slice(0, path.indexOf('/')) : undefined;
      return parsed ? [{ ...parsed, layer, schema }] : [];
    });
  const tests = lastOfEach(
    files.filter(({ kind }) => kind === 'test'),
    ({ path }) => path.slice(path.lastIndexOf('/') + 1, -'.sql'.length),
    (name) => `two tests are called ${name}`,
    problems,
  ).flatMap(([name, { file, text }]) => {
    const sql = problems.attempt(() => parseSql(file, text, undefined, settings, macros));
    return sql ? [{ name, sql }] : [];
  });

  const { models, disabled } = linkModels(sources, properties, configOf, problems);
  const singular = linkSingularTests(tests, sources, disabled, problems);
  const unitTests = linkUnitTests(properties, sources, models, problems);
  const graph = problems.attempt(() => buildGraph(models.values()));
  problems.throwIfAny();
  return { models, disabled, tests: singular, unitTests, graph: graph as Graph };
}

function configOf(sources: readonly ConfigEntries[], file: string) {
  return readModelConfig(sources, { file, line: 1 });
}

/** Files of macros, the user's last. */
function readMacros(files: readonly ProjectFile[], settings: Settings, problems: Problems): Template[] {
  const layers = files.filter(({ kind }) => kind === 'macros').sort((a, b) => a.layer - b.layer);
  const templates = layers.flatMap(({ file, layer, text }) => {
    const template = problems.attempt(() => parseTemplate(file, text, 'macros'));
    return template ? [{ template, layer }] : [];
  });
  const reserved = [...RESERVED_NAMES, ...Object.keys(globalsOf(settings, NO_HOOKS)), 'this'];
  const first = new Map<string, string>();
  for (const { template, layer } of templates)
    for (const { name, line } of template.macros) {
      const place = { file: template.file, line };
      const before = first.get(`${layer} ${name}`);
      if (reserved.includes(name)) problems.add({ ...place, message: `no macro can be called ${name}` });
      else if (before)
        problems.add({ ...place, message: `two macros are called ${name}; first in ${before}` });
      else first.set(`${layer} ${name}`, `${template.file}:${line}`);
    }
  return templates.map(({ template }) => template);
}

const NO_HOOKS = {
  config: () => undefined,
  source: () => '',
  ref: () => '',
  isIncremental: () => false,
  log: () => undefined,
};

/** What a schema may be called, so that every client can write it without quotes. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const OTHERS_SCHEMAS = /^(ops|main|temp|system|information_schema|pg_catalog|test_failures|staging_.*)$/i;

function readModels(
  files: readonly ProjectFile[],
  feeds: readonly FeedRule[],
  settings: Settings,
  macros: readonly Template[],
  problems: Problems,
): Map<string, ModelSource> {
  const placed = files
    .filter(({ kind }) => kind === 'model')
    .flatMap((file) => {
      const self = selfOf(file.path);
      if (typeof self !== 'string') return [{ ...file, ...self }];
      problems.add({ file: file.file, message: self });
      return [];
    });
  // DuckDB takes Agents and agents for one table.
  const chosen = new Map(
    lastOfEach(
      placed,
      ({ id }) => id.toLowerCase(),
      (id) => `two files make ${id}`,
      problems,
    ),
  );
  const generated = feeds
    .filter(({ group, feed, key }) => key.length > 0 && !chosen.has(`${group}.${feed}`.toLowerCase()))
    .map((feed) => ({ ...generatedModel(feed), ...idOf(feed.group, feed.feed) }));
  const all = [
    ...[...chosen.values()].map((file) => ({ ...file, generated: false })),
    ...generated.map((file) => ({ ...file, generated: true })),
  ].sort((a, b) => (a.id < b.id ? -1 : 1));
  return new Map(
    all.map(({ file, text, id, schema, name, layer, generated }) => {
      const self = { id, schema, name };
      const sql = problems.attempt(() => parseSql(file, text, self, settings, macros));
      return [id, { ...self, layer, file, generated, sql }];
    }),
  );
}

/** The model that a path is for, or why it is none. */
function selfOf(path: string): Self | string {
  const folders = path.split('/');
  const name = (folders.at(-1) as string).slice(0, -'.sql'.length);
  const [schema] = folders;
  if (folders.length === 1 || schema === undefined)
    return 'a model belongs in the folder of its schema, e.g. models/marts/NAME.sql';
  if (OTHERS_SCHEMAS.test(schema))
    return `the schema ${schema} is not for models: name the folder something else`;
  for (const part of [schema, name])
    if (!NAME.test(part))
      return `${JSON.stringify(part)} cannot be a name: only letters, digits and _ can, and no digit first`;
  return idOf(schema, name);
}

function idOf(schema: string, name: string): Self {
  return { id: `${schema}.${name}`, schema, name };
}

/** Of files with one name, that of the last layer; two in one layer are a problem. */
function lastOfEach<File extends { file: string; layer: number }>(
  files: readonly File[],
  nameOf: (file: File) => string,
  twice: (name: string) => string,
  problems: Problems,
): [string, File][] {
  const chosen = new Map<string, File>();
  for (const file of files.toSorted((a, b) => a.layer - b.layer)) {
    const name = nameOf(file);
    const before = chosen.get(name);
    if (before?.layer === file.layer)
      problems.add({ file: file.file, message: `${twice(name)}: this one and ${before.file}` });
    chosen.set(name, file);
  }
  return [...chosen];
}
