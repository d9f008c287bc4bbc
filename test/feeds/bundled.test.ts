import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readCatalogue } from '../../src/feeds/bundled.ts';
import { type FeedSpec, modelledFeeds } from '../../src/feeds/catalogue.ts';
import { parseOverrides } from '../../src/feeds/documents/overrides.ts';
import { parseExportDocument } from '../../src/feeds/documents/parse.ts';
import { tableName } from '../../src/feeds/names.ts';
import { loadProject } from '../../src/models/project.ts';

/** The schemas and dedup models that come with the program agree with each other. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const schemas = path.join(root, 'schemas');
const GROUPS = ['messaging', 'ai_services'] as const;

const catalogue = await readCatalogue(schemas);
const overrides = parseOverrides(
  await readFile(path.join(schemas, 'overrides.yaml'), 'utf8'),
  'overrides.yaml',
);
const feeds = GROUPS.flatMap((group) => catalogue.feeds(group));
const published = await Promise.all(
  GROUPS.map(async (group) => {
    const text = await readFile(path.join(schemas, `${group}.yaml`), 'utf8');
    return { group, ...parseExportDocument(text, `${group}.yaml`) };
  }),
);
const documents = published.flatMap(({ group, document }) => document.feeds.map((doc) => ({ group, doc })));

function column(group: string, feed: string, name: string) {
  return catalogue.feed(group, feed, '1')?.columns.find((candidate) => candidate.name === name)?.type;
}

test('the bundled documents hold 55 feeds and 1,150 columns, and are read without a problem', () => {
  expect(published.flatMap(({ problems }) => problems)).toEqual([]);
  expect(catalogue.groups.toSorted()).toEqual(GROUPS.toSorted());
  expect(feeds).toHaveLength(55);
  expect(feeds.reduce((count, { columns }) => count + columns.length, 0)).toBe(1150);
});

test('every bundled feed is described and has a key, and five have no published columns', () => {
  for (const { feed, description, key } of feeds) {
    expect(description, feed).toMatch(/^[A-Z].*\.$/);
    expect(key, feed).not.toEqual([]);
  }
  expect(feeds.filter(({ columns }) => columns.length === 0).map(({ feed }) => feed)).toEqual([
    'cobrowsing',
    'export_row_counts',
    'fact_convos_missed_ends',
    'queue_membership_wfm',
    'queue_wfm',
  ]);
});

test('each of the 64 columns without a published type has one that a person gave, with a reason', () => {
  const untyped = documents.flatMap(({ group, doc }) =>
    doc.columns.filter(({ type }) => type === '').map(({ name }) => ({ group, feed: doc.name, name })),
  );
  expect(untyped).toHaveLength(64);
  const forgotten = untyped.filter(
    ({ group, feed, name }) => !overrides.get(group)?.get(feed)?.columns?.has(name),
  );
  expect(forgotten).toEqual([]);
});

test('each published key that names a column the feed lacks is corrected', () => {
  const lacking = documents.filter(
    ({ doc }) =>
      doc.columns.length > 0 &&
      doc.key.some((name) => !doc.columns.some((candidate) => candidate.name === name)),
  );
  expect(lacking).toHaveLength(12);
  for (const { group, doc } of lacking)
    expect(overrides.get(group)?.get(doc.name)?.key, doc.name).toBeDefined();
});

test('every correction is of a feed and of columns that are there, and corrects something', () => {
  for (const [group, tables] of overrides) {
    for (const [table, { key, order_by, columns }] of tables) {
      const spec = catalogue.feeds(group).find(({ feed, version }) => tableName(feed, version) === table);
      const names = spec?.columns.map(({ name }) => name) ?? [];
      for (const name of [...(key?.use ?? []), ...(order_by?.use ?? []), ...(columns?.keys() ?? [])]) {
        expect(names, `${group}.${table}`).toContain(name);
      }
      if (key) expect(key.use).not.toEqual(documents.find(({ doc }) => doc.name === table)?.doc.key);
    }
  }
});

test('types that the documents get wrong or leave open are as they were decided', () => {
  expect(column('ai_services', 'staging_conversation_state', 'conversation_id')).toBe('VARCHAR');
  expect(column('ai_services', 'staging_conversation_state', 'conversation_metadata_company_segment')).toBe(
    'JSON',
  );
  expect(column('messaging', 'convos_intents', 'first_utterance_ts')).toBe('TIMESTAMP');
  expect(column('messaging', 'convos_metrics', 'assisted')).toBe('BOOLEAN');
  expect(column('messaging', 'convos_metrics', 'total_seconds_to_first_rep_response')).toBe('DOUBLE');
  expect(column('messaging', 'convos_metrics_ended', 'total_seconds_to_first_rep_response')).toBe('DOUBLE');
  expect(column('messaging', 'rep_convos', 'cume_cross_talk_seconds')).toBe('DECIMAL(38,5)');
  expect(column('messaging', 'rep_utilized', 'labor_min')).toBe('DOUBLE');
});

describe('the dedup models', async () => {
  const models = await Promise.all(
    GROUPS.map(async (group) => {
      const names = (await readdir(path.join(root, 'models', group))).filter((name) => name.endsWith('.sql'));
      return names.map((name) => ({ group, name: path.basename(name, '.sql') }));
    }),
  );

  test('are one for each feed', () => {
    const expected = feeds.map(({ group, feed }) => `${group}.${feed}`).toSorted();
    expect(
      models
        .flat()
        .map(({ group, name }) => `${group}.${name}`)
        .toSorted(),
    ).toEqual(expected);
  });

  test('run as they are written, and none gives way to what the schema says', async () => {
    const project = await loadProject({
      directories: [path.join(root, 'models')],
      feeds: modelledFeeds(catalogue),
      vars: {},
      env: {},
      secrets: [],
      targetName: 'test',
    });
    const rules = feeds.map(({ group, feed, version, key, orderBy }) => ({
      id: `${group}.${feed}`,
      file: `models/${group}/${feed}.sql`,
      generated: false,
      config: { materialized: 'dedup', unique_key: key, order_by: orderBy },
      sources: [{ group, feed: tableName(feed, version) }],
    }));
    expect(rules).toHaveLength(55);
    expect(rules.map(({ id }) => project.models.get(id))).toMatchObject(rules);
  });

  test.each(models.flat())(
    'have a short one for $group.$name that agrees with the catalogue',
    async ({ group, name }) => {
      const spec = catalogue.feed(group, name, '1') as FeedSpec;
      const lines = (await readFile(path.join(root, 'models', group, `${name}.sql`), 'utf8')).split('\n');
      const comments = lines.filter((line) => line.startsWith('--'));
      expect(lines.slice(comments.length)).toEqual([
        `{{ config(materialized='dedup', unique_key=${list(spec.key)}, order_by=${list(spec.orderBy)}) }}`,
        `select * from {{ source('${group}', '${name}') }}`,
        '',
      ]);
      expect(comments.length).toBeLessThanOrEqual(4);

      const names = spec.columns.map((candidate) => candidate.name);
      if (names.length > 0) expect(names).toEqual(expect.arrayContaining([...spec.key, ...spec.orderBy]));
      // The comment says what a reader of the published schema would wonder about.
      const doc = documents.find(
        (candidate) => candidate.group === group && candidate.doc.name === name,
      )?.doc;
      if (list(doc?.key ?? []) !== list(spec.key))
        expect(comments.join(' ')).toContain('which the feed lacks');
      if (spec.orderBy.length === 0) expect(comments.at(-1)).toContain('_partition_ts decides');
    },
  );
});

function list(names: readonly string[]): string {
  return `[${names.map((name) => `'${name}'`).join(', ')}]`;
}
