import { describe, expect, test } from 'vitest';
import { type TestSettings, verdict } from '../../src/models/data-tests.ts';
import { parseProperties } from '../../src/models/properties.ts';
import { problemsOf, projectOf } from './support.ts';

const MODELS = {
  'models/marts/agents.sql': `select * from {{ source('messaging', 'reps') }}`,
  'models/marts/hours.sql': `{{ config(materialized='incremental', unique_key='hour', tags='own') }}
select * from {{ ref('agents') }}`,
};

describe('a properties file', () => {
  test('gives descriptions, columns and configuration, over which the model’s own file has the say', async () => {
    const { models } = await projectOf({
      ...MODELS,
      'models/marts/schema.yml': `version: 2
models:
  - name: hours
    description: One row per agent and hour.
    config: { materialized: table, tags: [shared], meta: { owner: ops } }
    columns:
      - name: hour
        description: UTC.
        data_type: timestamp
      - name: rep_id
sources:
  - name: messaging
    tables: [{ name: reps, description: anything }]
`,
    });
    const hours = models.get('marts.hours');
    expect(hours).toMatchObject({
      description: 'One row per agent and hour.',
      tags: ['shared', 'own'],
      config: { materialized: 'incremental', strategy: 'merge', meta: { owner: 'ops' } },
      columns: [
        { name: 'hour', description: 'UTC.', file: 'models/marts/schema.yml', line: 7 },
        { name: 'rep_id', description: '', file: 'models/marts/schema.yml', line: 10 },
      ],
    });
  });

  test('gives tests, as dbt writes them', async () => {
    const { models } = await projectOf({
      ...MODELS,
      'models/schema.yml': `models:
  - name: hours
    tests:
      - expression: 'calls >= 0'
      - dbt_utils.expression_is_true:
          arguments: { expression: waits >= 0 }
          config: { severity: WARN, where: calls > 0 }
      - dbt_utils.unique_combination_of_columns:
          combination_of_columns: [hour, rep_id]
      - unique: { column_name: id, name: one_id_each }
    columns:
      - name: hour
        tests: [unique, not_null]
      - name: rep_id
        data_tests:
          - relationships:
              to: ref('agents')
              field: rep_id
              config: { error_if: '>10', warn_if: '!= 0', store_failures: true }
          - relationships: { to: "source('messaging', 'reps')", field: rep_id }
          - accepted_values: { values: [1, 2], quote: false }
          - accepted_values: { values: [a] }
          - expression: '> 0'
`,
    });
    const tests = models.get('marts.hours')?.tests ?? [];
    const defaults = {
      model: 'marts.hours',
      file: 'models/schema.yml',
      severity: 'error',
      errorIf: { operator: '!=', count: 0 },
      warnIf: { operator: '!=', count: 0 },
      storeFailures: false,
      where: undefined,
      description: '',
    };
    expect(tests).toEqual([
      {
        ...defaults,
        name: 'expression_marts_hours',
        line: 4,
        check: { kind: 'expression', column: undefined, expression: 'calls >= 0' },
      },
      {
        ...defaults,
        name: 'expression_marts_hours_2',
        line: 5,
        severity: 'warn',
        where: 'calls > 0',
        check: { kind: 'expression', column: undefined, expression: 'waits >= 0' },
      },
      {
        ...defaults,
        name: 'unique_marts_hours_hour_rep_id',
        line: 8,
        check: { kind: 'unique', columns: ['hour', 'rep_id'] },
      },
      { ...defaults, name: 'one_id_each', line: 10, check: { kind: 'unique', columns: ['id'] } },
      {
        ...defaults,
        name: 'unique_marts_hours_hour',
        line: 13,
        check: { kind: 'unique', columns: ['hour'] },
      },
      {
        ...defaults,
        name: 'not_null_marts_hours_hour',
        line: 13,
        check: { kind: 'not_null', column: 'hour' },
      },
      {
        ...defaults,
        name: 'relationships_marts_hours_rep_id',
        line: 16,
        errorIf: { operator: '>', count: 10 },
        storeFailures: true,
        check: {
          kind: 'relationships',
          column: 'rep_id',
          to: { kind: 'model', id: 'marts.agents' },
          field: 'rep_id',
        },
      },
      {
        ...defaults,
        name: 'relationships_marts_hours_rep_id_2',
        line: 20,
        check: {
          kind: 'relationships',
          column: 'rep_id',
          to: { kind: 'source', group: 'messaging', feed: 'reps' },
          field: 'rep_id',
        },
      },
      {
        ...defaults,
        name: 'accepted_values_marts_hours_rep_id',
        line: 21,
        check: { kind: 'accepted_values', column: 'rep_id', values: [1, 2], quote: false },
      },
      {
        ...defaults,
        name: 'accepted_values_marts_hours_rep_id_2',
        line: 22,
        check: { kind: 'accepted_values', column: 'rep_id', values: ['a'], quote: true },
      },
      {
        ...defaults,
        name: 'expression_marts_hours_rep_id',
        line: 23,
        check: { kind: 'expression', column: 'rep_id', expression: '> 0' },
      },
    ]);
  });

  test('gives unit tests', async () => {
    const { unitTests } = await projectOf({
      ...MODELS,
      'models/marts/schema.yml': `unit_tests:
  - name: counts_hours
    description: Hours are counted once.
    model: hours
    overrides: { macros: { is_incremental: true } }
    given:
      - input: ref('agents')
        rows: [{ rep_id: 1, hour: 2026-01-01 10:00:00 }, { rep_id: null }]
      - input: this
        rows: []
    expect:
      rows: [{ calls: 9007199254740993 }]
  - name: none
    model: marts.agents
    given: [{ input: "source('messaging', 'reps')" }]
    expect: { rows: [] }
`,
    });
    expect(unitTests).toMatchObject([
      {
        name: 'counts_hours',
        model: 'marts.hours',
        isIncremental: true,
        file: 'models/marts/schema.yml',
        line: 2,
        given: [
          {
            input: { kind: 'model', id: 'marts.agents' },
            rows: [{ rep_id: 1, hour: '2026-01-01 10:00:00' }, { rep_id: null }],
            line: 7,
          },
          { input: { kind: 'this' }, rows: [] },
        ],
        expect: [{ calls: 9007199254740993n }],
      },
      {
        model: 'marts.agents',
        isIncremental: false,
        given: [{ input: { kind: 'source', group: 'messaging', feed: 'reps' }, rows: [] }],
        expect: [],
      },
    ]);
  });

  test('may hold nothing', () => {
    expect(parseProperties('f.yml', '')).toEqual({ models: [], unitTests: [], problems: [] });
    expect(parseProperties('f.yml', 'version: 2\nmodels:\n')).toEqual({
      models: [],
      unitTests: [],
      problems: [],
    });
  });
});

describe('a mistake in a properties file', () => {
  test.each([
    [
      'a missing model',
      'models:\n  - name: hourz',
      '2: there is no model hourz (did you mean "marts.hours"?)',
    ],
    [
      'one model twice',
      'models:\n  - name: hours\n  - name: marts.hours',
      '3: marts.hours is described twice; first in models/s.yml:2',
    ],
    [
      'one column twice',
      'models:\n  - name: hours\n    columns:\n      - name: a\n      - name: a',
      '5: column "a" is described twice; first on line 4',
    ],
    ['text that is not YAML', 'models:\n  - name: "hours', '2: YAML: a quote is not closed'],
    ['a key twice', 'models: []\nmodels: []', '2: YAML: '],
    [
      'an unknown key',
      'model:\n  - name: hours',
      '1: model: there is no such key; there are version, models, unit_tests, sources, macros, exposures',
    ],
    [
      'an unknown key of a model',
      'models:\n  - name: hours\n    descripton: x',
      '3: models[0].descripton: there is no such key; there are name, description, config, columns, tests, data_tests, meta, docs',
    ],
    ['a wrong type', 'models:\n  - name: [a]', '2: models[0].name: must be text, but is ["a"]'],
    ['no name', 'models:\n  - description: x', '2: models[0].name: must be text, but is missing'],
    [
      'a wrong configuration',
      'models:\n  - name: agents\n    config:\n      materialized: tabel',
      '4: materialized must be one of dedup, incremental, table, view, but is "tabel" (did you mean "table"?)',
    ],
    [
      'an unknown test',
      'models:\n  - name: hours\n    tests:\n      - uniqe',
      '4: models[0].tests[0]: there is no test "uniqe" (did you mean "unique"?): there are unique, not_null, accepted_values, relationships, expression, dbt_utils.expression_is_true, dbt_utils.unique_combination_of_columns',
    ],
    [
      'a test that is indented wrongly',
      'models:\n  - name: hours\n    tests:\n      - accepted_values:\n        values: [a]',
      '4: models[0].tests[0]: a test is a name, or one name with its arguments indented below it',
    ],
    [
      'a test without its arguments',
      'models:\n  - name: hours\n    columns:\n      - name: a\n        tests:\n          - accepted_values',
      '6: models[0].columns[0].tests[0].accepted_values.values: must be a list, but is missing',
    ],
    [
      'a test without its column',
      'models:\n  - name: hours\n    tests:\n      - not_null',
      '4: models[0].tests[0]: not_null needs column_name, where it is not below a column',
    ],
    [
      'a severity',
      'models:\n  - name: hours\n    tests:\n      - expression:\n          expression: a\n          config: { severity: low }',
      '6: models[0].tests[0].expression.config.severity: must be one of error, warn, but is "low"',
    ],
    [
      'a threshold',
      'models:\n  - name: hours\n    tests:\n      - expression: { expression: a, error_if: many }',
      '4: models[0].tests[0].expression.error_if: must compare with a number, as in ">10", but is "many"',
    ],
    [
      'an unknown argument',
      'models:\n  - name: hours\n    tests:\n      - expression: { expression: a, wehre: b }',
      '4: models[0].tests[0].expression.wehre: there is no such key; there are ',
    ],
    [
      'a relationship to nothing',
      `models:\n  - name: hours\n    columns:\n      - name: a\n        tests:\n          - relationships: { to: ref('agent'), field: x }`,
      '6: there is no model agent (did you mean "marts.agents"?)',
    ],
    [
      'a relationship to what is no ref()',
      `models:\n  - name: hours\n    columns:\n      - name: a\n        tests:\n          - relationships: { to: agents, field: x }`,
      "6: models[0].columns[0].tests[0].relationships.to: must be ref('model') or source('group', 'feed')",
    ],
    [
      'a unit test of a missing model',
      'unit_tests:\n  - { name: u, model: hourz, expect: { rows: [] } }',
      '2: there is no model hourz (did you mean "marts.hours"?)',
    ],
    [
      'a unit test of what the model does not read',
      `unit_tests:\n  - name: u\n    model: hours\n    given:\n      - input: source('messaging', 'reps')\n    expect: { rows: [] }`,
      '5: marts.hours does not read the feed messaging.reps',
    ],
    [
      'rows that are none',
      'unit_tests:\n  - name: u\n    model: hours\n    expect: { rows: [1] }',
      '4: unit_tests[0].expect.rows[0]: must be a mapping of names to values, but is 1',
    ],
  ])('is reported with its line: %s', async (_, yaml, message) => {
    const [first, ...others] = await problemsOf({ ...MODELS, 'models/s.yml': yaml });
    expect(first?.startsWith(`models/s.yml:${message}`), `${first} should begin with ${message}`).toBe(true);
    expect(others).toEqual([]);
  });
});

describe('a number of failing rows', () => {
  const settings = (changes: Partial<TestSettings>): TestSettings => ({
    severity: 'error',
    errorIf: { operator: '!=', count: 0 },
    warnIf: { operator: '!=', count: 0 },
    storeFailures: false,
    where: undefined,
    description: '',
    ...changes,
  });

  test.each([
    ['none', {}, 0, 'pass'],
    ['any', {}, 1, 'fail'],
    ['any, as a warning', { severity: 'warn' }, 1, 'warn'],
    ['few, where many are an error', { errorIf: { operator: '>', count: 10 } }, 10, 'warn'],
    ['many', { errorIf: { operator: '>', count: 10 } }, 11, 'fail'],
    [
      'fewer than are worth a warning',
      { errorIf: { operator: '>=', count: 10 }, warnIf: { operator: '>=', count: 5 } },
      4,
      'pass',
    ],
    ['too few', { errorIf: { operator: '<', count: 1 } }, 0, 'fail'],
    ['exactly', { errorIf: { operator: '=', count: 3 } }, 3, 'fail'],
    ['at most', { errorIf: { operator: '<=', count: 3 } }, 4, 'warn'],
  ] as [string, Partial<TestSettings>, number, string][])(
    'gives $3: %s',
    (_, changes, failures, expected) => {
      expect(verdict(settings(changes), failures)).toBe(expected);
    },
  );
});
