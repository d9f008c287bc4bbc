import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Attention, AttentionKind } from '../../src/attention.ts';
import { restText, someOfEachKind } from '../../src/cli/attention-text.ts';

function item(kind: AttentionKind, number: number, severity: Attention['severity'] = 'attention'): Attention {
  return { kind, severity, message: `${kind} ${number}` };
}

function many(kind: AttentionKind, number: number, severity?: Attention['severity']): Attention[] {
  return Array.from({ length: number }, (_, index) => item(kind, index, severity));
}

describe('the attention items that are printed', () => {
  test('are all of them as long as they are few, those that failed first', () => {
    const { shown, rest } = someOfEachKind([
      ...many('rejected_rows', 2),
      ...many('source_failed', 1, 'failed'),
    ]);
    expect(shown.map(({ message }) => message)).toEqual([
      'source_failed 0',
      'rejected_rows 0',
      'rejected_rows 1',
    ]);
    expect(restText(rest)).toBeUndefined();
  });

  test('show every kind when they are many, and count what is left out', () => {
    const { shown, rest } = someOfEachKind([
      ...many('model_failed', 1200, 'failed'),
      ...many('test_failed', 8),
      ...many('rejected_rows', 1),
    ]);
    expect(shown).toHaveLength(10);
    expect(new Set(shown.map(({ kind }) => kind))).toEqual(
      new Set(['model_failed', 'test_failed', 'rejected_rows']),
    );
    expect(restText(rest)).toBe('1,199 more: 1,195 model_failed, 4 test_failed');
  });
});

test('the README documents every kind of attention item', async () => {
  const source = await readFile(new URL('../../src/attention.ts', import.meta.url), 'utf8');
  const union = /type AttentionKind =([^;]+);/.exec(source)?.[1] ?? '';
  const kinds = [...union.matchAll(/'(\w+)'/g)].map(([, kind]) => kind);
  expect(kinds.length).toBeGreaterThan(10);
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const told = [...readme.matchAll(/^\| `(\w+)` \|/gm)].map(([, kind]) => kind);
  expect(kinds.filter((kind) => !told.includes(kind))).toEqual([]);
});
