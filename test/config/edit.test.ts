// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of warehouse.yaml, not of this file
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { requireYaml, setSourceKeys } from '../../src/config/edit.ts';
import { starterConfig } from '../../src/config/starter.ts';

describe('setSourceKeys', () => {
  it('adds the lines that are missing below the connector, and touches nothing else', () => {
    const starter = starterConfig({ demo: false });
    const lines = starter.split('\n');
    const connector = lines.indexOf('    connector: s3');
    lines.splice(connector + 1, 0, '    bucket: acme-exports', '    prefix: feeds/acme');
    expect(setSourceKeys(starter, 'messaging', { bucket: 'acme-exports', prefix: 'feeds/acme' })).toBe(
      lines.join('\n'),
    );
  });

  it('replaces values in their places', () => {
    const before = `sources:
  # the one
  messaging:
    connector: s3   # of ours
    bucket: "old"   # why
    access_key_id: AKIAOLD   # by hand
    prefix:
`;
    expect(
      setSourceKeys(before, 'messaging', {
        bucket: 'new',
        prefix: 'feeds',
        access_key_id: '${ASAPP_S3_KEY_ID}',
      }),
    ).toBe(`sources:
  # the one
  messaging:
    connector: s3   # of ours
    bucket: new   # why
    access_key_id: \${ASAPP_S3_KEY_ID}   # by hand
    prefix: feeds
`);
  });

  it('adds a source after the others, before the comments at the end', () => {
    const before = `sources:
    archive:
        connector: local
        path: ./feeds # on disk

# the end
`;
    expect(setSourceKeys(before, 'messaging', { connector: 's3', bucket: 'new' })).toBe(`sources:
    archive:
        connector: local
        path: ./feeds # on disk

    messaging:
      connector: s3
      bucket: new

# the end
`);
  });

  it.each([
    ['no line end', 'sources:\n  a:\n    connector: s3'],
    ['Windows line ends', 'sources:\r\n  a:\r\n    connector: s3\r\n    feeds: [x]\r\n'],
    ['braces', 'sources: {a: {connector: s3}}\n'],
    ['braces for the source', 'sources:\n  a: {connector: s3, bucket: old}\n'],
    ['no sources', 'company: acme # ours\n'],
    ['an empty sources', 'company: acme\nsources:\n'],
    [
      'another source at the end',
      'sources:\n  a:\n    connector: s3\n  b:\n    connector: local\n    path: x\n',
    ],
    ['a list at the end', 'sources:\n  b:\n    connector: s3\n    feeds:\n      - x\n      - y\n'],
    [
      'a text over several lines',
      'sources:\n  a:\n    connector: s3\n    bucket: >-\n      old\n      one\n',
    ],
    ['the connector last', 'sources:\n  a:\n    region: us-east-1\n    connector: s3\nlanding: x\n'],
    ['comments', '# top\nsources: # here\n  a: # there\n    # first\n    connector: s3\n    # last\n'],
  ])('gives the same configuration whatever the file looks like: %s', (_, before) => {
    const keys = { connector: 's3', bucket: 'new', prefix: 'a: b #c' };
    const after = setSourceKeys(before, 'a', keys);
    const expected = parse(before) ?? {};
    expected.sources = { ...expected.sources, a: { ...expected.sources?.a, ...keys } };
    expect(parse(after)).toEqual(expected);
    for (const comment of before.match(/#.*/g) ?? []) expect(after).toContain(comment);
    expect(setSourceKeys(after, 'a', keys)).toBe(after);
  });
});

describe('requireYaml', () => {
  it('names the line that is no YAML', () => {
    expect(() => requireYaml('a: b\n\t c: d\n', 'warehouse.yaml')).toThrow('warehouse.yaml:2');
    expect(() => requireYaml('a: b\n', 'warehouse.yaml')).not.toThrow();
  });
});
