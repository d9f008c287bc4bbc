import { expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.ts';
import { parseOverrides } from '../../../src/feeds/documents/overrides.ts';

test('corrections are read by group, feed and column', () => {
  const overrides = parseOverrides(
    `
messaging:
  calls__v2:
    key: { use: [call_id], reason: The other one is not there. }
    order_by: { use: [], reason: Nothing orders it. }
    columns:
      ended_ts: { type: timestamp without time zone, reason: Shown as a timestamp. }
`,
    'overrides.yaml',
  );
  const calls = overrides.get('messaging')?.get('calls__v2');
  expect(calls?.key?.use).toEqual(['call_id']);
  expect(calls?.order_by?.use).toEqual([]);
  expect(calls?.columns?.get('ended_ts')).toEqual({ type: 'TIMESTAMP', reason: 'Shown as a timestamp.' });
});

test('an empty file corrects nothing', () => expect(parseOverrides('# nothing yet\n', 'f').size).toBe(0));

test('everything that is wrong in the corrections is reported with its line', () => {
  const text = `messaging:
  calls:
    key: { use: [call_id] }
    columns:
      ended_ts: { type: geometry, reason: A place. }
    colums: {}
`;
  expect.assertions(1);
  try {
    parseOverrides(text, 'overrides.yaml');
  } catch (error) {
    const problems = (error as ConfigError).problems.map(({ file, line, key }) => `${file}:${line}: ${key}`);
    expect(problems).toEqual([
      'overrides.yaml:3: messaging.calls.key.reason',
      'overrides.yaml:5: messaging.calls.columns.ended_ts.type',
      'overrides.yaml:3: messaging.calls',
    ]);
  }
});

test('corrections that are not YAML are refused', () => {
  expect(() => parseOverrides('messaging: {calls: "', 'overrides.yaml')).toThrow(ConfigError);
});
