import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { readCatalogue } from '../../src/feeds/bundled.ts';
import { loadCatalogue } from '../../src/feeds/catalogue.ts';
import { parseOverrides } from '../../src/feeds/documents/overrides.ts';
import { parseExportDocument } from '../../src/feeds/documents/parse.ts';
import { stagingTable } from '../../src/feeds/names.ts';

/** A catalogue of one group, `messaging`, of the tables and corrections that are given as YAML. */
function catalogueOf(tables: string, overrides = '') {
  const { document } = parseExportDocument(`tables:\n${tables}`, 'messaging.yaml');
  return loadCatalogue([{ group: 'messaging', document }], parseOverrides(overrides, 'overrides.yaml'));
}

test('the catalogue gives a feed its typed columns, key, ordering and cadence', () => {
  const catalogue = catalogueOf(`
- name: calls
  description: One call.
  primary_key: call_id
  ordering_key: ended_ts
  sync_time: 15m
  columns:
  - { name: call_id, type: bigint(20), description: The call., pii: 'no' }
  - { name: ended_ts, type: timestamp without time zone }
  - { name: shape, type: geometry }
`);
  expect(catalogue.groups).toEqual(['messaging']);
  expect(catalogue.feeds('messaging')).toEqual([catalogue.feed('messaging', 'calls', '1')]);
  expect(catalogue.feed('messaging', 'calls', '1')).toEqual({
    group: 'messaging',
    feed: 'calls',
    version: '1',
    description: 'One call.',
    key: ['call_id'],
    orderBy: ['ended_ts'],
    cadenceMinutes: 15,
    columns: [
      { name: 'call_id', type: 'BIGINT', description: 'The call.', pii: 'no' },
      { name: 'ended_ts', type: 'TIMESTAMP', description: '', pii: '' },
      { name: 'shape', type: 'VARCHAR', description: '', pii: '' },
    ],
  });
});

test('a feed that nobody documents has no specification', () => {
  const catalogue = catalogueOf('- name: calls');
  expect(catalogue.feed('messaging', 'chats', '1')).toBeUndefined();
  expect(catalogue.feed('messaging', 'calls', '2')).toBeUndefined();
  expect(catalogue.feed('own', 'calls', '1')).toBeUndefined();
  expect(catalogue.feeds('own')).toEqual([]);
});

test.each([
  ['company_marker, id', 'company_marker, company_name, id', ['company_marker', 'id']],
  ['company_marker, id', 'company_id, company_name, id', ['company_name', 'id']],
  ['id, company_marker', 'company_id, id', ['id', 'company_id']],
  ['company_marker, company_name, id', 'company_name, id', ['company_name', 'id']],
  ['company_marker, id', 'id', ['id']],
  ['gone, id', 'id', ['id']],
  ['ID', 'id', ['id']],
])('of the key %s, a feed with the columns %s has %j', (key, columns, resolved) => {
  const catalogue = catalogueOf(`- { name: calls, primary_key: '${key}', columns: [${columns}] }`);
  expect(catalogue.feed('messaging', 'calls', '1')?.key).toEqual(resolved);
});

test('without published columns, the key and the ordering stand as published', () => {
  const spec = catalogueOf('- { name: calls, primary_key: a, ordering_key: "b, a" }').feed(
    'messaging',
    'calls',
    '1',
  );
  expect([spec?.columns, spec?.key, spec?.orderBy]).toEqual([[], ['a'], ['b']]);
});

test('the ordering leaves out what the feed lacks, and what is in the key', () => {
  const tables = '- { name: calls, primary_key: a, ordering_key: "gone, a, b", columns: [a, b] }';
  expect(catalogueOf(tables).feed('messaging', 'calls', '1')?.orderBy).toEqual(['b']);
});

test('a person can correct one version of a feed and leave the other', () => {
  const catalogue = catalogueOf(
    `
- { name: calls, primary_key: a, ordering_key: c, columns: { a: timestamp, b: bigint, c: } }
- { name: calls, version: '2', primary_key: a, ordering_key: c, columns: { a: timestamp, b: bigint, c: } }
`,
    `
messaging:
  calls__v2:
    key: { use: [b], reason: It identifies a call. }
    order_by: { use: [], reason: It says nothing of the order. }
    columns: { a: { type: varchar, reason: It holds ABC123. } }
`,
  );
  const facts = ['1', '2'].map((version) => {
    const spec = catalogue.feed('messaging', 'calls', version);
    return [spec?.key, spec?.orderBy, spec?.columns.map((column) => column.type)];
  });
  expect(facts).toEqual([
    [['a'], ['c'], ['TIMESTAMP', 'BIGINT', 'VARCHAR']],
    [['b'], [], ['VARCHAR', 'BIGINT', 'VARCHAR']],
  ]);
});

test('a field that is named like a column that staging adds has a column of another name', () => {
  const columns = '_line, _LINE, _File_Id, rowid, RowId_, line, _lines';
  const spec = catalogueOf(`- { name: calls, primary_key: _line, columns: [${columns}] }`).feed(
    'messaging',
    'calls',
    '1',
  );
  expect(spec?.columns.map((column) => column.name)).toEqual([
    '_line_',
    '_File_Id_',
    'rowid_',
    'RowId__',
    'line',
    '_lines',
  ]);
  expect(spec?.key).toEqual(['_line_']);
});

test('of columns whose names differ only in case, the first counts', () => {
  const column = (name: string, type: string) => ({
    name,
    type,
    description: '',
    pii: '',
    created: undefined,
    updated: undefined,
    deleted: undefined,
  });
  const { document } = parseExportDocument('tables: [calls]', 'd');
  const feeds = document.feeds.map((feed) => ({
    ...feed,
    columns: [column('Id', 'bigint'), column('ID', 'text')],
  }));
  const catalogue = loadCatalogue([{ group: 'own', document: { feeds } }], new Map());
  expect(catalogue.feed('own', 'calls', '1')?.columns).toMatchObject([{ name: 'Id', type: 'BIGINT' }]);
});

test('a feed is staged in the schema of its group, and a later version in a table of its own', () => {
  expect(stagingTable('messaging', 'calls', '1')).toEqual({ schema: 'staging_messaging', table: 'calls' });
  expect(stagingTable('own', 'calls', '2')).toEqual({ schema: 'staging_own', table: 'calls__v2' });
});

test('a folder of documents gives a catalogue, or says what is wrong in which file', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'catalogue-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, 'own.yaml'), 'tables: [{ name: calls, columns: { a: bigint } }]');
  await writeFile(path.join(folder, 'notes.txt'), 'not a document');
  expect((await readCatalogue(folder)).groups).toEqual(['own']);

  await writeFile(
    path.join(folder, 'overrides.yaml'),
    'own: { calls: { columns: { a: { type: text, reason: x } } } }',
  );
  expect((await readCatalogue(folder)).feed('own', 'calls', '1')?.columns[0]?.type).toBe('VARCHAR');

  await writeFile(path.join(folder, 'own.yaml'), 'tables: [{ name: calls, columns: { a: geometry } }]');
  const failure = await readCatalogue(folder).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConfigError);
  expect((failure as ConfigError).message).toContain('own.yaml:1: calls.a.type');
  expect(await readFile(path.join(folder, 'notes.txt'), 'utf8')).toBe('not a document');
});
