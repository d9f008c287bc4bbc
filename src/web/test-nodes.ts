import type { Check } from '../models/data-tests.ts';
import { duckdb } from '../models/dialect/duckdb.ts';
import type { UnitTest } from '../models/link.ts';
import type { Relation } from '../models/relation-call.ts';
import { ALL_ROWS } from '../models/relations.ts';
import { failingRows } from '../models/tests/failing-rows.ts';
import { FAILURES_SCHEMA } from '../models/tests/run-test.ts';
import type { PlannedTest } from '../models/tests/test-plan.ts';
import { fileProperties, modelKey, PACKAGE, parentsOf, testKey } from './identify.ts';

/** The keys of what a test reads. */
export function parentsOfTest(test: PlannedTest): string[] {
  if (test.kind === 'unit') return [modelKey(test.of.id)];
  return parentsOf({ refs: test.reads, sources: test.sources });
}

/** A data test as a node of the manifest. */
export function testNode(test: PlannedTest, database: string): object {
  const { name, severity, model, column, tags } = test;
  const file = test.place?.file ?? (test.kind === 'dedup' ? test.of.file : '');
  const settings = test.kind === 'generic' || test.kind === 'singular' ? test.test : undefined;
  const metadata = testMetadata(test);
  const compiled = compiledTest(test);
  return {
    ...fileProperties(testKey(test), name, 'test', file),
    database,
    schema: FAILURES_SCHEMA,
    alias: name,
    tags,
    meta: {},
    language: 'sql',
    description: settings?.description ?? '',
    checksum: { name: 'none', checksum: '' },
    config: {
      enabled: true,
      materialized: 'test',
      severity: severity.toUpperCase(),
      tags,
      store_failures: settings?.storeFailures ?? false,
      where: settings?.where ?? null,
      error_if: thresholdText(settings?.errorIf),
      warn_if: thresholdText(settings?.warnIf),
    },
    columns: {},
    raw_code: '',
    ...(compiled === undefined ? {} : { compiled: true, compiled_code: compiled }),
    refs: test.reads.map((id) => ({ name: id.slice(id.indexOf('.') + 1), package: null, version: null })),
    sources: test.sources.map(({ group, feed }) => [group, feed]),
    depends_on: { macros: [], nodes: parentsOfTest(test) },
    ...(metadata ? { column_name: column ?? null, test_metadata: metadata } : {}),
    ...(metadata && model ? { attached_node: modelKey(model) } : {}),
  };
}

/** The query for failing rows; undefined for a test that the program counts without one. */
function compiledTest(test: PlannedTest): string | undefined {
  if (test.kind === 'generic') return failingRows(duckdb, test.test.check, test.test.model, test.test.where);
  return test.kind === 'singular' ? test.test.render(ALL_ROWS).sql : undefined;
}

function thresholdText(threshold: { operator: string; count: number } | undefined): string {
  return threshold ? `${threshold.operator} ${threshold.count}` : '!= 0';
}

/** What a test checks, by dbt's names; undefined for a test that is a query of its own. */
function testMetadata(test: PlannedTest): object | undefined {
  if (test.kind === 'dedup') {
    return { name: test.rule, namespace: PACKAGE, kwargs: { model: test.of.id } };
  }
  if (test.kind !== 'generic') return undefined;
  const model = `{{ get_where_subquery(ref('${test.test.model.replace('.', "', '")}')) }}`;
  const { name, namespace = null, kwargs } = checkMetadata(test.test.check);
  return { name, namespace, kwargs: { ...kwargs, model } };
}

function checkMetadata(check: Check<Relation>): { name: string; namespace?: string; kwargs: object } {
  switch (check.kind) {
    case 'unique':
      return check.columns.length === 1
        ? { name: 'unique', kwargs: { column_name: check.columns[0] } }
        : {
            name: 'unique_combination_of_columns',
            namespace: 'dbt_utils',
            kwargs: { combination_of_columns: check.columns },
          };
    case 'not_null':
      return { name: 'not_null', kwargs: { column_name: check.column } };
    case 'accepted_values': {
      const { kind, column, values, quote } = check;
      return { name: kind, kwargs: { column_name: column, values, quote } };
    }
    case 'relationships':
      return {
        name: check.kind,
        kwargs: { column_name: check.column, to: relationText(check.to), field: check.field },
      };
    case 'expression':
      return {
        name: 'expression_is_true',
        namespace: 'dbt_utils',
        kwargs: { expression: check.expression, ...(check.column ? { column_name: check.column } : {}) },
      };
  }
}

/** A unit test as a node of the manifest. */
export function unitTestNode(test: UnitTest): object {
  const { name, model, file, description, given, expect, isIncremental } = test;
  const key = `unit_test.${PACKAGE}.${model}.${name}`;
  return {
    ...fileProperties(key, name, 'unit_test', file),
    model: model.slice(model.indexOf('.') + 1),
    schema: model.slice(0, model.indexOf('.')),
    description,
    given: given.map(({ input, rows }) => ({
      input: relationText(input),
      rows: rows,
      format: 'dict',
    })),
    expect: { rows: expect, format: 'dict' },
    overrides: { macros: { is_incremental: isIncremental }, vars: {}, env_vars: {} },
    depends_on: { macros: [], nodes: [modelKey(model)] },
    config: { enabled: true, tags: [], meta: {} },
  };
}

/** A relation as a properties file writes it. */
function relationText(relation: Relation): string {
  if (relation.kind === 'this') return 'this';
  if (relation.kind === 'source') return `source('${relation.group}', '${relation.feed}')`;
  return `ref('${relation.id.replace('.', "', '")}')`;
}
