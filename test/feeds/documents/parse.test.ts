import { describe, expect, test } from 'vitest';
import { parseExportDocument } from '../../../src/feeds/documents/parse.ts';
import { DEFAULT_LIMITS } from '../../../src/limits.ts';

/** The feeds of a document in which everything was understood. */
function feedsOf(text: string) {
  const { document, problems } = parseExportDocument(text, 'export_docs.yaml');
  expect(problems).toEqual([]);
  return document.feeds;
}

function problemsOf(text: string): string[] {
  return parseExportDocument(text, 'export_docs.yaml').problems.map(
    ({ line, key, message }) => `${line}: ${key}: ${message}`,
  );
}

const DOCUMENT = `
schemas:
  - name: exports
    tables:
      - name: calls
        description: One call.
        version: '2'
        primary_key: "primary-key: company_marker, call_id"
        ordering_key: ended_ts DESC
        sync_time: 1h
        active_date: 2022-01-31T00:00:00
        modified_date: '2025-01-09 00:00:00'
        deprecation_date: 2026-01-01
        expected_eol_date: null
        actual_eol_date: ''
        replacement_table: calls_v3
        change_log: []
        columns:
          - name: call_id
            type: bigint
            description: The call.
            example: [1, { two: 3 }]
            created_date: 2022-01-31 00:00:00
            updated_date: 2023-02-01 00:00:00
            deleted_date: ''
            pii: 'no'
          - { name: ended_ts, type: timestamp, created_date: 2022-01-31, example: 2022-01-31 }
`;

const CALLS = {
  name: 'calls',
  version: '2',
  description: 'One call.',
  key: ['company_marker', 'call_id'],
  orderBy: ['ended_ts'],
  cadenceMinutes: 60,
  active: '2022-01-31',
  modified: '2025-01-09',
  deprecated: '2026-01-01',
  expectedEnd: undefined,
  actualEnd: undefined,
  replacement: 'calls_v3',
  columns: [
    {
      name: 'call_id',
      type: 'bigint',
      description: 'The call.',
      pii: 'no',
      created: '2022-01-31',
      updated: '2023-02-01',
      deleted: undefined,
    },
    {
      name: 'ended_ts',
      type: 'timestamp',
      description: '',
      pii: '',
      created: '2022-01-31',
      updated: '2022-01-31',
      deleted: undefined,
    },
  ],
};

test('a document in the published shape is understood', () => expect(feedsOf(DOCUMENT)).toEqual([CALLS]));

test('the same document is understood as JSON, and after a byte order mark', () => {
  const json = JSON.stringify({
    schemas: [
      {
        tables: [
          {
            name: 'calls',
            description: 'One call.',
            version: 2,
            primary_key: 'company_marker, call_id',
            ordering_key: 'ended_ts',
            sync_time: '1h',
            active_date: '2022-01-31T00:00:00',
            modified_date: '2025-01-09T00:00:00',
            deprecation_date: '2026-01-01T00:00:00',
            replacement_table: 'calls_v3',
            columns: [
              {
                name: 'call_id',
                type: 'bigint',
                description: 'The call.',
                pii: 'no',
                created_date: '2022-01-31 00:00:00',
                updated_date: '2023-02-01 00:00:00',
                example: 7,
              },
              { name: 'ended_ts', type: 'timestamp', created_date: '2022-01-31 00:00:00', example: null },
            ],
          },
        ],
      },
    ],
  });
  expect(feedsOf(json)).toEqual([CALLS]);
  expect(feedsOf(`\ufeff${json}`)).toEqual([CALLS]);
});

describe('a document that is written in another way', () => {
  const plain = feedsOf(`
schemas:
  - tables:
      - { name: calls, primary_key: 'a, b', columns: [{ name: a, type: bigint }, { name: b }] }
`);
  test.each([
    [
      'mappings for lists',
      `
schemas:
  exports:
    tables:
      calls:
        primary_key: [a, b]
        columns:
          a: { type: bigint }
          b: {}
`,
    ],
    [
      'one schema, types and names alone',
      'schemas: {name: exports, tables: {calls: {unique_condition: "a,b", columns: {a: bigint, b: }}}}',
    ],
    [
      'no schemas',
      'tables: [{name: calls, unique_condition: [a, b], columns: [{name: a, type: bigint}, b]}]',
    ],
    [
      'other spellings of keys, quoted names',
      `
Schemas:
  - Tables:
      - Name: '"calls"'
        Unique-Condition: '["a", "b"]'
        columns: [{ name: '\`a\`', type: ' bigint ' }, { name: " 'b' " }]
`,
    ],
    [
      'an empty primary_key',
      'tables: {calls: {primary_key: "", unique_condition: "(a, b)", columns: {a: bigint, b: }}}',
    ],
    ['a key of its own', 'tables: {calls: {primary_key: {primary-key: "a, b"}, columns: {a: bigint, b: }}}'],
    [
      'anchors and aliases',
      `
shared: &b { name: b }
tables:
  - name: calls
    primary_key: a, b
    columns: [{ name: a, type: bigint }, *b]
`,
    ],
  ])('is understood as the same: %s', (_, text) => expect(feedsOf(text)).toEqual(plain));
});

test.each([
  ['15m', 15],
  ['30 minutes', 30],
  ['1h', 60],
  ['2 hours', 120],
  ['1d', 1440],
  ['daily', 1440],
  ['hourly', 60],
  ['', undefined],
])('the cadence %j in minutes is %s', (text, minutes) => {
  expect(feedsOf(`tables: [{name: calls, sync_time: '${text}'}]`)[0]?.cadenceMinutes).toBe(minutes);
});

test('scalars are kept as they were written', () => {
  const [feed] = feedsOf(
    'tables: [{name: 007, version: 1.0, columns: [{name: no, type: bigint}, {name: 1e3}]}]',
  );
  expect([feed?.name, feed?.version, feed?.columns.map((column) => column.name)]).toEqual([
    '007',
    '1.0',
    ['no', '1e3'],
  ]);
});

test('two versions of a feed are two feeds', () => {
  const feeds = feedsOf("tables: [{name: calls}, {name: calls, version: '2'}]");
  expect(feeds.map((feed) => feed.version)).toEqual(['1', '2']);
});

test('a name may hold anything, and is only data', () => {
  const name = `x"; DROP TABLE calls; --'`;
  const [feed] = feedsOf(JSON.stringify({ tables: [{ name, columns: [{ name }] }] }));
  expect([feed?.name, feed?.columns[0]?.name]).toEqual([name, name]);
});

test('what cannot be understood is reported with its line, and the rest counts', () => {
  const text = `schemas:
- tables:
  - name: calls
    sync_time: now and then
    active_date: 2022-02-30
    primary_key: [a, {b: c}]
    description: [not, text]
    columns:
    - {name: a, type: geometry}
    - {name: A, type: bigint}
    - {type: bigint}
    - {name: "b\\u0000", type: bigint}
  - name: CALLS
  - {description: nameless}
  - name: chats
    columns: all of them
`;
  expect(problemsOf(text)).toEqual([
    '7: calls.description: must be text',
    '6: calls.primary_key: must be a list of column names',
    '4: calls.sync_time: "now and then" is not a time like 15m, 1h or 1d',
    '5: calls.active_date: "2022-02-30" is not a date',
    '9: calls.a.type: "geometry" is not a type we know; its values are kept as text',
    '10: calls.A: is there twice; the first counts',
    '11: calls.columns: one has no name',
    '12: calls.columns: a name has control characters, or no end',
    '13: CALLS: is in the document twice; the first counts',
    '14: tables: one has no name',
    '16: chats.columns: must be a list or a mapping',
  ]);
  const { feeds } = parseExportDocument(text, 'd').document;
  expect(feeds.map(({ name, key, columns }) => [name, key, columns.map((column) => column.name)])).toEqual([
    ['calls', ['a'], ['a']],
    ['chats', [], []],
  ]);
});

test('a slip in the YAML costs its part of the document, not all of it', () => {
  const text = `tables:\n- name: calls\n  columns: [{name: a, type: bigint}]\n- name: chats\n  description: "no end\n`;
  const { document, problems } = parseExportDocument(text, 'export_docs.yaml');
  expect(document.feeds.map((feed) => feed.name)).toContain('calls');
  expect(problems.map((problem) => [problem.file, problem.key])).toContainEqual(['export_docs.yaml', 'YAML']);
});

test('tabs as indentation are reported, and nothing worse happens', () => {
  expect(problemsOf('tables:\n\t- name: calls\n')).toEqual(['2: YAML: Tabs are not allowed as indentation']);
});

describe('a hostile document', () => {
  const laughs = `${['a: &a [x, x]', ...[...'bcdefghijklmnopqrstuvwxyz'].map((name, i) => `${name}: &${name} [${`*${'abcdefghijklmnopqrstuvwxyz'[i]}, `.repeat(9)}]`)].join('\n')}\ntables: *z`;
  const GROWS =
    'grows beyond limits.document_bytes (32MiB), or without end, with its aliases (*name) written out';
  const TOO_MANY_ALIASES = 'holds more aliases than limits.document_aliases (10000)';
  test.each([
    ['nothing', '', 'the document lists no schemas'],
    ['a sentence', 'Not a document.', 'the document lists no schemas'],
    ['zero bytes', '\u0000'.repeat(100), 'the document lists no schemas'],
    [
      'more than 32 Mi characters',
      'x'.repeat(32 * 1024 ** 2 + 1),
      'is larger than limits.document_bytes (32MiB)',
    ],
    ['deep lists', '['.repeat(100_000), 'is nested deeper than 100 levels'],
    ['deep mappings', '{a: '.repeat(100_000), 'is nested deeper than 100 levels'],
    ['deep blocks', '- '.repeat(100_000), 'is nested deeper than 100 levels'],
    ['nothing but quotes', '"'.repeat(2_100_000), 'holds more values than limits.document_nodes (100000)'],
    ['a billion laughs', laughs, GROWS],
    ['itself', 'tables: &t [*t]', GROWS],
    ['more aliases than it may', `a: &a x\nb: [${'*a,'.repeat(10_001)}]`, TOO_MANY_ALIASES],
    ['an alias of nothing', 'tables: *t', 'nothing before this line is named &t'],
    [
      'a second document',
      'tables: []\n---\ntables: [calls]',
      'a second document begins; only the first counts',
    ],
  ])('gives no feeds and is reported: %s', (_, text, message) => {
    const { document, problems } = parseExportDocument(text, 'export_docs.yaml');
    expect(document.feeds).toEqual([]);
    expect(problems.map((problem) => problem.message)).toContain(message);
  });

  test('that is a list of aliases of one large table is stopped by its limits', () => {
    const columns = Array.from({ length: 2000 }, (_, i) => `c${i}`).join(', ');
    const text = `a: &a {name: calls, columns: [${columns}]}\ntables: [${'*a, '.repeat(2000)}]`;
    expect(parseExportDocument(text, 'd').problems[0]?.message).toBe(GROWS);
  });

  test('is measured by each of the limits by itself', () => {
    const limits = { ...DEFAULT_LIMITS, document_nodes: 12, document_aliases: 2, table_columns: 2 };
    const refused = (text: string) => parseExportDocument(text, 'd', limits).refused;
    expect(refused('tables: [{name: a, columns: [b, c]}]')).toBeUndefined();
    expect(refused('tables: [{name: a, columns: [b, c, d]}]')).toMatch('it gives a 3 columns, more than');
    expect(refused('x: &x [b, c, d]\ny: [*x, *x]')).toMatch('it grows beyond limits.document_nodes (12)');
    expect(refused('x: &x y\ny: [*x, *x, *x]')).toMatch('limits.document_aliases (2)');
  });

  test('with an ordering of endless blanks takes no time', () => {
    const started = performance.now();
    const [feed] = feedsOf(`tables: [{name: calls, ordering_key: 'a${' '.repeat(300_000)}b'}]`);
    expect(feed?.orderBy).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('with a thousand problems has them counted, and not all listed', () => {
    const { problems } = parseExportDocument(`tables: [${'{}, '.repeat(1000)}]`, 'd');
    expect(problems).toHaveLength(201);
    expect(problems.at(-1)?.message).toBe('800 more problems');
  });
});
