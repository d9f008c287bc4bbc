import type { Config } from '../config/config.ts';
import { type Catalogue, type FeedSpec, feedOfTable } from '../feeds/catalogue.ts';
import type { ModelRun, TestResult } from '../ledger/tables.ts';
import type { Project } from '../models/assemble.ts';
import type { Model } from '../models/model.ts';
import { renderModel } from '../models/relations.ts';
import { Shapes } from '../models/tests/shapes.ts';
import { type PlannedTest, planTests } from '../models/tests/test-plan.ts';
import type { Session } from '../warehouse/session.ts';
import { presentColumns } from '../warehouse/tables.ts';
import { type FeedFacts, readLedger, type ShownRun } from './ledger.ts';

/** Everything known about a project, from which the page and the artifacts are made. */
export interface Documentation {
  /** The company and the environment, as far as the configuration names them. */
  title: string;
  generatedAt: Date;
  /** The name of the warehouse's catalog in DuckDB. */
  database: string;
  /** In build order. */
  models: readonly DocumentedModel[];
  /** Feeds that a model reads, or that were seen in the data. */
  feeds: readonly DocumentedFeed[];
  tests: readonly DocumentedTest[];
  lastRun: ShownRun | undefined;
}

export interface DocumentedModel {
  model: Model;
  /** The query that it is made of. */
  compiled: string;
  description: string;
  /** Empty where they are not known yet. */
  columns: readonly DocumentedColumn[];
  /** Ids of the models that read it. */
  children: readonly string[];
  tests: readonly DocumentedTest[];
  /** Its last build; undefined where it was not built yet. */
  lastBuild: ModelRun | undefined;
}

export interface DocumentedColumn {
  name: string;
  type: string;
  description: string;
}

export interface DocumentedFeed {
  group: string;
  /** The name that `source()` takes. */
  feed: string;
  /** Undefined for an undocumented feed. */
  spec: FeedSpec | undefined;
  /** Undefined where nothing has come yet. */
  facts: FeedFacts | undefined;
  /** Ids of the models that read its staged rows. */
  readers: readonly string[];
}

export interface DocumentedTest {
  test: PlannedTest;
  /** Undefined where it was not run yet. */
  result: TestResult | undefined;
}

/** What the documentation is made from. */
export interface DocumentationSources {
  config: Config;
  catalogue: Catalogue;
  project: Project;
  session: Session;
  now: Date;
}

export async function readDocumentation(sources: DocumentationSources): Promise<Documentation> {
  const { config, catalogue, project, session, now } = sources;
  const ledger = await readLedger(session, { config, now });
  const sound = (ids: readonly string[]) => ids.filter((id) => project.models.has(id));
  const tests = planTests(project).map((test) => ({
    test: { ...test, reads: sound(test.reads) },
    result: ledger.tests.get(test.name),
  }));
  const { database } = await session.row<{ database: string }>('SELECT current_database() AS database');
  const present = await presentColumns(session);
  await using shapes = new Shapes(project, catalogue, session);
  const models: DocumentedModel[] = [];
  for (const id of project.graph.order) {
    // Models that cannot be understood are reported by the build, and not documented.
    const model = project.models.get(id);
    if (!model) continue;
    const columns = present.get(id) ?? (await shapes.model(id)) ?? [];
    const spec = feedOf(model, catalogue);
    models.push({
      model: { ...model, refs: sound(model.refs) },
      compiled: renderModel(model),
      description: model.description || describeFeed(model, spec),
      columns: describeColumns(model, columns, spec),
      children: sound(project.graph.children.get(id) ?? []),
      tests: tests.filter(({ test }) => test.model === id),
      lastBuild: ledger.models.get(id),
    });
  }
  return {
    title: [config.company, config.environment].filter(Boolean).join(' '),
    generatedAt: now,
    database,
    models,
    feeds: documentFeeds(catalogue, models, ledger.feeds),
    tests,
    lastRun: ledger.lastRun,
  };
}

/** The feed whose records a dedup model keeps. */
function feedOf({ config, sources }: Model, catalogue: Catalogue): FeedSpec | undefined {
  const [source] = sources;
  return config.materialized === 'dedup' && source
    ? feedOfTable(catalogue, source.group, source.feed)
    : undefined;
}

function describeFeed({ config, sources }: Model, spec: FeedSpec | undefined): string {
  if (config.materialized !== 'dedup') return '';
  return `The latest version of each record of ${sources[0]?.feed}. ${spec?.description ?? ''}`.trim();
}

/**
 * The columns of a model, described by the model itself, else by the warehouse's comments, else by the feed's document.
 */
function describeColumns(
  model: Model,
  columns: readonly { name: string; type: string; comment?: string | null }[],
  spec: FeedSpec | undefined,
): DocumentedColumn[] {
  const said = (list: readonly { name: string; description: string }[], name: string) =>
    list.find((column) => column.name.toLowerCase() === name.toLowerCase())?.description;
  return columns.map(({ name, type, comment }) => ({
    name,
    type,
    description: said(model.columns, name) || comment || said(spec?.columns ?? [], name) || '',
  }));
}

function documentFeeds(
  catalogue: Catalogue,
  models: readonly DocumentedModel[],
  facts: ReadonlyMap<string, FeedFacts>,
): DocumentedFeed[] {
  const readers = new Map<string, string[]>();
  for (const { model } of models)
    for (const { group, feed } of model.sources) {
      const id = `${group}.${feed}`;
      readers.set(id, [...(readers.get(id) ?? []), model.id]);
    }
  return [...new Set([...readers.keys(), ...facts.keys()])].sort().map((id) => {
    const group = id.slice(0, id.indexOf('.'));
    const feed = id.slice(group.length + 1);
    const spec = feedOfTable(catalogue, group, feed);
    return { group, feed, spec, facts: facts.get(id), readers: readers.get(id) ?? [] };
  });
}
