import { describe, expect, test } from 'vitest';
import { type Files, projectOf } from './support.ts';

/** One model of three that reads another, and one that reads nothing. */
const FILES = {
  'models/marts/a.sql': 'select 1 as n',
  'models/marts/b.sql': "select * from {{ ref('a') }}",
  'models/marts/c.sql': 'select 2 as n',
};

/** The models that a mistake costs, and those that it leaves. */
async function parted(more: Files) {
  const project = await projectOf({ ...FILES, ...more });
  return { broken: [...project.broken.keys()], sound: [...project.models.keys()] };
}

describe('a mistake in a model', () => {
  test.each<[string, Files]>([
    ['Jinja that is not closed', { 'models/marts/a.sql': "select {{ var('x' " }],
    ['a file without SQL', { 'models/marts/a.sql': '-- later\n' }],
    ['a misspelt ref', { 'models/marts/a.sql': "select * from {{ ref('cc') }}" }],
    [
      'a key of config that there is not',
      { 'models/marts/a.sql': "{{ config(materialised='table') }} select 1" },
    ],
    ['a name twice', { 'models/marts/daily/a.sql': 'select 3 as n' }],
    ['a circle of itself', { 'models/marts/a.sql': "select * from {{ ref('a') }}" }],
    [
      'an entry with an unknown key',
      { 'models/s.yml': 'models:\n  - {name: a, descripton: x}\n  - {name: c}' },
    ],
    [
      'an entry with an unknown test',
      { 'models/s.yml': 'models:\n  - {name: a, tests: [uniqe]}\n  - {name: c}' },
    ],
    [
      'a configuration in an entry',
      { 'models/s.yml': 'models:\n  - {name: a, config: {materialized: tabel}}\n  - {name: c}' },
    ],
    [
      'a test of what is not there',
      {
        'models/s.yml':
          "models:\n  - {name: a, columns: [{name: n, tests: [{relationships: {to: ref('d'), field: n}}]}]}",
      },
    ],
    ['one model described twice', { 'models/s.yml': 'models:\n  - {name: a}\n  - {name: a}\n  - {name: c}' }],
    [
      'a unit test of what the model does not read',
      {
        'models/s.yml':
          "unit_tests:\n  - {name: u, model: a, given: [{input: ref('c'), rows: []}], expect: {rows: []}}",
      },
    ],
    // What such a file was to say of its models nobody knows: whether they are enabled, how they are tested.
    ['a file that is no YAML', { 'models/s.yml': 'models:\n  - name: "a\n' }],
    ['a file with a misspelt list', { 'models/s.yml': 'model:\n  - name: a\n' }],
  ])('breaks that model and no other: %s', async (_, more) => {
    expect(await parted(more)).toEqual({ broken: ['marts.a'], sound: ['marts.b', 'marts.c'] });
  });

  test('breaks the models in a circle, and in circles that touch', async () => {
    const more = {
      'models/marts/a.sql': "select * from {{ ref('d') }}, {{ ref('e') }}",
      'models/marts/d.sql': "select * from {{ ref('a') }}",
      'models/marts/e.sql': "select * from {{ ref('a') }}",
    };
    const { broken, sound } = await parted(more);
    expect(broken).toEqual(expect.arrayContaining(['marts.a', 'marts.d']));
    expect(sound).toEqual(expect.arrayContaining(['marts.b', 'marts.c']));
  });

  test('leaves the models that read it behind it in the order of building', async () => {
    const project = await projectOf({ ...FILES, 'models/marts/a.sql': '{{ broken' });
    expect(project.graph.parents.get('marts.b')).toEqual(['marts.a']);
    expect(project.graph.order).toEqual(['marts.a', 'marts.c', 'marts.b']);
  });
});

describe('a mistake outside of models', () => {
  test.each<[string, Files]>([
    ['a model where none belongs', { 'models/d.sql': 'select 1' }],
    ['an entry of no model', { 'models/s.yml': 'models: [{name: aa}, {name: c}]' }],
    ['an entry without a name', { 'models/s.yml': 'models: [{description: x}, {name: c}]' }],
    ['macros', { 'models/macros/m.sql': '{% macro m() %}\n{{ ( }}{% endmacro %}' }],
  ])('is reported, and breaks no model: %s', async (_, more) => {
    const project = await projectOf({ ...FILES, ...more });
    expect(project.broken.size).toBe(0);
    expect(project.models.size).toBe(3);
    expect(project.problems).toHaveLength(1);
    expect(project.problems[0]?.models ?? []).toEqual([]);
  });

  test('in the query of a test breaks that test, and no model', async () => {
    const project = await projectOf({ ...FILES, 'models/tests/t.sql': "select * from {{ ref('b') }} {{ (" });
    expect(project.broken.size).toBe(0);
    expect(project.unreadableTests).toMatchObject([{ name: 't', refs: ['marts.b'] }]);
  });
});
