// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of warehouse.yaml, not of this file
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rootKeys } from '../../src/config/definition.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { ConfigError } from '../../src/errors.ts';
import { context } from './fakes.ts';

/** What people read of `text`: one line a problem. */
function problems(text: string, env: Record<string, string> = {}): string[] {
  const result = parseConfig(text, { ...context, env });
  return 'problems' in result ? new ConfigError(result.problems).message.split('\n') : [];
}

const LOCAL = 'sources: {a: {connector: local, path: x}}';
const ROOT_KEYS = Object.keys(rootKeys.shape).join(', ');
const S3_KEYS =
  'connector, group, feeds, export_docs, precedence, freshness, full_listing, ignore, decrypt, bucket, region, prefix, endpoint, access_key_id, secret_access_key';
const NAME = 'must be a name of a to z, 0 to 9 and _, not beginning with a digit';
const SET = 'set it in the environment, or in .env beside warehouse.yaml';

/** One wrong file a row: what it is about, its text, what is said, the environment. */
const WRONG: [string, string, string[], Record<string, string>?][] = [
  // The file as a whole
  ['an empty file', '', ['warehouse.yaml: (file): is empty: `asapp-warehouse init` writes a starter']],
  [
    'only comments',
    '# later\n',
    ['warehouse.yaml: (file): is empty: `asapp-warehouse init` writes a starter'],
  ],
  ['a list', '- a\n', ['warehouse.yaml: (file): must be a mapping of keys to values, but is a list']],
  [
    'an alias for a file',
    '*a',
    ['warehouse.yaml:1: (file): aliases (*name) are not supported: write the value out'],
  ],
  ['a text', 'hello', ['warehouse.yaml: (file): must be a mapping of keys to values, but is "hello"']],
  [
    'no sources',
    'company: a',
    ['warehouse.yaml: sources: must be a mapping of names to values, but is missing'],
  ],
  ['sources without any', 'sources: {}', ['warehouse.yaml:1: sources: must name at least one source']],
  [
    'sources left empty',
    'sources:',
    ['warehouse.yaml:1: sources: must be a mapping of names to values, but is left empty'],
  ],

  // YAML
  ['a tab', 'sources:\n\ta: 1\n', ['warehouse.yaml:2: YAML: a tab cannot indent: use spaces']],
  ['an open quote', 'company: "acme\n', ['warehouse.yaml:2: YAML: a quote is not closed']],
  [
    'an open bracket',
    'vars: {a: 1\n',
    ['warehouse.yaml:2: YAML: the indentation is wrong, or a bracket is not closed'],
  ],
  [
    'a missing colon',
    'company: a\nenvironment\n',
    ['warehouse.yaml:2: YAML: a line lacks the ":" after its key'],
  ],
  [
    'a colon in a text',
    'company: a: b\n',
    ['warehouse.yaml:1: YAML: the indentation is wrong, or a text that holds ": " is not in quotes'],
  ],
  [
    'a reserved character',
    'company: @acme\n',
    ['warehouse.yaml:1: YAML: a text that begins with @, ` or % must be in quotes'],
  ],
  [
    'a variable between brackets',
    'vars: {a: ${A}}\n',
    [
      'warehouse.yaml:1: YAML: this line is not YAML: check its indentation, quotes and brackets; between [ ] or { }, a variable must be in quotes: "${NAME}"',
    ],
  ],
  [
    'a bad escape',
    'company: "\\q"\n',
    [
      'warehouse.yaml:1: YAML: between double quotes, \\ begins an escape and this is none: write \\\\, or use single quotes',
    ],
  ],
  [
    'two documents',
    `${LOCAL}\n---\n${LOCAL}\n`,
    ['warehouse.yaml:2: YAML: the file must hold one document: "---" begins a second one'],
  ],
  [
    'a tag',
    'company: !secret acme\n',
    ['warehouse.yaml:1: YAML: tags are not supported; a text that begins with ! must be in quotes'],
  ],
  [
    'two slips',
    'company: @a\nenvironment: b: c\n',
    [
      'warehouse.yaml:1: YAML: a text that begins with @, ` or % must be in quotes',
      'warehouse.yaml:2: YAML: the indentation is wrong, or a text that holds ": " is not in quotes',
    ],
  ],
  [
    'a key written twice',
    `company: a\n${LOCAL}\ncompany: b\n`,
    ['warehouse.yaml:3: company: is written twice; first on line 1'],
  ],
  [
    'a source written twice',
    'sources:\n  a: {connector: local, path: x}\n  a: {connector: local, path: y}\n',
    ['warehouse.yaml:3: sources.a: is written twice; first on line 2'],
  ],
  [
    'an alias',
    `company: &c acme\nenvironment: *c\n${LOCAL}`,
    ['warehouse.yaml:2: environment: aliases (*name) are not supported: write the value out'],
  ],
  [
    'a merge key',
    'sources:\n  a: &a {connector: local, path: x}\n  b:\n    <<: *a\n    connector: local\n    path: y\n',
    ['warehouse.yaml:4: sources.b."<<": merge keys are not supported: write the keys out'],
  ],
  [
    'a key that is a number',
    `vars:\n  1: x\n${LOCAL}`,
    ['warehouse.yaml:2: vars: a key must be text: put it in quotes'],
  ],
  [
    'a key that is a list',
    `vars:\n  ? [a]\n  : x\n${LOCAL}`,
    ['warehouse.yaml:2: vars: a key must be text: put it in quotes'],
  ],
  [
    'a key that JavaScript owns',
    `vars:\n  __proto__: x\n${LOCAL}`,
    ['warehouse.yaml:2: vars.__proto__: no key can be called this'],
  ],

  // Keys
  [
    'a misspelt key',
    `compny: acme\n${LOCAL}`,
    [
      `warehouse.yaml:1: compny: is not a key of warehouse.yaml; did you mean company? (allowed: ${ROOT_KEYS})`,
    ],
  ],
  [
    'a key in another style',
    `lookBackDays: 7\n${LOCAL}`,
    [
      `warehouse.yaml:1: lookBackDays: is not a key of warehouse.yaml; did you mean look_back_days? (allowed: ${ROOT_KEYS})`,
    ],
  ],
  [
    'an unknown key',
    `colour: red\n${LOCAL}`,
    [`warehouse.yaml:1: colour: is not a key of warehouse.yaml (allowed: ${ROOT_KEYS})`],
  ],
  [
    'a misspelt key of a source, whose value may be a secret',
    'sources:\n  a:\n    connector: s3\n    bucket: b\n    secret_acces_key: hunter2\n',
    [
      `warehouse.yaml:5: sources.a.secret_acces_key: is not a key of the s3 connector; did you mean secret_access_key? (allowed: ${S3_KEYS})`,
    ],
  ],
  [
    'a key of another connector',
    'sources:\n  a:\n    connector: local\n    path: x\n    region: r\n',
    [
      'warehouse.yaml:5: sources.a.region: is not a key of the local connector (allowed: connector, group, feeds, export_docs, precedence, freshness, full_listing, ignore, decrypt, path)',
    ],
  ],

  // Types: refused, never coerced
  [
    'a number for a text',
    `company: 0123\n${LOCAL}`,
    ['warehouse.yaml:1: company: must be text, but is 0123 (put it in quotes)'],
  ],
  [
    'a boolean for a text',
    `company: true\n${LOCAL}`,
    ['warehouse.yaml:1: company: must be text, but is true (put it in quotes)'],
  ],
  ['a list for a text', `company: [a]\n${LOCAL}`, ['warehouse.yaml:1: company: must be text, but is a list']],
  [
    'nothing for a text',
    `company:\n${LOCAL}`,
    ['warehouse.yaml:1: company: must be text, but is left empty'],
  ],
  [
    'an empty text',
    `company: ''\n${LOCAL}`,
    ['warehouse.yaml:1: company: must be text that is not empty, but is ""'],
  ],
  [
    'a text for a number',
    `threads: "4"\n${LOCAL}`,
    ['warehouse.yaml:1: threads: must be a whole number, but is "4" (leave out the quotes)'],
  ],
  [
    'a word for a number',
    `threads: four\n${LOCAL}`,
    ['warehouse.yaml:1: threads: must be a whole number, but is "four"'],
  ],
  [
    'a part of a number',
    `look_back_days: 1.5\n${LOCAL}`,
    ['warehouse.yaml:1: look_back_days: must be a whole number, but is 1.5'],
  ],
  [
    'too small a number',
    `look_back_days: -1\n${LOCAL}`,
    ['warehouse.yaml:1: look_back_days: must be 0 or more, but is -1'],
  ],
  [
    'durations that are none',
    `full_listing: 1 day\nfreshness: {error_after: 6}\n${LOCAL.replace('x}', 'x, freshness: never, full_listing: 1w}')}`,
    [
      'warehouse.yaml:1: full_listing: must be a duration such as 15m, 1h or 32d, but is "1 day"',
      'warehouse.yaml:2: freshness: must be off, or a mapping of warn_after and error_after, durations such as 1h or 3d, and feeds, which gives some feeds rules of their own',
      'warehouse.yaml:3: sources.a.freshness: must be off, or a mapping of warn_after and error_after, durations such as 1h or 3d, but is "never"',
      'warehouse.yaml:3: sources.a.full_listing: must be a duration such as 15m, 1h or 32d, but is "1w"',
    ],
  ],
  [
    'too large a number',
    `threads: 5000\n${LOCAL}`,
    ['warehouse.yaml:1: threads: must be 1024 or less, but is 5000'],
  ],
  [
    'a number that would be rounded',
    `vars:\n  id: 12345678901234567890\n${LOCAL}`,
    ['warehouse.yaml:2: vars.id: 12345678901234567890 has too many digits for a number: put it in quotes'],
  ],
  [
    'a word for a boolean',
    'sources:\n  a:\n    connector: sftp\n    host: h\n    strict: yes\n',
    ['warehouse.yaml:5: sources.a.strict: must be true or false, but is "yes"'],
  ],
  [
    'a quoted boolean',
    'sources:\n  a:\n    connector: sftp\n    host: h\n    strict: "true"\n',
    ['warehouse.yaml:5: sources.a.strict: must be true or false, but is "true" (leave out the quotes)'],
  ],
  [
    'no size',
    `memory_limit: lots\n${LOCAL}`,
    ['warehouse.yaml:1: memory_limit: must be a size such as 512MB, 1GB or 1.5GiB, but is "lots"'],
  ],
  [
    'a size without unit',
    `memory_limit: 1000\n${LOCAL}`,
    ['warehouse.yaml:1: memory_limit: must be a size such as 512MB, 1GB or 1.5GiB, but is 1000'],
  ],
  [
    'a size of nothing',
    `memory_limit: 0GB\n${LOCAL}`,
    ['warehouse.yaml:1: memory_limit: must be a size such as 512MB, 1GB or 1.5GiB, but is "0GB"'],
  ],
  [
    'a mode that is a number',
    `file_mode: 0640\n${LOCAL}`,
    ['warehouse.yaml:1: file_mode: must be a mode in quotes, such as "0600", "0640" or "0644", but is 0640'],
  ],
  [
    'a mode that shuts out the loader',
    `publish_mode: "0044"\n${LOCAL}`,
    [
      'warehouse.yaml:1: publish_mode: must be a mode in quotes, such as "0600", "0640" or "0644", but is "0044"',
    ],
  ],
  [
    'a list for vars',
    `vars: [a]\n${LOCAL}`,
    ['warehouse.yaml:1: vars: must be a mapping of names to values, but is a list'],
  ],
  [
    'no URL',
    'sources: {a: {connector: s3, bucket: b, endpoint: here}}',
    ['warehouse.yaml:1: sources.a.endpoint: must be a valid URL, but is "here"'],
  ],

  // Sources
  [
    'a source that is a text',
    'sources:\n  a: ./feeds\n',
    ['warehouse.yaml:2: sources.a: must be a mapping that begins with connector:, but is "./feeds"'],
  ],
  [
    'a source left empty',
    'sources:\n  a:\n',
    ['warehouse.yaml:2: sources.a: must be a mapping that begins with connector:, but is left empty'],
  ],
  [
    'no connector',
    'sources:\n  a:\n    path: x\n',
    ['warehouse.yaml:2: sources.a.connector: must be one of local, s3, sftp, but is missing'],
  ],
  [
    'an unknown connector',
    'sources:\n  a:\n    connector: gcs\n',
    ['warehouse.yaml:3: sources.a.connector: must be one of local, s3, sftp, but is "gcs"'],
  ],
  [
    'a misspelt connector',
    'sources:\n  a:\n    connector: loacl\n',
    [
      'warehouse.yaml:3: sources.a.connector: must be one of local, s3, sftp, but is "loacl"; did you mean local?',
    ],
  ],
  [
    "a connector by JavaScript's names",
    'sources:\n  a:\n    connector: constructor\n',
    ['warehouse.yaml:3: sources.a.connector: must be one of local, s3, sftp, but is "constructor"'],
  ],
  [
    'a missing key',
    'sources:\n  a:\n    connector: local\n',
    ['warehouse.yaml:2: sources.a.path: must be text, but is missing'],
  ],
  [
    'a name that is no identifier',
    'sources:\n  My-Feeds: {connector: local, path: x}\n',
    [`warehouse.yaml:2: sources.My-Feeds: ${NAME}, but is "My-Feeds"`],
  ],
  [
    'a group that is no identifier',
    'sources:\n  a: {connector: local, path: x, group: Chats}\n',
    [`warehouse.yaml:2: sources.a.group: ${NAME}, but is "Chats"`],
  ],
  ...['ops', 'marts', 'main', 'temp', 'staging_chats'].map((group): [string, string, string[]] => [
    `a group called ${group}`,
    `sources:\n  a: {connector: local, path: x, group: ${group}}\n`,
    [
      `warehouse.yaml:2: sources.a.group: must not be a schema with another use (ops, undo, marts, main, temp, system, staging_…), but is "${group}"`,
    ],
  ]),
  [
    'feeds that are a text',
    'sources:\n  a:\n    connector: local\n    path: x\n    feeds: utterances\n',
    ['warehouse.yaml:5: sources.a.feeds: must be a list, but is "utterances"'],
  ],
  [
    'no feeds',
    'sources:\n  a:\n    connector: local\n    path: x\n    feeds: []\n',
    ['warehouse.yaml:5: sources.a.feeds: must list at least 1, but is an empty list'],
  ],
  [
    'a feed that is a number',
    'sources:\n  a:\n    connector: local\n    path: x\n    feeds:\n      - utterances\n      - 7\n',
    ['warehouse.yaml:7: sources.a.feeds[1]: must be text, but is 7 (put it in quotes)'],
  ],
  [
    'a feed that is a path',
    'sources: {a: {connector: local, path: x, feeds: [a/b]}}',
    ['warehouse.yaml:1: sources.a.feeds[0]: must be the name of a feed, without / and =, but is "a/b"'],
  ],
  [
    'a feed named twice',
    'sources: {a: {connector: local, path: x, feeds: [b, b]}}',
    ['warehouse.yaml:1: sources.a.feeds: must not name a feed twice'],
  ],
  [
    'what only the connector can know',
    'company: acme\nsources:\n  a:\n    connector: s3\n',
    ['warehouse.yaml:3: sources.a.bucket: is missing; environment would make it'],
  ],

  // Variables
  [
    'an unset variable',
    'sources:\n  a:\n    connector: local\n    path: ${FEEDS}\n',
    [`warehouse.yaml:4: sources.a.path: \${FEEDS} is not set: ${SET}`],
  ],
  [
    'an empty variable',
    `company: \${C}\n${LOCAL}`,
    [`warehouse.yaml:1: company: \${C} is empty: ${SET}; \${C:-} allows an empty text`],
    { C: '' },
  ],
  [
    'two unset variables in one text',
    `company: \${A}-\${B}\n${LOCAL}`,
    [
      `warehouse.yaml:1: company: \${A} is not set: ${SET}`,
      `warehouse.yaml:1: company: \${B} is not set: ${SET}`,
    ],
  ],
  [
    'an unset variable for a number',
    `threads: \${N}\n${LOCAL}`,
    [`warehouse.yaml:1: threads: \${N} is not set: ${SET}`],
  ],
  [
    'an unset variable for a connector',
    'sources:\n  a:\n    connector: ${KIND}\n',
    [`warehouse.yaml:3: sources.a.connector: \${KIND} is not set: ${SET}`],
  ],
  [
    'an unset variable for a source',
    'sources:\n  a: ${A}\n',
    [`warehouse.yaml:2: sources.a: \${A} is not set: ${SET}`],
  ],
  [
    'a variable badly written',
    `company: \${my company}\n${LOCAL}`,
    [
      'warehouse.yaml:1: company: a variable is written ${NAME} or ${NAME:-default}, NAME being letters, digits and _; a literal ${ is written $${',
    ],
  ],
  [
    'a variable that is no number',
    `threads: \${N}\n${LOCAL}`,
    ['warehouse.yaml:1: threads: must be a whole number, but is "four" (from ${N})'],
    { N: 'four' },
  ],
  [
    'a variable that is no whole number',
    `threads: \${N}\n${LOCAL}`,
    ['warehouse.yaml:1: threads: must be a whole number, but is "1.5" (from ${N})'],
    { N: '1.5' },
  ],
  [
    'a default that is no number',
    `threads: \${N:-all}\n${LOCAL}`,
    ['warehouse.yaml:1: threads: must be a whole number, but is "all" (from ${N})'],
  ],
  [
    'a variable for a list',
    'sources:\n  a:\n    connector: local\n    path: x\n    feeds: ${F}\n',
    ['warehouse.yaml:5: sources.a.feeds: must be a list, but is "a,b" (from ${F})'],
    { F: 'a,b' },
  ],

  // The two DuckDB files
  [
    'one file for both',
    `warehouse: ./w.duckdb\npublish: /etl/x/../w.duckdb\n${LOCAL}`,
    ['warehouse.yaml:2: publish: must be another file than warehouse, but is "/etl/x/../w.duckdb"'],
  ],
  [
    'a file named like a group',
    `warehouse: data/messaging.duckdb\n${LOCAL}`,
    [
      'warehouse.yaml:1: warehouse: must not be named like the schema messaging that it will hold, but is "data/messaging.duckdb"',
    ],
  ],
  [
    'a file named like a group of its own',
    'publish: Chats.v1.duckdb\nsources: {a: {connector: local, path: x, group: chats}}',
    [
      'warehouse.yaml:1: publish: must not be named like the schema chats that it will hold, but is "Chats.v1.duckdb"',
    ],
  ],
];

describe('a wrong configuration', () => {
  it.each(WRONG)('is refused in exact words: %s', (_, text, expected, env) => {
    expect(problems(text, env)).toEqual(expected);
  });
});

describe('the problems of a configuration', () => {
  it('are reported all at once, in the order of the lines, and missing keys last', () => {
    const text = `company: 7
warehouse: same.duckdb
publish: same.duckdb
threads: \${N}
sources:
  a:
    connector: s3
    prefx: x
  b:
    connector: s3
    region: us-east-1
  c: nowhere
`;
    expect(
      problems(text).map((line) =>
        line
          .replace(/^warehouse\.yaml:/, '')
          .split(': ', 2)
          .join(' '),
      ),
    ).toEqual([
      '1 company',
      '3 publish',
      '4 threads',
      '8 sources.a.prefx',
      '9 sources.b.bucket',
      '12 sources.c',
    ]);
    expect(problems('colour: red\n').map((line) => line.split(': ')[1])).toEqual(['colour', 'sources']);
  });

  it('are not repeated: a wrong company is not also said to be missing from a bucket', () => {
    expect(problems('company: 7\nenvironment: ${E}\nsources: {a: {connector: s3, region: r}}')).toEqual([
      'warehouse.yaml:1: company: must be text, but is 7 (put it in quotes)',
      `warehouse.yaml:2: environment: \${E} is not set: ${SET}`,
    ]);
  });

  it('that a connector finds stand at their key, but not where a variable is reported as unset', () => {
    const local = {
      ...(context.connectors.local as NonNullable<typeof context.connectors.local>),
      resolve: () => ({ problems: ['path', 'feeds'].map((key) => ({ key, message: 'is odd' })) }),
    };
    const text = 'sources:\n  a:\n    connector: local\n    path: ${X}\n    feeds: [b]\n';
    const result = parseConfig(text, { ...context, connectors: { local } });
    expect('problems' in result && result.problems).toEqual([
      { file: 'warehouse.yaml', line: 4, key: 'sources.a.path', message: `\${X} is not set: ${SET}` },
      { file: 'warehouse.yaml', line: 5, key: 'sources.a.feeds', message: 'is odd' },
    ]);
  });

  it('are not found in what stands in for an unset variable', () => {
    const text = 'warehouse: ${W}\npublish: ${P}\nsources: {a: {connector: local, path: x}}';
    expect(problems(text)).toEqual([
      `warehouse.yaml:1: warehouse: \${W} is not set: ${SET}`,
      `warehouse.yaml:2: publish: \${P} is not set: ${SET}`,
    ]);
  });

  it('of keys that hold secrets never show a value, not even of the wrong type', () => {
    expect(problems('sources:\n  a:\n    connector: sftp\n    host: h\n    passphrase: 8401\n')).toEqual([
      'warehouse.yaml:5: sources.a.passphrase: must be text, but is a number that is not shown here (put it in quotes)',
    ]);
  });

  it('show no secret that was put in a wrong place', () => {
    const env = { PW: 'hunter2', ASAPP_TOKEN: 'tok-4711' };
    const text = `
company: acme
memory_limit: hunter2
threads: \${ASAPP_TOKEN}
sources:
  a:
    connector: sftp
    host: h
    port: \${PW}
    passphrase: \${PW}
`;
    const said = problems(text, env).join('\n');
    expect(said).not.toMatch(/hunter2|tok-4711/);
    expect(said).toContain(
      'threads: must be a whole number, but is a text that is not shown here (from ${ASAPP_TOKEN})',
    );
    expect(said).toContain('sources.a.port: must be a whole number, but is "[redacted]" (from ${PW})');
  });

  it('stay readable where a secret is a single letter', () => {
    const text = 'warehouse: 7\nsources:\n  a: {connector: sftp, host: h, passphrase: a}\n';
    expect(problems(text)).toEqual([
      'warehouse.yaml:1: warehouse: must be text, but is 7 (put it in quotes)',
    ]);
  });

  it('of YAML show none of the text, which may be a secret', () => {
    for (const broken of [
      'a: "hunter2',
      "a: 'x' hunter2",
      'a: |hunter2\n',
      'a: !hunter2 x',
      'a: [hunter2',
      '- x\nhunter2: "y" z',
    ])
      expect(problems(broken).join('\n')).not.toContain('hunter2');
  });
});

describe('whatever a file holds', () => {
  it('parsing gives a configuration or problems, and never throws', () => {
    const word = fc.constantFrom(
      'sources',
      'a',
      'connector',
      'local',
      's3',
      'path',
      'feeds',
      'group',
      'company',
      '${A}',
      '$${',
      '${',
      '',
      '~',
      '7',
      '1.5',
      'true',
      '__proto__',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        word,
        fc.integer(),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(word, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(
        fc.oneof(
          tree.map((value) => JSON.stringify(value)),
          fc.string({ unit: fc.constantFrom(...'ab:-[]{}"\'|>&*!%@`#$ \t\n') }),
        ),
        (text) => {
          const result = parseConfig(text, context);
          if ('problems' in result) expect(result.problems.length).toBeGreaterThan(0);
          else expect(result.config.sources.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});
