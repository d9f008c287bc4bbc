import { describe, expect, test } from 'vitest';
import type { Change } from '../../src/feeds/changes.ts';
import { actionOf, type Policy } from '../../src/feeds/policy.ts';
import type { SchemaChange } from '../../src/ledger/tables.ts';
import { decide } from '../../src/schema/decide/decide.ts';

function change(kind: Change['kind'], feed = 'calls', column?: string): Change {
  return { kind, feed, version: '1', column, before: undefined, after: undefined };
}

describe('the policy for changes', () => {
  const action = (policy: Policy, each: Change) => actionOf(policy, { source: 'messaging', change: each });

  test('applies additive changes and holds the others, unless a rule says otherwise', () => {
    expect(action({}, change('column_added'))).toBe('apply');
    expect(action({}, change('type_widened'))).toBe('apply');
    expect(action({}, change('type_narrowed'))).toBe('hold');
    expect(action({}, change('unique_condition_changed'))).toBe('hold');
    expect(action({}, change('version_added'))).toBe('hold');
  });

  test('follows the rule that names more, in whatever order rules are written', () => {
    const policy: Policy = {
      'messaging.calls.id': { type_changed: 'ignore' },
      'messaging.calls': { type_changed: 'apply' },
      '*': { type_changed: 'hold', column_added: 'hold' },
      '*.chats': { column_added: 'ignore' },
    };
    expect(action(policy, change('type_changed', 'calls', 'id'))).toBe('ignore');
    expect(action(policy, change('type_changed', 'calls', 'name'))).toBe('apply');
    expect(action(policy, change('type_changed', 'reps', 'id'))).toBe('hold');
    expect(action(policy, change('column_added', 'chats', 'id'))).toBe('ignore');
    expect(action(policy, change('column_added', 'calls', 'id'))).toBe('hold');
  });

  test('names another version of a feed as its table is named', () => {
    const policy: Policy = { 'messaging.calls__v2': { column_added: 'hold' } };
    expect(action(policy, change('column_added'))).toBe('apply');
    expect(action(policy, { ...change('column_added'), version: '2' })).toBe('hold');
  });

  test('takes no notice of the rules of other sources', () => {
    expect(action({ archive: { column_added: 'ignore' } }, change('column_added'))).toBe('apply');
  });
});

describe('a decision', () => {
  const options = {
    policy: {},
    source: 'messaging',
    accept: new Set<number>(),
    reject: new Set<number>(),
    emptying: new Set<Change>(),
  };
  const held = {
    change_id: 7,
    kind: 'type_changed',
    feed: 'calls',
    version: '1',
    column_name: 'id',
    before: null,
    after: null,
    decision: 'held',
    severity: 'attention',
    source: 'messaging',
  } as unknown as SchemaChange;

  test('stays with the change that it is about', () => {
    const changes = [change('type_changed', 'calls', 'id'), change('type_changed', 'calls', 'name')];
    expect(
      decide(changes, { ...options, earlier: [held] }).map(({ decision, known }) => [
        decision,
        known?.change_id,
      ]),
    ).toEqual([
      ['held', 7],
      ['held', undefined],
    ]);
    const accepted = decide(changes, { ...options, earlier: [held], accept: new Set([7]) });
    expect(accepted.map(({ decision }) => decision)).toEqual(['applied', 'held']);
    const rejected = { ...held, decision: 'rejected' } as SchemaChange;
    expect(decide(changes, { ...options, earlier: [rejected] }).map(({ decision }) => decision)).toEqual([
      'rejected',
      'held',
    ]);
  });

  test('about a whole feed or column stands for the changes inside it', () => {
    const policy: Policy = { '*': { feed_added: 'hold', column_added: 'ignore' } };
    const changes = [
      change('feed_added', 'chats'),
      change('pii_on', 'chats', 'name'),
      change('column_added', 'calls', 'name'),
      change('pii_on', 'calls', 'name'),
      change('pii_on', 'calls', 'id'),
    ];
    expect(
      decide(changes, { ...options, earlier: [], policy }).map(
        (each) => `${each.change.kind} ${each.change.feed} ${each.decision} ${each.severity}`,
      ),
    ).toEqual([
      'feed_added chats held attention',
      'column_added calls ignored info',
      'pii_on calls applied attention',
    ]);
  });
});
