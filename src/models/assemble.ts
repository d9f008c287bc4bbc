import { type ConfigEntries, readModelConfig } from './config.ts';
import { globalsOf, type Settings } from './context.ts';
import type { ProjectFile } from './files.ts';
import { generatedModel, parseGenerated } from './generated.ts';
import { buildGraph, findCycles, type Graph, type GraphNode, resolveRef } from './graph.ts';
import { parseTemplate, RESERVED_NAMES, type Template } from './jinja.ts';
import { linkModels, linkSingularTests, linkUnitTests, modelNamed, type UnitTest } from './link.ts';
import { type Model, type ParsedSql, parseSql, type Self } from './model.ts';
import { inOrder, type ModelProblem, Problems } from './problems.ts';
import { parseProperties } from './properties.ts';
import type { FeedRule } from './rule.ts';
import type { Selectable } from './selection.ts';
import type { SingularTest, UnreadableTest } from './singular.ts';
import type { ModelSource, PropertiesSource } from './sources.ts';

/** All models, tests and descriptions, with everything that names another looked up. */
export interface Project {
  /** By id, in the order of their ids. */
  models: ReadonlyMap<string, Model>;
  /** Models that something is wrong with: they are not built, and their tables stay as they are. */
  broken: ReadonlyMap<string, BrokenModel>;
  /** Models that their configuration turns off: they are neither built nor tested, and nothing reads them. */
  disabled: ReadonlyMap<string, Model>;
  /** The queries under `tests/` that should give no rows. */
  tests: readonly SingularTest[];
  /** Those of them that cannot be read: they cannot pass. */
  unreadableTests: readonly UnreadableTest[];
  unitTests: readonly UnitTest[];
  /** Broken models are in it: what reads them waits for them. */
  graph: Graph;
  /** Everything that is wrong, in the order of files and lines. */
  problems: readonly ModelProblem[];
}

/** A model that cannot be built, as far as it can be understood. */
interface BrokenModel extends Selectable, GraphNode {
  own: boolean;
  /** At least one. */
  problems: readonly ModelProblem[];
}

/** The user's own file of a model, also of one that is broken or disabled; undefined where it is none of theirs. */
export function ownFile({ models, broken, disabled }: Project, id: string): string | undefined {
  const model = models.get(id) ?? broken.get(id) ?? disabled.get(id);
  return model?.own ? model.file : undefined;
}

/**
 * Makes a project of its files. What is wrong with a file is the affair of the models that it is about: the others are
 * there all the same. Pure.
 */
export function assembleProject(
  files: readonly ProjectFile[],
  feeds: readonly FeedRule[],
  settings: Settings,
): Project {
  const problems = new Problems();
  const macros = readMacros(files, settings, problems);
  const sources = readModels(files, feeds, settings, macros, problems);
  const properties = files
    .filter(({ kind }) => kind === 'properties')
    .flatMap((file) => readProperties(file, sources, problems));
  const { tests, unreadable } = readTests(files, settings, macros, sources, problems);

  const { models, disabled } = linkModels(sources, properties, configOf, problems);
  const linked = linkSingularTests(tests, sources, disabled, problems);
  const unitTests = linkUnitTests(properties, sources, models, problems);
  const { broken, graph } = setApart(models, sources, problems);
  const sound = new Map([...models].filter(([id]) => !broken.has(id)));
  return {
    models: sound,
    broken,
    disabled,
    graph,
    problems: inOrder(problems.found),
    tests: linked.tests,
    unreadableTests: [...unreadable, ...linked.unreadable],
    unitTests: unitTests.filter(({ model }) => sound.has(model)),
  };
}

/** Parts the models that something is wrong with from the others. */
function setApart(
  models: ReadonlyMap<string, Model>,
  sources: ReadonlyMap<string, ModelSource>,
  problems: Problems,
): { broken: Map<string, BrokenModel>; graph: Graph } {
  const nodes = new Map<string, GraphNode>([...models].map(([id, model]) => [id, model]));
  for (;;) {
    const circles = findCycles(nodes.values());
    if (circles.length === 0) break;
    problems.add(...circles);
    // Of a circle nothing can be built: what reads it comes after it, and what it reads does not matter.
    for (const id of circles.flatMap(({ models: ids = [] }) => ids))
      nodes.set(id, { ...(nodes.get(id) as GraphNode), refs: [] });
  }
  const found = inOrder(problems.found);
  const broken = new Map<string, BrokenModel>();
  for (const [id, { schema, name, file, layer }] of sources) {
    const own = found.filter((problem) => problem.models?.includes(id));
    if (own.length === 0) continue;
    const node = nodes.get(id) ?? { refs: [], refLines: new Map() };
    const { tags, sources: read } = models.get(id) ?? { tags: [], sources: [] };
    const { refs, refLines } = node;
    broken.set(id, {
      id,
      schema,
      name,
      file,
      own: layer > 0,
      tags,
      config: {},
      sources: read,
      refs,
      refLines,
      problems: own,
    });
  }
  return { broken, graph: buildGraph([...new Map([...nodes, ...broken]).values()]) };
}

/**
 * What a properties file says. Of one that cannot be understood as a whole nobody knows what it was to say of the models
 * that it names: whether they are enabled, what their key is, how they are tested. So those wait until it can be.
 */
function readProperties(
  { file, path, layer, text, parsed: known }: ProjectFile,
  sources: ReadonlyMap<string, ModelSource>,
  problems: Problems,
): PropertiesSource[] {
  const schema = path.includes('/') ? path.slice(0, path.indexOf('/')) : undefined;
  const named = [...sources.values()]
    .filter((source) => layer >= source.layer && isNamedIn(text, source))
    .map(({ id }) => id);
  const parsed = known ?? problems.attempt(() => parseProperties(file, text), named);
  if (!parsed) return [];
  for (const { about, ...problem } of parsed.problems) {
    const model = typeof about === 'string' ? modelNamed(about, schema, sources) : undefined;
    const models = about === undefined ? named : typeof model === 'object' ? [model.id] : [];
    problems.add({ ...problem, models });
  }
  return [{ ...parsed, layer, schema }];
}

/** Whether a text has `name: NAME`, or `model: NAME`, somewhere. */
function isNamedIn(text: string, { schema, name }: Self): boolean {
  return new RegExp(`\\b(name|model)['"]?\\s*:\\s*['"]?(${schema}\\.)?${name}(?![\\w.])`, 'i').test(text);
}

/** The queries under `tests/`; those that cannot be read with the models that they name. */
function readTests(
  files: readonly ProjectFile[],
  settings: Settings,
  macros: readonly Template[],
  sources: ReadonlyMap<string, ModelSource>,
  problems: Problems,
): { tests: { name: string; sql: ParsedSql }[]; unreadable: UnreadableTest[] } {
  const unreadable: UnreadableTest[] = [];
  const found = lastOfEach(
    files.filter(({ kind }) => kind === 'test'),
    ({ path }) => path.slice(path.lastIndexOf('/') + 1, -'.sql'.length),
    (name) => `two tests are called ${name}`,
    () => [],
    problems,
  );
  const tests = found.flatMap(([name, { file, text }]) => {
    const own = new Problems();
    const sql = own.attempt(() => parseSql(file, text, undefined, settings, macros));
    problems.add(...own.found);
    if (sql) return [{ name, sql }];
    unreadable.push({ name, file, problems: own.found, refs: refsIn(text, sources) });
    return [];
  });
  return { tests, unreadable };
}

/** The models that a text names in a `ref()`, as far as they can be told without understanding the rest of it. */
function refsIn(text: string, sources: ReadonlyMap<string, ModelSource>): string[] {
  const ids = new Set(sources.keys());
  const calls = text.matchAll(/\bref\(\s*['"]([^'"]+)['"]\s*(?:,\s*['"]([^'"]+)['"]\s*)?\)/g);
  const found = [...calls].flatMap(([, first, second]) => {
    const named = resolveRef(second === undefined ? [first as string] : [first as string, second], ids);
    return 'id' in named ? [named.id] : [];
  });
  return [...new Set(found)];
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
  const first = new Map<string, { file: string; line: number }>();
  const wrong = new Set<string>();
  for (const { template, layer } of templates)
    for (const { name, line } of template.macros) {
      const place = { file: template.file, line };
      const before = first.get(`${layer} ${name}`);
      if (reserved.includes(name)) problems.add({ ...place, message: `no macro can be called ${name}` });
      else if (before)
        problems.add({
          ...place,
          message: `two macros are called ${name}; first in ${before.file}:${before.line}`,
        });
      else first.set(`${layer} ${name}`, place);
      if (reserved.includes(name) || before) for (const file of [place, before]) wrong.add(file?.file ?? '');
    }
  // Which of two macros is meant nobody knows: whatever calls one out of these files fails.
  return templates.map(({ template }) => template).filter(({ file }) => !wrong.has(file));
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

type PlacedFile = ProjectFile & Self;

function readModels(
  files: readonly ProjectFile[],
  feeds: readonly FeedRule[],
  settings: Settings,
  macros: readonly Template[],
  problems: Problems,
): Map<string, ModelSource> {
  const written = files
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
      written,
      ({ id }) => id.toLowerCase(),
      (id) => `two files make ${id}`,
      ({ id }) => [id],
      problems,
    ),
  );
  const rules = new Map(
    feeds.filter(({ key }) => key.length > 0).map((rule) => [idOf(rule.group, rule.feed).id, rule]),
  );
  const unwritten = [...rules]
    .filter(([id]) => !chosen.has(id.toLowerCase()))
    .map(([, rule]) => placed(rule));
  const read = (given: PlacedFile, generated: boolean): ModelSource => {
    const { file, text, layer, id, schema, name } = given;
    const rule = layer === 0 ? rules.get(id) : undefined;
    const sql =
      (rule && parseGenerated(file, text, rule)) ??
      problems.attempt(() => parseSql(file, text, { id, schema, name }, settings, macros), [id]);
    // A model of the user's own says what it says. One that comes with the program follows the schema: what is published
    // now takes the place of a file that says something else, so that whoever reads the model reads what runs.
    const isDedup = sql?.config.get('materialized')?.value === 'dedup';
    const follows = isDedup ? rule : undefined;
    if (follows && !text.endsWith(generatedModel(follows).text)) return read(placed(follows), true);
    return { id, schema, name, layer, file, generated, follows, sql };
  };
  const all = [
    ...[...chosen.values()].map((file) => read(file, false)),
    ...unwritten.map((file) => read(file, true)),
  ].sort((a, b) => (a.id < b.id ? -1 : 1));
  return new Map(all.map((source) => [source.id, source]));
}

/** The model that follows from what the schema says of a feed. */
function placed(rule: FeedRule): PlacedFile {
  return { ...generatedModel(rule), ...idOf(rule.group, rule.feed) };
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
  modelsOf: (file: File) => readonly string[],
  problems: Problems,
): [string, File][] {
  const chosen = new Map<string, File>();
  for (const file of files.toSorted((a, b) => a.layer - b.layer)) {
    const name = nameOf(file);
    const before = chosen.get(name);
    if (before?.layer === file.layer)
      problems.add({
        file: file.file,
        message: `${twice(name)}: this one and ${before.file}`,
        models: modelsOf(file),
      });
    chosen.set(name, file);
  }
  return [...chosen];
}
