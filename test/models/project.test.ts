import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import type { Model, RenderContext } from '../../src/models/model.ts';
import { loadProject } from '../../src/models/project.ts';
import { folderOf, problemsOf, projectOf } from './support.ts';

const DEDUP = `{{ config(materialized='dedup', unique_key=['issue_id'], order_by=['first_utterance_ts']) }}
select * from {{ source('messaging', 'convos_metrics') }}
`;

const BUILD: RenderContext = {
  isIncremental: false,
  relation: (id) =>
    id
      .split('.')
      .map((part) => `"${part}"`)
      .join('.'),
  source: (group, feed) => `"staging_${group}"."${feed}"`,
};

function model(project: { models: ReadonlyMap<string, Model> }, id: string): Model {
  const found = project.models.get(id);
  if (!found) throw new Error(`no model ${id}`);
  return found;
}

describe('a folder of models', () => {
  test('gives models with what they read and how they are configured', async () => {
    const project = await projectOf({
      'models/messaging/convos_metrics.sql': DEDUP,
      'models/marts/daily/conversations.sql': `{{ config(materialized='table', tags='daily') }}
select * from {{ ref('convos_metrics') }}
join {{ source('messaging', 'utterances') }} using (issue_id)`,
    });
    expect([...project.models.keys()]).toEqual(['marts.conversations', 'messaging.convos_metrics']);
    expect(model(project, 'messaging.convos_metrics')).toMatchObject({
      schema: 'messaging',
      name: 'convos_metrics',
      file: 'models/messaging/convos_metrics.sql',
      template: DEDUP,
      generated: false,
      config: { materialized: 'dedup', unique_key: ['issue_id'], order_by: ['first_utterance_ts'] },
      refs: [],
      sources: [{ group: 'messaging', feed: 'convos_metrics', line: 2 }],
    });
    const mart = model(project, 'marts.conversations');
    expect(mart).toMatchObject({
      file: 'models/marts/daily/conversations.sql',
      config: { materialized: 'table' },
      tags: ['daily'],
      refs: ['messaging.convos_metrics'],
      sources: [{ group: 'messaging', feed: 'utterances', line: 3 }],
    });
    expect(mart.refLines.get('messaging.convos_metrics')).toBe(2);
    expect(project.graph.order).toEqual(['messaging.convos_metrics', 'marts.conversations']);
  });

  test('renders a model with the names it is given', async () => {
    const project = await projectOf({
      'models/messaging/convos_metrics.sql': DEDUP,
      'models/marts/a.sql': `{{ config(materialized='incremental', unique_key='id') }}
select '{{ target.name }}' from {{ ref('messaging', 'convos_metrics') }}
{% if is_incremental() %}where ts > (select max(ts) from {{ this }}){% endif %};
`,
    });
    const { render, refs } = model(project, 'marts.a');
    expect(refs).toEqual(['messaging.convos_metrics']);
    expect(render(BUILD).sql.trim()).toBe(`select 'test' from "messaging"."convos_metrics"`);
    const incremental = render({ ...BUILD, isIncremental: true });
    expect(incremental.sql).toContain('where ts > (select max(ts) from "marts"."a")');
    expect(incremental.sourceLine(3)).toBe(3);
    expect(model(project, 'messaging.convos_metrics').render(BUILD).sql).toContain(
      'from "staging_messaging"."convos_metrics"',
    );
  });

  test('knows what is read by incremental builds only', async () => {
    const project = await projectOf({
      'models/marts/a.sql': 'select 1 as id',
      'models/marts/b.sql': `{{ config(materialized='incremental') }}
select 1 as id {% if is_incremental() %}
where id in (select id from {{ ref('a') }}) {% endif %}`,
    });
    expect(model(project, 'marts.b').refs).toEqual(['marts.a']);
    expect(model(project, 'marts.b').refLines.get('marts.a')).toBe(3);
  });

  test('refuses a ref() that shows up only in building, since its model may not be there yet', async () => {
    const project = await projectOf({
      'models/marts/a.sql': 'select 1 as id',
      'models/marts/b.sql': `select 1\n{% if this == '"marts"."b"' %}{{ ref('a') }}{% endif %}`,
    });
    expect(() => model(project, 'marts.b').render(BUILD)).toThrow(
      /^models\/marts\/b\.sql:2: .*-- \{\{ ref\('a'\) \}\}/,
    );
  });

  test('gives models their variables, their environment and their messages', async () => {
    const project = await projectOf(
      {
        'models/marts/a.sql': `select {{ var('days') }}, '{{ env_var('REGION') }}', {{ var('no', none) is none }}, '{{ env_var('NO', 'x') }}'
{{ log('not shown') }}{{ log('days: ' ~ var('days'), info=true) }}`,
      },
      { vars: { days: 7 }, env: { REGION: 'us' } },
    );
    const { sql, messages } = model(project, 'marts.a').render(BUILD);
    expect(sql).toBe(`select 7, 'us', true, 'x'`);
    expect(messages).toEqual(['days: 7']);
  });

  test('makes macros known everywhere, and counts what they read as read on the line of the call', async () => {
    const project = await projectOf({
      'models/macros/deep/union.sql': `{% macro both(a, b) %}
select * from {{ ref(a) }} union all select * from {{ ref(b) }}{% endmacro %}`,
      'models/marts/a.sql': 'select 1 as id',
      'models/marts/b.sql': 'select 2 as id',
      'models/marts/c.sql': `-- all of them\n\n{{ both('a', b='b') }}`,
    });
    const { refs, refLines } = model(project, 'marts.c');
    expect(refs).toEqual(['marts.a', 'marts.b']);
    expect([...refLines.values()]).toEqual([3, 3]);
  });

  test('makes a model without configuration a view', async () => {
    const project = await projectOf({ 'models/marts/a.sql': 'select 1' });
    expect(model(project, 'marts.a').config).toMatchObject({ materialized: 'view', tags: [], enabled: true });
  });

  test('merges an incremental model where it has a key', async () => {
    const project = await projectOf({
      'models/marts/a.sql': `{{ config(materialized='incremental', unique_key='id') }} select 1 as id`,
      'models/marts/b.sql': `{{ config(materialized='incremental') }} select 1 as id`,
      'models/marts/c.sql': `{{ config(materialized='incremental', incremental_strategy='append') }} select 1 as id`,
    });
    expect(model(project, 'marts.a').config).toMatchObject({ strategy: 'merge', unique_key: ['id'] });
    expect(model(project, 'marts.b').config).toMatchObject({ strategy: 'append' });
    expect(model(project, 'marts.c').config).toMatchObject({ strategy: 'append' });
  });

  test('takes tests as models without a table, also in a folder beside', async () => {
    const project = await projectOf({
      'models/marts/a.sql': 'select 1 as id',
      'models/tests/positive.sql': `{{ config(severity='warn', error_if='>5', tags=['nightly']) }}\nselect * from {{ ref('a') }} where id < 0`,
      'tests/deep/present.sql': `select 1 where not exists (select 1 from {{ ref('a') }})`,
      'tests/off.sql': `{{ config(enabled=false) }} select 1`,
      'tests/readme.yml': 'no: models here',
    });
    expect(project.tests.map(({ name, file }) => [name, file])).toEqual([
      ['positive', 'models/tests/positive.sql'],
      ['present', 'tests/deep/present.sql'],
    ]);
    const [positive] = project.tests;
    expect(positive).toMatchObject({
      severity: 'warn',
      errorIf: { operator: '>', count: 5 },
      refs: ['marts.a'],
      tags: ['nightly'],
    });
    expect(positive?.render(BUILD).sql).toBe('\nselect * from "marts"."a" where id < 0');
  });

  test('leaves hidden files and files of other kinds alone', async () => {
    const project = await projectOf({
      'models/marts/a.sql': 'select 1',
      'models/marts/.a.sql.swp': 'x',
      'models/.cache/marts/b.sql': 'x',
      'models/README.md': '# x {{',
    });
    expect([...project.models.keys()]).toEqual(['marts.a']);
  });
});

describe('a user’s own folder', () => {
  async function both(bundled: Record<string, string>, own: Record<string, string>) {
    const roots = await Promise.all([folderOf(bundled), folderOf(own)]);
    const directories = roots.map((root) => join(root, 'models'));
    return loadProject({ directories, feeds: [], vars: {}, env: {}, secrets: [], targetName: 'test' });
  }

  test('wins by schema and name, and removes what was said of the bundled model', async () => {
    const project = await both(
      {
        'models/messaging/utterances.sql': DEDUP,
        'models/messaging/queues.sql': DEDUP,
        'models/messaging/schema.yml': `models:
  - name: utterances
    columns: [{ name: gone, tests: [unique] }]
  - name: queues
    description: bundled
    tests: [{ expression: '1 = 1' }]
unit_tests:
  - { name: old, model: utterances, expect: { rows: [] } }
`,
        'models/macros/m.sql': `{% macro word() %}bundled{% endmacro %}`,
        'models/marts/kept.sql': `select '{{ word() }}'`,
      },
      {
        'models/messaging/utterances.sql': `select 'mine'`,
        'models/marts/more.sql': `select * from {{ ref('kept') }}`,
        'models/more.yml': 'models: [{ name: queues, description: mine }]',
        'models/macros/m.sql': `{% macro word() %}mine{% endmacro %}`,
      },
    );
    expect(model(project, 'messaging.utterances').template).toBe(`select 'mine'`);
    expect(model(project, 'messaging.utterances').tests).toEqual([]);
    expect(project.unitTests).toEqual([]);
    expect(model(project, 'messaging.queues')).toMatchObject({ description: 'mine', tests: [] });
    expect(model(project, 'marts.kept').render(BUILD).sql).toBe(`select 'mine'`);
    expect(model(project, 'marts.more').refs).toEqual(['marts.kept']);
  });

  test('may replace a bundled model that is wrong', async () => {
    const project = await both({ 'models/marts/a.sql': '{{ broken' }, { 'models/marts/a.sql': 'select 1' });
    expect(project.models.size).toBe(1);
  });

  test('can turn a bundled model off, unless something reads it', async () => {
    const bundled = {
      'models/marts/a.sql': 'select 1',
      'models/marts/b.sql': `select * from {{ ref('a') }}`,
    };
    const off = 'models: [{ name: b, config: { enabled: false } }]';
    const project = await both(bundled, { 'models/off.yml': off });
    expect([...project.models.keys()]).toEqual(['marts.a']);
    expect([...project.disabled.keys()]).toEqual(['marts.b']);
    const broken = await both(bundled, { 'models/off.yml': off.replace('name: b', 'name: a') });
    expect(broken.broken.get('marts.b')?.problems).toMatchObject([
      { file: 'models/marts/b.sql', line: 1, message: 'marts.a is disabled' },
    ]);
  });

  test('is named when it is not there', async () => {
    const root = await folderOf({});
    const options = { feeds: [], vars: {}, env: {}, secrets: [], targetName: 'test' };
    const error = await loadProject({ ...options, directories: [join(root, 'none')] }).catch((e) => e);
    expect(error).toBeInstanceOf(ModelError);
    expect(error.message).toContain(join(root, 'none'));
    await mkdir(join(root, 'none'));
    expect((await loadProject({ ...options, directories: [join(root, 'none')] })).models.size).toBe(0);
  });
});

describe('feeds without a model file', () => {
  const feeds = [
    { group: 'messaging', feed: 'queues', key: ['id', "o'clock"], orderBy: [] },
    { group: 'messaging', feed: 'utterances', key: ['id'], orderBy: ['ts', 'seq'] },
    { group: 'messaging', feed: 'keyless', key: [], orderBy: [] },
    { group: 'messaging', feed: 'off', key: ['id'], orderBy: [] },
  ];

  test('get the dedup model that a person would have written', async () => {
    const project = await projectOf(
      {
        'models/messaging/utterances.sql': `select 'by hand'`,
        'models/messaging/off.sql': `{{ config(enabled=false) }} select 1`,
        'models/marts/a.sql': `select * from {{ ref('queues') }}`,
        'models/messaging/schema.yml': 'models: [{ name: queues, description: of people }]',
      },
      { feeds },
    );
    expect([...project.models.keys()]).toEqual(['marts.a', 'messaging.queues', 'messaging.utterances']);
    const queues = model(project, 'messaging.queues');
    expect(queues).toMatchObject({
      generated: true,
      description: 'of people',
      template: `{{ config(materialized='dedup', unique_key=['id', 'o\\'clock'], order_by=[]) }}
select * from {{ source('messaging', 'queues') }}
`,
      config: { materialized: 'dedup', unique_key: ['id', "o'clock"], order_by: [] },
    });
    expect(model(project, 'messaging.utterances').generated).toBe(false);
    const alone = await projectOf({ 'models/marts/a.sql': 'select 1' }, { feeds });
    expect(model(alone, 'messaging.utterances').template).toContain("order_by=['ts', 'seq']");
  });
});

describe('what is wrong with a project', () => {
  test('is reported of all files at once', async () => {
    const problems = await problemsOf({
      'models/marts/a.sql': `select 1\n{{ nothing_like_it }}`,
      'models/marts/b.sql': `{{ config(materialised='table') }}\nselect * from {{ ref('aa') }}`,
      'models/marts/c.sql': `select * from {{ ref('a') }}`,
      'models/schema.yml': 'models:\n  - name: cc\n  - name: [',
      'models/other.yml': 'models:\n  - name: cc',
    });
    expect(problems.map((line) => line.replace(/(:\d+: ).*/, '$1'))).toEqual([
      'models/marts/a.sql:2: ',
      'models/marts/b.sql:1: ',
      'models/marts/b.sql:2: ',
      'models/other.yml:2: ',
      'models/schema.yml:3: ',
    ]);
  });

  const one = async (sql: string, more: Record<string, string> = {}) =>
    problemsOf({ 'models/marts/a.sql': sql, 'models/marts/agents.sql': 'select 1', ...more });

  test.each([
    [
      'an unknown model',
      `select 1\nfrom {{ ref('agnets') }}`,
      'models/marts/a.sql:2: there is no model agnets (did you mean "marts.agents"?)',
    ],
    [
      'an unknown schema',
      `select * from {{ ref('mart', 'agents') }}`,
      'models/marts/a.sql:1: there is no model mart.agents (did you mean "marts.agents"?)',
    ],
    [
      'an unknown key',
      `{{ config(\n  materialized='table',\n  unique_kee='x') }} select 1`,
      'models/marts/a.sql:3: config has no "unique_kee" where materialized is table: there are description, enabled, materialized, meta, tags',
    ],
    [
      'a key that is nearly right',
      `{{ config(materialized='dedup', unique_kee='x', unique_key='x') }} select 1`,
      'models/marts/a.sql:1: config has no "unique_kee" where materialized is dedup (did you mean "unique_key"?): there are description, enabled, materialized, meta, order_by, tags, unique_key',
    ],
    [
      'an unknown materialization',
      `{{ config(materialized='tabel') }} select 1`,
      'models/marts/a.sql:1: materialized must be one of dedup, incremental, table, view, but is "tabel" (did you mean "table"?)',
    ],
    [
      'a wrong value',
      `{{ config(materialized='dedup', unique_key=[1]) }} select 1`,
      'models/marts/a.sql:1: unique_key must be a name, or a list of names, but is [1]',
    ],
    [
      'a dedup model without a key',
      `{{ config(materialized='dedup') }} select 1`,
      'models/marts/a.sql:1: unique_key must be a name, or a list of names, but is missing from config()',
    ],
    [
      'an empty key',
      `{{ config(materialized='dedup', unique_key=[]) }} select 1`,
      'models/marts/a.sql:1: unique_key must name at least one column, but is []',
    ],
    [
      'a direction',
      `{{ config(materialized='dedup', unique_key='a', order_by='ts desc') }} select 1`,
      'models/marts/a.sql:1: order_by must name columns only: they rank highest first by themselves, but is "ts desc"',
    ],
    [
      'a merge without a key',
      `{{ config(materialized='incremental', strategy='merge') }} select 1`,
      'models/marts/a.sql:1: unique_key must say which rows are the same, where the strategy is merge, but is missing from config()',
    ],
    [
      'an unknown strategy',
      `{{ config(materialized='incremental', strategy='upsert') }} select 1`,
      'models/marts/a.sql:1: strategy must be one of append, merge, but is "upsert"',
    ],
    [
      'a variable without a value',
      `select\n{{ var('dayz') }}`,
      `models/marts/a.sql:2: var "dayz" is not set: set it under vars, or write var('dayz', DEFAULT)`,
    ],
    [
      'an environment variable without a value',
      `select\n{{ env_var('REGION') }}`,
      `models/marts/a.sql:2: the environment variable REGION is not set: set it, or write env_var('REGION', DEFAULT)`,
    ],
    [
      'an error of the author’s own',
      `\n{{ exceptions.raise_compiler_error('not like this') }}`,
      'models/marts/a.sql:2: not like this',
    ],
    [
      'a source without a feed',
      `\n{{ source('messaging') }}`,
      "models/marts/a.sql:2: source() takes a group and a feed, as in source('messaging', 'convos_metrics')",
    ],
    [
      'a ref to nothing',
      '\n{{ ref() }}',
      "models/marts/a.sql:2: ref() takes a model's name, or its schema and name",
    ],
    ['a ref with more', `\n{{ ref('agents', v=2) }}`, 'models/marts/a.sql:2: there is no argument v here'],
    [
      'no SQL',
      `{{ config() }}\n-- nothing\n/* at\nall */ ;`,
      'models/marts/a.sql: there is no SQL in this file',
    ],
    [
      'a model built from itself',
      `select 1\nfrom {{ ref('a') }}`,
      'models/marts/a.sql:2: these models are built from each other: marts.a -> marts.a (models/marts/a.sql:2)',
    ],
  ])('is reported with its file and line: %s', async (_, sql, problem) => {
    expect(await one(sql)).toEqual([problem]);
  });

  test.each([
    ['AWS_SECRET_ACCESS_KEY', 'looks like a secret'],
    ['gh_token', 'looks like a secret'],
    ['DB_PASSWORD', 'looks like a secret'],
    ['PGP_PASSPHRASE', 'looks like a secret'],
    ['GOOGLE_CREDENTIALS', 'looks like a secret'],
    ['DBT_ENV_SECRET_X', 'looks like a secret'],
    // However warehouse.yaml calls it, or spells its value.
    ['ASAPP_HUSH', 'is a secret of warehouse.yaml'],
    ['ELSEWHERE', 'is a secret of warehouse.yaml'],
  ])('includes a model that asks for the environment variable %s, default or not', async (name, why) => {
    const [problem] = await problemsOf(
      { 'models/marts/a.sql': `select\n'{{ env_var('${name}', 'none') }}'` },
      {
        env: { [name]: 'hush-hush' },
        secrets: ['hush-hush'].filter(() => name === 'ELSEWHERE'),
        secretVariables: ['ASAPP_HUSH'],
      },
    );
    expect(problem).toContain(`models/marts/a.sql:2: the environment variable ${name} ${why}`);
    expect(problem).not.toContain('hush-hush');
  });

  test('includes a name in two schemas that is used without its schema', async () => {
    const both = { 'models/messaging/u.sql': 'select 1', 'models/ai_services/u.sql': 'select 1' };
    expect(
      await problemsOf({
        ...both,
        'models/messaging/more.sql': `select * from {{ ref('u') }}`,
        'models/schema.yml': 'models:\n  - name: u',
      }),
    ).toEqual([
      `models/messaging/more.sql:1: u could be ai_services.u or messaging.u: write ref('ai_services', 'u') or ref('messaging', 'u')`,
      'models/schema.yml:2: u could be ai_services.u or messaging.u: write ai_services.u or messaging.u',
    ]);
    const project = await projectOf({
      ...both,
      'models/messaging/schema.yml': 'models: [{ name: u, description: by folder }]',
      'models/schema.yml': 'models: [{ name: ai_services.u, description: by name }]',
    });
    expect(model(project, 'messaging.u').description).toBe('by folder');
    expect(model(project, 'ai_services.u').description).toBe('by name');
  });

  test('includes two files for one model, macro or test', async () => {
    expect(
      await problemsOf({
        'models/marts/x/a.sql': 'select 1',
        'models/marts/y/A.sql': 'select 1',
        'models/tests/t.sql': 'select 1',
        'tests/t.sql': 'select 1',
      }),
    ).toEqual([
      'models/marts/y/A.sql: two files make marts.a: this one and models/marts/x/a.sql',
      'tests/t.sql: two tests are called t: this one and models/tests/t.sql',
    ]);
    expect(
      await problemsOf({
        'models/macros/a.sql': '{% macro m() %}{% endmacro %}',
        'models/macros/b.sql': '\n{% macro m() %}{% endmacro %}{% macro ref() %}{% endmacro %}',
      }),
    ).toEqual([
      'models/macros/b.sql:2: two macros are called m; first in models/macros/a.sql:1',
      'models/macros/b.sql:2: no macro can be called ref',
    ]);
  });

  test('includes a file of macros that cannot be read, and each model that calls it', async () => {
    expect(
      await problemsOf({
        'models/macros/a.sql': '{% macro m() %}\n{{ ( }}{% endmacro %}',
        'models/marts/a.sql': 'select {{ m() }}',
        'models/marts/b.sql': 'select 1',
      }),
    ).toEqual([
      expect.stringMatching(/^models\/macros\/a\.sql:2: Jinja: /),
      'models/marts/a.sql:1: there is nothing called "m"',
    ]);
  });

  test.each([
    ['models/a.sql', 'a model belongs in the folder of its schema, e.g. models/marts/NAME.sql'],
    ['models/ops/a.sql', 'the schema ops is not for models: name the folder something else'],
    ['models/main/a.sql', 'the schema main is not for models: name the folder something else'],
    [
      'models/staging_messaging/a.sql',
      'the schema staging_messaging is not for models: name the folder something else',
    ],
    [
      'models/my marts/a.sql',
      '"my marts" cannot be a name: only letters, digits and _ can, and no digit first',
    ],
    ['models/marts/a-b.sql', '"a-b" cannot be a name: only letters, digits and _ can, and no digit first'],
  ])('includes the name or the folder of %s', async (path, problem) => {
    expect(await problemsOf({ [path]: 'select 1' })).toEqual([`${path}: ${problem}`]);
  });

  test('includes the configuration of a test', async () => {
    expect(
      await problemsOf({
        'tests/t.sql': `{{ config(severity='low', where='x') }} select 1`,
        'models/x.md': '',
      }),
    ).toEqual([
      'tests/t.sql:1: severity must be one of error, warn, but is "low"',
      'tests/t.sql:1: config of a test has no "where": there are description, severity, error_if, warn_if, store_failures, tags, enabled',
    ]);
  });
});
