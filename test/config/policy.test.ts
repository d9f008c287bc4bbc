import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { context } from './fakes.ts';

/** What is said of a `policy:`, written as YAML; nothing when it is fine. */
function problems(policy: string): string[] {
  const text = `sources:\n  archive: {connector: local, path: x}\npolicy:\n${policy}\n`;
  const result = parseConfig(text, context);
  return 'problems' in result
    ? result.problems.map(({ line, key, message }) => `${line}: ${key}: ${message}`)
    : [];
}

test('a policy may be for a source, a feed, a column, or for all', () => {
  expect(
    problems(`  '*': { column_added: hold, type_changed: ignore }
  archive: { pii_on: apply }
  archive.calls: { version_added: apply }
  archive.calls.id: { type_widened: hold }
  '*.calls__v2': { column_removed: hold }`),
  ).toEqual([]);
});

test.each([
  [
    '  archiv: { pii_on: apply }',
    '4: policy.archiv: begins with "archiv", which is no source of this file; did you mean archive? (* stands for all)',
  ],
  [
    '  archive: { pii_on: yes }',
    '4: policy.archive.pii_on: must be one of apply, hold, ignore, but is "yes"',
  ],
  [
    '  archive: { colum_added: hold }',
    /^4: policy\.archive\.colum_added: is not a key of policy\.archive; did you mean column_added\?/,
  ],
  ['  archive: hold', '4: policy.archive: must be a mapping of keys to values, but is "hold"'],
  [
    '  archive.a.b.c: {}',
    /^4: policy\."?archive\.a\.b\.c"?: must be \*, or SOURCE, SOURCE\.FEED or SOURCE\.FEED\.COLUMN/,
  ],
])('a policy that says "%s" is refused', (policy, message) => {
  expect(problems(policy)).toEqual([typeof message === 'string' ? message : expect.stringMatching(message)]);
});

test('a source may say where its schema document lies', () => {
  const text = 'sources:\n  archive: {connector: local, path: x, export_docs: docs/export_docs.yaml}\n';
  const result = parseConfig(text, context);
  expect('config' in result && result.config.sources[0]?.exportDocs).toBe('docs/export_docs.yaml');
});
