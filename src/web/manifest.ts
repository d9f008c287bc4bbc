import { createHash } from 'node:crypto';
import type { Model } from '../models/model.ts';
import { relationName, sourceTable } from '../models/relations.ts';
import { ruleLines } from '../models/rule.ts';
import { identifier, qualified } from '../warehouse/sql.ts';
import type { Documentation, DocumentedColumn, DocumentedFeed, DocumentedModel } from './documentation.ts';
import { fileProperties, modelKey, PACKAGE, parentsOf, sourceKey, testKey, uuidOf } from './identify.ts';
import { parentsOfTest, testNode, unitTestNode } from './test-nodes.ts';

/**
 * dbt's `manifest.json`, with those of its fields that apply here: models, feeds as sources, tests and unit tests, and
 * their dependencies. Pure.
 *
 * The key of a model includes its schema, since two schemas may have models of one name. Tests that dbt_utils has too
 * go by its names.
 */
export function manifest(documentation: Documentation): object {
  const { models, feeds, tests, generatedAt, database } = documentation;
  const planned = tests.map(({ test }) => test);
  const data = planned.filter(({ kind }) => kind !== 'unit');
  const units = planned.filter((test) => test.kind === 'unit');
  const parents: Record<string, readonly string[]> = {
    ...Object.fromEntries(feeds.map(({ group, feed }) => [sourceKey(group, feed), []])),
    ...Object.fromEntries(models.map(({ model }) => [modelKey(model.id), parentsOf(model)])),
    ...Object.fromEntries(planned.map((test) => [testKey(test), parentsOfTest(test)])),
  };
  return {
    metadata: {
      dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json',
      generated_at: generatedAt.toISOString(),
      invocation_id: uuidOf(`manifest ${generatedAt.toISOString()}`),
      env: {},
      project_name: PACKAGE,
      adapter_type: 'duckdb',
    },
    nodes: {
      ...Object.fromEntries(models.map((each) => [modelKey(each.model.id), modelNode(each, database)])),
      ...Object.fromEntries(data.map((test) => [testKey(test), testNode(test, database)])),
    },
    sources: Object.fromEntries(
      feeds.map((feed) => [sourceKey(feed.group, feed.feed), sourceNode(feed, database)]),
    ),
    macros: {},
    docs: {},
    exposures: {},
    metrics: {},
    groups: {},
    selectors: {},
    disabled: {},
    parent_map: parents,
    child_map: childrenOf(parents),
    group_map: {},
    saved_queries: {},
    semantic_models: {},
    unit_tests: Object.fromEntries(units.map((test) => [testKey(test), unitTestNode(test.test)])),
  };
}

function childrenOf(parents: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  const children: Record<string, string[]> = Object.fromEntries(Object.keys(parents).map((key) => [key, []]));
  for (const [key, of] of Object.entries(parents)) for (const parent of of) children[parent]?.push(key);
  return children;
}

function modelNode({ model, compiled, columns, description }: DocumentedModel, database: string): object {
  const { schema, name, file, template, config, tags, enabled } = model;
  const described = model.columns[0]?.file ?? model.tests[0]?.file;
  return {
    ...fileProperties(modelKey(model.id), name, 'model', file),
    database,
    schema,
    alias: name,
    description,
    tags,
    // What decided the key and the ordering; what the model keeps of its own counts before it.
    meta: { ...decisions(model), ...config.meta },
    checksum: { name: 'sha256', checksum: createHash('sha256').update(template).digest('hex') },
    config: {
      ...config,
      enabled,
      ...('strategy' in config ? { incremental_strategy: config.strategy } : {}),
    },
    columns: columnNodes(columns),
    ...(described ? { patch_path: `${PACKAGE}://${described}` } : {}),
    relation_name: `${identifier(database)}.${relationName(model.id)}`,
    language: 'sql',
    raw_code: template,
    compiled: true,
    compiled_code: compiled,
    refs: model.refs.map((id) => ({ name: id.slice(id.indexOf('.') + 1), package: null, version: null })),
    sources: model.sources.map(({ group, feed }) => [group, feed]),
    depends_on: { macros: [], nodes: parentsOf(model) },
    ...(config.materialized === 'dedup' ? { primary_key: config.unique_key } : {}),
  };
}

/** `{ unique_key_from: 'the published schema', … }` of a dedup model. */
function decisions(model: Model): Record<string, string> {
  return Object.fromEntries(ruleLines(model).map(({ name, from }) => [`${name}_from`, from]));
}

function columnNodes(columns: readonly DocumentedColumn[]): object {
  return Object.fromEntries(
    columns.map(({ name, type, description }) => [
      name,
      { name, description, data_type: type, meta: {}, tags: [] },
    ]),
  );
}

function sourceNode({ group, feed, spec }: DocumentedFeed, database: string): object {
  const table = sourceTable(group, feed);
  // A feed is late after two intervals, as in `ops.freshness`.
  const minutes = spec?.cadenceMinutes;
  const columns = (spec?.columns ?? []).map(({ name, type, description }) => ({ name, type, description }));
  return {
    ...fileProperties(sourceKey(group, feed), feed, 'source', `schemas/${group}.yaml`),
    database,
    schema: table.schema,
    identifier: table.table,
    fqn: [PACKAGE, group, feed],
    source_name: group,
    source_description: '',
    loader: 'asapp-warehouse',
    description: spec?.description ?? '',
    columns: columnNodes(columns),
    loaded_at_field: '_loaded_at',
    freshness: minutes === undefined ? null : { warn_after: { count: 2 * minutes, period: 'minute' } },
    meta: {},
    source_meta: {},
    tags: [],
    config: { enabled: true },
    relation_name: `${identifier(database)}.${qualified(table)}`,
  };
}
