import type { Project } from '../assemble.ts';
import type { DataTest } from '../data-tests.ts';
import { buildGraph } from '../graph.ts';
import type { UnitTest } from '../link.ts';
import type { Model, SourceRef } from '../model.ts';
import { type Selectable, type SelectionContext, selectModels } from '../selection.ts';
import type { SingularTest, UnreadableTest } from '../singular.ts';
import { columnsOf } from './failing-rows.ts';

/** What every dedup model is tested for, unasked. */
export type DedupRuleTest = 'key_unique' | 'key_not_null' | 'conservation';

/** A test, ready to be run. */
export type PlannedTest = {
  /** No other test of the project has it. */
  name: string;
  /** The id of the model that it is about; undefined for a query that is not about one model. */
  model: string | undefined;
  column: string | undefined;
  severity: 'error' | 'warn';
  /** Ids of the models whose tables it reads. A unit test reads none. */
  reads: readonly string[];
  /** Feeds whose staged rows it reads itself. */
  sources: readonly Omit<SourceRef, 'line'>[];
  /** As people know it; undefined for one that nobody wrote. */
  place: { file: string; line: number | undefined } | undefined;
  tags: readonly string[];
} & (
  | { kind: 'generic'; test: DataTest }
  | { kind: 'singular'; test: SingularTest }
  | { kind: 'unreadable'; test: UnreadableTest }
  | { kind: 'dedup'; rule: DedupRuleTest; of: Model }
  | { kind: 'unit'; test: UnitTest; of: Model }
);

/** All tests of a project: those that were written and those that every dedup model has. Pure. */
export function planTests(project: Project): PlannedTest[] {
  const models = [...project.models.values()];
  const tests = [
    ...models.flatMap(({ tests }) => tests.map(generic)),
    ...project.tests.map(singular),
    ...project.unreadableTests.map(unreadable),
    ...project.unitTests.flatMap((test) => unit(test, project)),
    ...models
      .filter(({ config }) => config.materialized === 'dedup')
      .flatMap((of) => DEDUP_RULES.map((rule) => dedup(of, rule))),
  ];
  const taken = new Set<string>();
  return tests.map((test) => {
    let name = test.name;
    for (let count = 2; taken.has(name); count++) name = `${test.name}_${count}`;
    taken.add(name);
    return { ...test, name };
  });
}

const DEDUP_RULES: readonly DedupRuleTest[] = ['key_unique', 'key_not_null', 'conservation'];

function generic(test: DataTest): PlannedTest {
  const { name, model, check, severity, file, line } = test;
  const to = check.kind === 'relationships' ? check.to : undefined;
  return {
    kind: 'generic',
    test,
    name,
    model,
    severity,
    place: { file, line },
    tags: [],
    column: columnsOf(check).join(', ') || undefined,
    reads: [...new Set([model, ...(to?.kind === 'model' ? [to.id] : [])])],
    sources: to?.kind === 'source' ? [to] : [],
  };
}

function singular(test: SingularTest): PlannedTest {
  const { name, severity, refs, sources, tags, file } = test;
  return {
    kind: 'singular',
    test,
    name,
    severity,
    reads: refs,
    sources,
    tags,
    place: { file, line: undefined },
    model: refs.length === 1 ? refs[0] : undefined,
    column: undefined,
  };
}

/** A query that cannot be read cannot pass, either. */
function unreadable(test: UnreadableTest): PlannedTest {
  const { name, file, refs, problems } = test;
  return {
    kind: 'unreadable',
    test,
    name,
    severity: 'error',
    reads: refs,
    sources: [],
    tags: [],
    place: { file, line: problems[0]?.line },
    model: refs.length === 1 ? refs[0] : undefined,
    column: undefined,
  };
}

/**
 * Ids of the models whose tables are not to be trusted while a test fails: the model that it is about, else all that it
 * reads. A relationship is about the model whose values it looks up, not about the one they are looked up in. One that
 * names nothing by `ref()` or `source()` is told, and holds nothing back: nobody knows what.
 */
export function testedModels({ model, reads, sources }: PlannedTest, project: Project): string[] {
  if (model !== undefined) return [model];
  const fed = [...project.models.values()].filter((reader) =>
    reader.sources.some(({ group, feed }) =>
      sources.some((source) => source.group === group && source.feed === feed),
    ),
  );
  return [...new Set([...reads, ...fed.map(({ id }) => id)])];
}

function unit(test: UnitTest, project: Project): PlannedTest[] {
  const of = project.models.get(test.model);
  const { name, model, file, line } = test;
  const place = { file, line };
  const nothing = { column: undefined, reads: [], sources: [], tags: [] };
  return of ? [{ kind: 'unit', test, of, name, model, severity: 'error', place, ...nothing }] : [];
}

/** What the test of a dedup model is called. */
export function dedupTestName(rule: DedupRuleTest, { schema, name }: Pick<Model, 'schema' | 'name'>): string {
  return `${rule}_${schema}_${name}`;
}

function dedup(of: Model, rule: DedupRuleTest): PlannedTest {
  const { id, config } = of;
  const key = config.materialized === 'dedup' && rule !== 'conservation' ? config.unique_key : [];
  return {
    kind: 'dedup',
    rule,
    of,
    name: dedupTestName(rule, of),
    model: id,
    column: key.join(', ') || undefined,
    severity: rule === 'key_not_null' ? 'warn' : 'error',
    reads: [id],
    sources: [],
    place: undefined,
    tags: [],
  };
}

/**
 * The tests that a selection means: those that it names, and those of the models that it names. Pure.
 * @param select empty for all tests
 * @throws UsageError for a term that matches nothing
 */
export function selectTests(
  tests: readonly PlannedTest[],
  project: Project,
  select: readonly string[],
  exclude: readonly string[],
  builds: Pick<SelectionContext, 'modified' | 'failed'> = {},
): PlannedTest[] {
  const nodes = tests.map(nodeOf);
  const models = [...project.models.values(), ...project.broken.values()];
  const context = { models: [...models, ...nodes], graph: buildGraph([...models, ...nodes]), ...builds };
  const meant = (terms: readonly string[]) => new Set(selectModels(terms, [], context));
  const chosen = select.length > 0 ? meant(select) : undefined;
  const left = exclude.length > 0 ? meant(exclude) : new Set<string>();
  const isIn = (ids: ReadonlySet<string>, test: PlannedTest) =>
    ids.has(test.name) || aboutOf(test).some((id) => ids.has(id));
  return tests.filter((test) => (!chosen || isIn(chosen, test)) && !isIn(left, test));
}

/** Ids of the models that a test comes along with. */
function aboutOf({ model, reads }: PlannedTest): readonly string[] {
  return reads.length > 0 || model === undefined ? reads : [model];
}

/** A test as something that can be selected: below the models that it is about. */
function nodeOf(
  test: PlannedTest,
): Selectable & { refs: readonly string[]; refLines: ReadonlyMap<string, number> } {
  const { name, severity, sources, tags, place } = test;
  const file = place?.file ?? (test.kind === 'dedup' ? test.of.file : '');
  const refs = aboutOf(test);
  return { id: name, schema: '', name, file, tags, config: { severity }, sources, refs, refLines: new Map() };
}
