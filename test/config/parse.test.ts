// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of warehouse.yaml, not of this file
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { type ParseContext, parseConfig } from '../../src/config/parse.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { context } from './fakes.ts';

/** The configuration that `text` makes; fails the test with the problems when it makes none. */
function parse(text: string, around: Partial<ParseContext> = {}): Config {
  const result = parseConfig(text, { ...context, ...around });
  if ('problems' in result) throw new Error(JSON.stringify(result.problems, null, 2));
  return result.config;
}

const ONE_SOURCE = 'sources: {messaging: {connector: local, path: ./feeds}}\n';

describe('a whole configuration', () => {
  it('becomes a typed one with absolute paths', () => {
    const config = parse(
      `
company: acme
environment: prod
warehouse: ./data/warehouse.duckdb
publish: /srv/published.duckdb
landing: ../landing
look_back_days: 3
max_rejected_rows: 10
memory_limit: 1.5GiB
threads: 4
models: ~/models
vars:
  threshold: 0.9
  queues: [sales, service]
sources:
  messaging:
    connector: s3
    region: us-east-1
    access_key_id: \${ASAPP_S3_KEY_ID}
    secret_access_key: \${ASAPP_S3_SECRET}
    feeds: [convos_metrics, utterances]
  archive:
    connector: local
    path: ./feeds
`,
      { env: { ASAPP_S3_KEY_ID: 'AKIA', ASAPP_S3_SECRET: 'wJalr' } },
    );
    const { sources, ...rest } = config;
    expect(rest).toEqual({
      file: '/etl/warehouse.yaml',
      directory: '/etl',
      company: 'acme',
      environment: 'prod',
      warehouse: '/etl/data/warehouse.duckdb',
      publish: '/srv/published.duckdb',
      landing: '/landing',
      lookBackDays: 3,
      maxMisfits: 'usual',
      limits: DEFAULT_LIMITS,
      freshness: { all: {}, feeds: {} },
      maxRejectedRows: 10,
      memoryLimit: '1.5GiB',
      threads: 4,
      models: '/home/ann/models',
      allowFiles: [],
      fileMode: 0o600,
      publishMode: 0o600,
      vars: { threshold: 0.9, queues: ['sales', 'service'] },
      policy: {},
      secrets: ['wJalr'],
      secretVariables: ['ASAPP_S3_SECRET'],
    });
    expect(sources).toMatchObject([
      {
        name: 'messaging',
        group: 'messaging',
        connector: 's3',
        feeds: ['convos_metrics', 'utterances'],
        options: {
          bucket: 'asapp-prod-acme-exports-us-east-1',
          prefix: '',
          access_key_id: 'AKIA',
          secret_access_key: 'wJalr',
        },
      },
      { name: 'archive', group: 'messaging', connector: 'local', options: { path: '/etl|./feeds' } },
    ]);
    expect(sources[0]?.options).not.toHaveProperty('connector');
    expect(sources[0]?.options).not.toHaveProperty('feeds');
  });

  it('needs no more than a source', () => {
    expect(parse(ONE_SOURCE)).toMatchObject({
      warehouse: '/etl/warehouse.duckdb',
      publish: '/etl/published/warehouse.duckdb',
      landing: '/etl/landing',
      lookBackDays: 7,
      maxRejectedRows: 0,
      memoryLimit: undefined,
      threads: undefined,
      models: undefined,
      vars: {},
      secrets: [],
    });
  });

  it('says how old feeds may be, and how often to list everything', () => {
    const { freshness, sources } = parse(`
full_listing: 2h
freshness:
  error_after: 90m
  feeds:
    convos_metrics: off
    messaging.reps: {warn_after: 2d, error_after: 3d}
sources:
  a: {connector: local, path: x, freshness: off, ignore: ['lost+found/**']}
  b: {connector: local, path: y, freshness: {error_after: 32d}, full_listing: 15m}
`);
    const [hour, day] = [3_600_000, 86_400_000];
    expect(freshness).toEqual({
      all: { errorAfter: 1.5 * hour },
      feeds: { convos_metrics: 'off', 'messaging.reps': { warnAfter: 2 * day, errorAfter: 3 * day } },
    });
    expect(sources).toMatchObject([
      { freshness: 'off', fullListing: 2 * hour, ignore: ['lost+found/**'] },
      { freshness: { errorAfter: 32 * day }, fullListing: hour / 4, ignore: undefined },
    ]);
    expect(parse(`freshness: off\n${ONE_SOURCE}`).freshness.all).toBe('off');
    expect(parse(ONE_SOURCE).sources[0]?.fullListing).toBe(day);
  });

  it('puts landing beside the warehouse, wherever that is', () => {
    expect(parse(`warehouse: ~/data/w.duckdb\n${ONE_SOURCE}`).landing).toBe('/home/ann/data/landing');
  });

  it('lists each secret once and the longest first, so that redaction never leaves the end of one', () => {
    const source = (secret: string) => `{connector: s3, bucket: b, secret_access_key: ${secret}}`;
    const text = `sources: {a: ${source('abc')}, b: ${source('abcdef')}, c: ${source('abc')}}`;
    expect(parse(text).secrets).toEqual(['abcdef', 'abc']);
  });

  it('opens a source through its connector, with its options', async () => {
    const opened: unknown[] = [];
    const local = {
      ...(context.connectors.local as NonNullable<typeof context.connectors.local>),
      open: (options: unknown) => {
        opened.push(options);
        return Promise.reject(new Error('opened'));
      },
    };
    const config = parse(ONE_SOURCE, { connectors: { local } });
    expect(opened).toEqual([]);
    await expect(config.sources[0]?.open()).rejects.toThrow('opened');
    expect(opened).toEqual([{ path: '/etl|./feeds' }]);
  });
});

describe('the group of a source', () => {
  it.each([
    [
      'the name of the source, where that is a known group',
      'ai_services: {connector: local, path: x}',
      'ai_services',
    ],
    ["else the connector's own", 'archive: {connector: local, path: x}', 'messaging'],
    ["else the connector's own, which differs", 'archive: {connector: sftp, host: x}', 'ai_services'],
    ['what the file says before either', 'messaging: {connector: local, path: x, group: chats_2}', 'chats_2'],
  ])('is %s', (_, source, group) => {
    expect(parse(`sources: {${source}}`).sources[0]?.group).toBe(group);
  });

  it('is the one of the connector where the name of the source could be that of no group', () => {
    expect(parse('sources: {ops: {connector: local, path: x}}').sources[0]?.group).toBe('messaging');
  });
});

describe('variables', () => {
  const options = (text: string, env: Record<string, string>) =>
    parse(`sources:\n  a:\n    connector: sftp\n    host: ${text}\n`, { env }).sources[0]?.options;

  it('are read as numbers and booleans where the key wants those', () => {
    const env = { PORT: '2222', STRICT: 'false', DAYS: '30' };
    const config = parse(
      'look_back_days: ${DAYS}\nsources:\n  a:\n    connector: sftp\n    host: h\n    port: ${PORT}\n    strict: ${STRICT}\n',
      { env },
    );
    expect(config.lookBackDays).toBe(30);
    expect(config.sources[0]?.options).toMatchObject({ port: 2222, strict: false });
  });

  it('stay text where the key wants that', () => {
    expect(options('${HOST}', { HOST: '123' })).toMatchObject({ host: '123' });
    expect(parse(`company: \${C}\nvars: {n: "\${C}"}\n${ONE_SOURCE}`, { env: { C: '0012' } })).toMatchObject({
      company: '0012',
      vars: { n: '0012' },
    });
  });

  it('are data, whatever they hold', () => {
    const evil = 'x\n    port: 1\nsources: {} # "';
    expect(options('${HOST}', { HOST: evil })).toEqual({ host: evil, port: 22, strict: true });
  });

  it('work in single and double quotes, in blocks and within text', () => {
    expect(options("'${A}.${B}'", { A: 'x', B: 'y' })).toMatchObject({ host: 'x.y' });
    expect(options('"${A:-d}"', {})).toMatchObject({ host: 'd' });
    expect(options('|-\n      ${A}\n      b', { A: 'a' })).toMatchObject({ host: 'a\nb' });
    expect(options('$${A}', { A: 'a' })).toMatchObject({ host: '${A}' });
  });

  it('are not looked for in keys', () => {
    expect(parse(`vars: {"\${A}": 1}\n${ONE_SOURCE}`).vars).toEqual({ '${A}': 1 });
  });
});

describe('the text of the file', () => {
  it('may have the line ends of Windows, comments and an explicit start', () => {
    const text =
      '---\r\n# mine\r\nsources:\r\n  messaging:\r\n    connector: local # here\r\n    path: ./feeds\r\n';
    expect(parse(text).sources[0]?.options).toEqual({ path: '/etl|./feeds' });
  });

  it('is read as YAML 1.2, whatever version it names: no and 22:30 are texts', () => {
    expect(parse(`%YAML 1.1\n---\ncompany: no\nenvironment: 22:30\n${ONE_SOURCE}`)).toMatchObject({
      company: 'no',
      environment: '22:30',
    });
  });
});
