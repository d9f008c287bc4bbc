import { didYouMean } from '../text.ts';
import type { ConfigEntries, ModelConfig } from './config.ts';
import type { Check, DataTest, TestEntry } from './data-tests.ts';
import { resolveRef } from './graph.ts';
import { type Model, type ParsedSql, refKey } from './model.ts';
import { type ModelProblem, Problems } from './problems.ts';
import type { GivenRows, ModelProperties, UnitTestEntry } from './properties.ts';
import type { Relation, RelationCall } from './relation-call.ts';
import { followedDecisions, writtenDecisions } from './rule.ts';
import { readSingularConfig, type SingularTest, type UnreadableTest } from './singular.ts';
import type { ModelSource, PropertiesSource } from './sources.ts';

/** Rows in, rows out: a test of a model that needs no data. `model` is an id. */
export type UnitTest = UnitTestEntry<Relation>;

type Sources = ReadonlyMap<string, ModelSource>;
type ConfigReader = (sources: readonly ConfigEntries[], file: string) => ModelConfig;

/** Looks up what models name, and gives them what properties files say of them. */
export function linkModels(
  sources: Sources,
  properties: readonly PropertiesSource[],
  readConfig: ConfigReader,
  problems: Problems,
): { models: Map<string, Model>; disabled: Map<string, Model> } {
  const described = describe(properties, sources, problems);
  const configs = new Map<string, ModelConfig>();
  for (const [id, { sql, file }] of sources) {
    const written = described.get(id)?.config ?? new Map();
    const config = sql && problems.attempt(() => readConfig([written, sql.config], file), [id]);
    if (config) configs.set(id, config);
  }
  const off = new Set([...configs].filter(([, { enabled }]) => !enabled).map(([id]) => id));
  const uniqueName = uniqueNames();
  const all = [...sources].flatMap(([id, source]): [string, Model][] => {
    const { sql } = source;
    if (!sql) return [];
    const written = described.get(id);
    const config = configs.get(id);
    const linked = linkRefs(sql, sources, off.has(id) ? new Set() : off);
    const { refs, refLines, known } = linked;
    problems.add(...linked.problems.map((problem) => ({ ...problem, models: [id] })));
    const tests = linkTests(written?.tests ?? [], source, sources, uniqueName, problems);
    if (!config) return [];
    const model: Model = {
      id,
      schema: source.schema,
      name: source.name,
      file: source.file,
      template: sql.text,
      generated: source.generated,
      own: source.layer > 0,
      config,
      ...(config.materialized === 'dedup' && {
        rule: source.follows
          ? followedDecisions(source.follows)
          : writtenDecisions(source.file, [written?.config ?? new Map(), sql.config]),
      }),
      tags: config.tags,
      enabled: config.enabled,
      description: written?.description || (config.description ?? ''),
      columns: written?.columns ?? [],
      tests,
      refs,
      refLines,
      sources: sql.sources,
      render: (context) => sql.render(context, known),
    };
    return [[id, model]];
  });
  return {
    models: new Map(all.filter(([, { enabled }]) => enabled)),
    disabled: new Map(all.filter(([, { enabled }]) => !enabled)),
  };
}

/** Ids in place of the names in `ref()`. */
function linkRefs(sql: ParsedSql, sources: Sources, off: ReadonlySet<string>) {
  const ids = new Set(sources.keys());
  const problems: ModelProblem[] = [];
  const refLines = new Map<string, number>();
  const known = new Map<string, string>();
  for (const { name, file, line } of sql.refs) {
    const found = resolveRef(name, ids);
    if ('problem' in found) problems.push({ file, line, message: found.problem });
    else if (off.has(found.id)) problems.push({ file, line, message: `${found.id} is disabled` });
    else {
      known.set(refKey(name), found.id);
      if (!refLines.has(found.id)) refLines.set(found.id, line);
    }
  }
  return { refs: [...refLines.keys()], refLines, known, problems };
}

/** What is said of each model. What a later folder says of a model, or a model of its own there, takes its place whole. */
function describe(
  properties: readonly PropertiesSource[],
  sources: Sources,
  problems: Problems,
): Map<string, ModelProperties> {
  const described = new Map<string, ModelProperties & { layer: number }>();
  for (const { models, schema, layer } of properties.toSorted((a, b) => a.layer - b.layer))
    for (const entry of models) {
      const source = modelNamed(entry.name, schema, sources);
      if (typeof source === 'string') {
        problems.add({ file: entry.file, line: entry.line, message: source });
        continue;
      }
      const before = described.get(source.id);
      if (before?.layer === layer) {
        const message = `${source.id} is described twice; first in ${before.file}:${before.line}`;
        problems.add({ file: entry.file, line: entry.line, message, models: [source.id] });
      }
      if (layer >= source.layer) described.set(source.id, { ...entry, layer });
    }
  return described;
}

/** The model that a properties file means: of two with one name, that of the folder it is in. */
export function modelNamed(name: string, schema: string | undefined, sources: Sources): ModelSource | string {
  const own = sources.get(`${schema}.${name}`);
  if (own) return own;
  const dot = name.indexOf('.');
  const parts = dot < 0 ? [name] : [name.slice(0, dot), name.slice(dot + 1)];
  const found = resolveRef(parts, new Set(sources.keys()), (id) => id);
  return 'problem' in found ? found.problem : (sources.get(found.id) as ModelSource);
}

function linkTests(
  entries: readonly TestEntry[],
  source: ModelSource,
  sources: Sources,
  uniqueName: (name: string) => string,
  problems: Problems,
): DataTest[] {
  return entries.flatMap((entry): DataTest[] => {
    const { file, line, check } = entry;
    const linked = linkCheck(check, sources);
    if (typeof linked === 'string') {
      problems.add({ file, line, message: linked, models: [source.id] });
      return [];
    }
    const name = uniqueName(entry.name ?? defaultName(source, linked));
    return [{ ...entry, name, model: source.id, check: linked }];
  });
}

function linkCheck(check: Check<RelationCall>, sources: Sources): Check<Relation> | string {
  if (check.kind !== 'relationships') return check;
  const to = linkRelation(check.to, sources);
  return typeof to === 'string' ? to : { ...check, to };
}

function linkRelation(call: RelationCall, sources: Sources): Relation | string {
  if (call.kind !== 'ref') return call;
  const found = resolveRef(call.name, new Set(sources.keys()));
  return 'problem' in found ? found.problem : { kind: 'model', id: found.id };
}

function defaultName({ schema, name }: ModelSource, check: Check<Relation>): string {
  const columns = check.kind === 'unique' ? check.columns : check.column === undefined ? [] : [check.column];
  return [check.kind, schema, name, ...columns].join('_');
}

/** Gives each name once: the second `x` is `x_2`. */
function uniqueNames(): (name: string) => string {
  const given = new Set<string>();
  return (wanted) => {
    let name = wanted;
    for (let count = 2; given.has(name); count++) name = `${wanted}_${count}`;
    given.add(name);
    return name;
  };
}

export function linkSingularTests(
  tests: readonly { name: string; sql: ParsedSql }[],
  sources: Sources,
  disabled: ReadonlyMap<string, Model>,
  problems: Problems,
): { tests: SingularTest[]; unreadable: UnreadableTest[] } {
  const unreadable: UnreadableTest[] = [];
  const linked = tests.flatMap(({ name, sql }): SingularTest[] => {
    const own = new Problems();
    const config = own.attempt(() => readSingularConfig(sql));
    if (config?.enabled === false) return [];
    const { refs, refLines, known, problems: wrong } = linkRefs(sql, sources, new Set(disabled.keys()));
    own.add(...wrong);
    problems.add(...own.found);
    if (!config || own.found.length > 0) {
      unreadable.push({ name, file: sql.file, problems: own.found, refs });
      return [];
    }
    const render: SingularTest['render'] = (context) => sql.render(context, known);
    return [{ ...config, name, file: sql.file, refs, refLines, sources: sql.sources, render }];
  });
  return { tests: linked, unreadable };
}

export function linkUnitTests(
  properties: readonly PropertiesSource[],
  sources: Sources,
  models: ReadonlyMap<string, Model>,
  problems: Problems,
): UnitTest[] {
  return properties.flatMap(({ unitTests, schema, layer }) =>
    unitTests.flatMap((entry): UnitTest[] => {
      const source = modelNamed(entry.model, schema, sources);
      if (typeof source === 'string') {
        problems.add({ file: entry.file, line: entry.line, message: source });
        return [];
      }
      const model = models.get(source.id);
      // A model that a later folder replaced, that is disabled or could not be read is not this test's.
      if (!model || layer < source.layer) return [];
      const given = entry.given.flatMap((rows) => linkGiven(rows, model, sources, problems));
      return [{ ...entry, model: model.id, given }];
    }),
  );
}

function linkGiven(
  given: GivenRows<RelationCall>,
  model: Model,
  sources: Sources,
  problems: Problems,
): GivenRows<Relation>[] {
  const { file, line } = given;
  const input = linkRelation(given.input, sources);
  const message = typeof input === 'string' ? input : notRead(input, model);
  if (message === undefined) return [{ ...given, input: input as Relation }];
  problems.add({ file, line, message, models: [model.id] });
  return [];
}

/** Why a unit test cannot give rows for `input`: the model does not read it. */
function notRead(input: Relation, model: Model): string | undefined {
  if (input.kind === 'this') return undefined;
  if (input.kind === 'model')
    return model.refs.includes(input.id)
      ? undefined
      : `${model.id} does not read ${input.id}${didYouMean(input.id, model.refs)}`;
  const wanted = refKey([input.group, input.feed]);
  const feeds = model.sources.map(({ group, feed }) => refKey([group, feed]));
  return feeds.includes(wanted)
    ? undefined
    : `${model.id} does not read the feed ${wanted}${didYouMean(wanted, feeds)}`;
}
