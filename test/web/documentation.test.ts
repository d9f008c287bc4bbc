import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openProject } from '../../src/models/build/build.ts';
import { generateDocs } from '../../src/web/docs.ts';
import { NOW, Project } from '../support/project.ts';

const NASTY = `<script>alert("x")</script><img src=x onerror=alert(1)> & 'quotes' </section>`;

const FILES = {
  'models/messaging/convos_metadata.sql':
    "{{ config(materialized='dedup', unique_key='issue_id') }}\nselect * from {{ source('messaging', 'convos_metadata') }}",
  'models/reports/by_platform.sql':
    "{{ config(materialized='table', tags=['daily']) }}\nselect platform, count(*) as conversations from {{ ref('messaging', 'convos_metrics') }} group by 1",
  'models/reports/top.sql': `select max(conversations) as "<b>most</b>" from {{ ref('by_platform') }}`,
  'models/reports/broken.sql': "select error('no such luck') from {{ ref('top') }}",
  'models/reports/schema.yml': `
models:
  - name: by_platform
    description: ${JSON.stringify(`${NASTY}\n\nSecond \`paragraph\`.`)}
    tests:
      - unique: { combination_of_columns: [platform, conversations] }
      - expression: { expression: conversations > 1, name: more_than_one, severity: warn }
    columns:
      - name: platform
        description: Where the customer wrote.
        tests:
          - unique
          - not_null: { where: conversations > 0 }
          - accepted_values: { values: [web, ios] }
          - relationships: { to: "source('messaging', 'convos_metrics')", field: platform }
unit_tests:
  - name: counts_rows
    model: by_platform
    given:
      - input: ref('convos_metrics')
        rows: [{ platform: web, issue_id: 90071992547409931 }, { platform: web }]
    expect: { rows: [{ platform: web, conversations: 2 }] }
`,
  'models/tests/nothing_is_negative.sql': "select * from {{ ref('by_platform') }} where conversations < 0",
};

let project: Project;

beforeAll(async () => {
  project = await Project.create(
    'company: acme\nenvironment: prod\nmodels: ./models\nsources:\n  messaging: { connector: local, path: ./feeds }\n',
  );
  for (const [path, text] of Object.entries(FILES)) await project.write(path, text);
  await project.partition('convos_metrics', '2026-01-10 09', [
    { issue_id: 1, platform: 'web' },
    { issue_id: 2, platform: 'web' },
    { issue_id: 3, platform: 'ios' },
  ]);
  await project.run();
  await generate(project);
});

afterAll(() => project[Symbol.asyncDispose]());

async function generate(of: Project): Promise<void> {
  await using workspace = await of.open({ dryRun: true });
  const { config, catalogue, session } = workspace;
  const opened = await openProject(config, catalogue);
  await generateDocs({ config, catalogue, project: opened, session, now: NOW }, of.path('target'));
}

async function written(name: string, of = project): Promise<string> {
  return readFile(of.path('target', name), 'utf8');
}

// biome-ignore lint/suspicious/noExplicitAny: what is in there is what the tests are about
async function artifact(name: string): Promise<any> {
  return JSON.parse(await written(name));
}

test('a model that cannot be understood is left out of the manifest, and what reads it is on the page', async () => {
  await using broken = await Project.create(
    'models: ./models\nsources: {messaging: {connector: local, path: feeds}}\n',
  );
  await broken.write('models/marts/a.sql', 'select {{ (');
  await broken.write('models/marts/b.sql', "select * from {{ ref('a') }}");
  await broken.run();
  await generate(broken);
  const { nodes } = JSON.parse(await written('manifest.json', broken));
  expect(Object.keys(nodes).filter((key) => key.includes('.marts.'))).not.toContain(
    'model.asapp_warehouse.marts.a',
  );
  expect(JSON.stringify(nodes)).not.toContain('marts.a"');
  expect(await written('index.html', broken)).toContain('marts.b');
});

describe('manifest.json', () => {
  test('has each model by schema and name, with what tools ask of it', async () => {
    const { nodes, metadata } = await artifact('manifest.json');
    expect(metadata).toMatchObject({
      dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json',
      generated_at: '2026-01-10T12:00:00.000Z',
      adapter_type: 'duckdb',
    });
    expect(nodes['model.asapp_warehouse.reports.by_platform']).toMatchObject({
      resource_type: 'model',
      package_name: 'asapp_warehouse',
      database: 'warehouse',
      schema: 'reports',
      name: 'by_platform',
      path: 'reports/by_platform.sql',
      original_file_path: 'models/reports/by_platform.sql',
      patch_path: 'asapp_warehouse://models/reports/schema.yml',
      fqn: ['asapp_warehouse', 'reports', 'by_platform'],
      relation_name: '"warehouse"."reports"."by_platform"',
      tags: ['daily'],
      config: { materialized: 'table', enabled: true },
      columns: {
        platform: { name: 'platform', data_type: 'VARCHAR', description: 'Where the customer wrote.' },
        conversations: { name: 'conversations', data_type: 'BIGINT', description: '' },
      },
      raw_code: FILES['models/reports/by_platform.sql'],
      compiled_code: expect.stringContaining('from "messaging"."convos_metrics" group by 1'),
      depends_on: { nodes: ['model.asapp_warehouse.messaging.convos_metrics'] },
      checksum: {
        name: 'sha256',
        checksum: createHash('sha256').update(FILES['models/reports/by_platform.sql']).digest('hex'),
      },
    });
  });

  test('says the key of a deduped table, and the feed that it is made of', async () => {
    const { nodes, sources } = await artifact('manifest.json');
    expect(nodes['model.asapp_warehouse.messaging.convos_metrics']).toMatchObject({
      config: { materialized: 'dedup', unique_key: ['issue_id'], order_by: ['first_utterance_ts'] },
      primary_key: ['issue_id'],
      depends_on: { nodes: ['source.asapp_warehouse.messaging.convos_metrics'] },
      columns: { issue_id: { data_type: 'BIGINT', description: 'The conversation.' } },
      meta: { unique_key_from: 'the published schema', order_by_from: 'the published schema' },
    });
    expect(nodes['model.asapp_warehouse.reports.by_platform'].meta).toEqual({});
    expect(sources['source.asapp_warehouse.messaging.convos_metrics']).toMatchObject({
      resource_type: 'source',
      source_name: 'messaging',
      name: 'convos_metrics',
      schema: 'staging_messaging',
      loaded_at_field: '_loaded_at',
      freshness: { warn_after: { count: 120, period: 'minute' } },
      columns: { issue_id: { data_type: 'BIGINT' } },
    });
  });

  test('has tests under the names that dbt and dbt_utils have for them', async () => {
    const { nodes, unit_tests } = await artifact('manifest.json');
    // biome-ignore lint/suspicious/noExplicitAny: see above
    const tests: any[] = Object.values(nodes).filter((node: any) => node.resource_type === 'test');
    const own = tests.filter(
      ({ attached_node }) => attached_node === 'model.asapp_warehouse.reports.by_platform',
    );
    expect(
      own.map(({ test_metadata: { namespace, name }, column_name, config: { severity, where } }) => ({
        namespace,
        name,
        column_name,
        severity,
        where,
      })),
    ).toEqual([
      {
        namespace: 'dbt_utils',
        name: 'unique_combination_of_columns',
        column_name: 'platform, conversations',
        severity: 'ERROR',
        where: null,
      },
      {
        namespace: 'dbt_utils',
        name: 'expression_is_true',
        column_name: null,
        severity: 'WARN',
        where: null,
      },
      { namespace: null, name: 'unique', column_name: 'platform', severity: 'ERROR', where: null },
      {
        namespace: null,
        name: 'not_null',
        column_name: 'platform',
        severity: 'ERROR',
        where: 'conversations > 0',
      },
      { namespace: null, name: 'accepted_values', column_name: 'platform', severity: 'ERROR', where: null },
      { namespace: null, name: 'relationships', column_name: 'platform', severity: 'ERROR', where: null },
    ]);
    expect(nodes['test.asapp_warehouse.nothing_is_negative']).toMatchObject({
      original_file_path: 'models/tests/nothing_is_negative.sql',
      compiled_code: expect.stringContaining('"reports"."by_platform" where conversations < 0'),
    });
    expect(nodes['test.asapp_warehouse.key_unique_messaging_convos_metrics'].test_metadata).toMatchObject({
      name: 'key_unique',
      namespace: 'asapp_warehouse',
    });
    expect(unit_tests['unit_test.asapp_warehouse.reports.by_platform.counts_rows']).toMatchObject({
      model: 'by_platform',
      given: [
        {
          input: "ref('messaging', 'convos_metrics')",
          rows: [{ platform: 'web', issue_id: '90071992547409931' }, { platform: 'web' }],
        },
      ],
      expect: { rows: [{ platform: 'web', conversations: 2 }] },
    });
  });

  test('has two maps that say the same, and name nothing that is not there', async () => {
    const { nodes, sources, unit_tests, parent_map, child_map } = await artifact('manifest.json');
    const all = [...Object.keys(nodes), ...Object.keys(sources), ...Object.keys(unit_tests)].sort();
    expect(Object.keys(parent_map).sort()).toEqual(all);
    expect(Object.keys(child_map).sort()).toEqual(all);
    const up = Object.entries<string[]>(parent_map).flatMap(([child, of]) =>
      of.map((each) => `${each} > ${child}`),
    );
    const down = Object.entries<string[]>(child_map).flatMap(([of, each]) =>
      each.map((child) => `${of} > ${child}`),
    );
    expect(up.sort()).toEqual(down.sort());
    expect(parent_map['model.asapp_warehouse.reports.top']).toEqual([
      'model.asapp_warehouse.reports.by_platform',
    ]);
    expect(parent_map['test.asapp_warehouse.relationships_reports_by_platform_platform']).toEqual([
      'model.asapp_warehouse.reports.by_platform',
      'source.asapp_warehouse.messaging.convos_metrics',
    ]);
  });
});

describe('run_results.json', () => {
  test('is of the last run that built or tested anything, with each node by its key in the manifest', async () => {
    const { nodes, unit_tests } = await artifact('manifest.json');
    const { metadata, results, args, elapsed_time } = await artifact('run_results.json');
    expect(metadata.dbt_schema_version).toBe('https://schemas.getdbt.com/dbt/run-results/v6.json');
    expect(args).toEqual({ which: 'run' });
    expect(elapsed_time).toBe(0);
    const status = new Map(
      results.map((each: { unique_id: string; status: string }) => [each.unique_id, each.status]),
    );
    for (const id of status.keys()) expect([...Object.keys(nodes), ...Object.keys(unit_tests)]).toContain(id);
    expect(Object.fromEntries([...status].filter(([id]) => String(id).includes('reports')))).toMatchObject({
      'model.asapp_warehouse.reports.by_platform': 'success',
      'model.asapp_warehouse.reports.broken': 'error',
      'test.asapp_warehouse.unique_reports_by_platform_platform': 'pass',
      'unit_test.asapp_warehouse.reports.by_platform.counts_rows': 'pass',
    });
    expect(
      results.find((each: { unique_id: string }) => each.unique_id.endsWith('more_than_one')),
    ).toMatchObject({
      status: expect.stringMatching(/warn|fail/),
      failures: 1,
      thread_id: 'main',
      execution_time: 0,
      timing: [{ name: 'execute', started_at: NOW.toISOString() }],
    });
    expect(
      results.find((each: { unique_id: string }) => each.unique_id.endsWith('reports.by_platform')),
    ).toMatchObject({ adapter_response: { rows_affected: 2 }, message: null });
  });

  test('stays as it is after an idle run', async () => {
    const before = await written('run_results.json');
    await project.load();
    await generate(project);
    expect(await written('run_results.json')).toBe(before);
  });
});

describe('index.html', () => {
  test('has every model and feed, with types, descriptions, tests and how fresh it is', async () => {
    const page = await written('index.html');
    const part = partOf(page, 'model/reports.by_platform');
    for (const text of [
      'VARCHAR',
      'BIGINT',
      'Where the customer wrote.',
      'accepted values',
      '2 rows',
      'daily',
    ])
      expect(part).toContain(text);
    expect(partOf(page, 'model/reports.broken')).toContain('failed');
    expect(partOf(page, 'feed/messaging.convos_metrics')).toContain('newest partition 2026-01-10 09:00 UTC');
    expect(partOf(page, 'model/messaging.convos_metadata')).toContain('not built yet');
    // Documented, though nothing has come of it.
    expect(partOf(page, 'model/messaging.convos_metadata')).toContain('Last event of the issue.');
    expect(page).toContain('<title>acme prod · asapp-warehouse</title>');
  });

  test('says what decided the key and the ordering of a deduped table', async () => {
    const page = await written('index.html');
    expect(partOf(page, 'model/messaging.convos_metrics')).toMatch(
      /Records are told apart by<.*issue_.*the published schema<.*first_.*the published schema</,
    );
    expect(partOf(page, 'model/messaging.autopilot_flow')).toContain(
      'schemas/overrides.yaml: The feed has no company_marker',
    );
    expect(partOf(page, 'model/messaging.convos_metadata')).toContain(
      'models/messaging/convos_metadata.sql<',
    );
    expect(partOf(page, 'model/reports.by_platform')).not.toContain('Decided by');
  });

  test('draws what is made from what', async () => {
    const picture = partOf(await written('index.html'), 'overview');
    expect(picture).toContain('<svg');
    for (const [from, to] of [
      ['feed messaging.convos_metrics', 'messaging.convos_metrics'],
      ['messaging.convos_metrics', 'reports.by_platform'],
      ['reports.by_platform', 'reports.top'],
    ])
      expect(picture).toContain(`data-from="${from}" data-to="${to}"`);
    // Its deduped table is read by no other model here.
    expect(picture).not.toContain('data-id="messaging.sms_events"');
  });

  test('shows names and descriptions as text, whatever they hold', async () => {
    const page = await written('index.html');
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<b>most');
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
    expect(page).toContain('<p>Second <code>paragraph</code>.</p>');
    expect(page.match(/<\/section>/g)).toHaveLength(page.match(/<section /g)?.length ?? 0);
  });

  test('asks no network for anything, and lets no script but its own run', async () => {
    const page = await written('index.html');
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/
      .exec(page)?.[1]
      ?.replaceAll('&#39;', "'");
    const [, script] = /<script>([\s\S]*?)<\/script>/.exec(page) ?? [];
    const hash = createHash('sha256')
      .update(script as string)
      .digest('base64');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src 'sha256-${hash}'`);
    expect(page).not.toMatch(/(src|href)="(?!#)/);
    expect(page).not.toMatch(/@import|url\(/);
    expect(() => new Function(script as string)).not.toThrow();
  });

  test('has no link that leads nowhere, and a search that knows every model, feed and column', async () => {
    const page = await written('index.html');
    const ids = new Set([...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id));
    const links = [...page.matchAll(/href="#([^"]*)"/g)].map(([, link]) =>
      decodeURIComponent(link as string),
    );
    expect(links.filter((link) => !ids.has(link))).toEqual([]);
    const [, json] = /<script type="application\/json" id="index">(.*?)<\/script>/.exec(page) ?? [];
    const index = JSON.parse(json as string) as { id: string; columns: string[] }[];
    expect(index.filter(({ id }) => !ids.has(id))).toEqual([]);
    expect(index.find(({ id }) => id === 'model/reports.top')?.columns).toEqual(['<b>most</b>']);
  });
});

test('there is documentation even without any data', async () => {
  await using empty = await Project.create();
  await generate(empty);
  const page = await written('index.html', empty);
  expect(partOf(page, 'overview')).toContain('nothing was built yet');
  expect(partOf(page, 'model/marts.conversations')).toContain('avg_first_response_seconds');
  expect(JSON.parse(await written('run_results.json', empty)).results).toEqual([]);
});

function partOf(page: string, id: string): string {
  const start = page.indexOf(`<section class="part" id="${id}"`);
  expect(start, id).toBeGreaterThan(0);
  return page.slice(start, page.indexOf('</section>', start));
}
