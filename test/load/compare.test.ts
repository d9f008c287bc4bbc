import { describe, expect, test } from 'vitest';
import type { KnownFile } from '../../src/ledger/known-partitions.ts';
import type { Partition, PartitionState } from '../../src/ledger/tables.ts';
import { compare } from '../../src/load/compare.ts';
import type { FoundPartition } from '../../src/load/partition.ts';

const FOLDER = 'calls/version=1/format=jsonl/dt=2026-01-05/hr=07';

/** What a listing shows: `a:10:x` is the file `a` of 10 bytes with the etag `x`. */
function found(files: string, { sealed = true, strays = 0 } = {}): FoundPartition {
  const time = new Date('2026-01-05T07:00:00Z');
  const key = { feed: 'calls', version: '1', format: 'jsonl', time, path: FOLDER };
  return {
    key,
    sealed,
    strays,
    files: list(files).map(([name, bytes, etag]) => ({
      path: `${FOLDER}/${name}`,
      bytes: Number(bytes),
      etag: etag as string,
      name: { split: undefined, gzip: false, encrypted: false },
      partition: key,
    })),
  };
}

function known(files: string): KnownFile[] {
  return list(files).map(([name, bytes, etag], index) => ({
    file_id: index + 1,
    path: `${FOLDER}/${name}`,
    bytes: Number(bytes),
    etag: etag as string,
    rows_staged: 1,
  }));
}

function list(files: string): string[][] {
  return files.split(' ').flatMap((file) => (file ? [file.split(':')] : []));
}

function noted(state: PartitionState | undefined): Partition | undefined {
  return state && ({ path: FOLDER, state } as Partition);
}

function verdict(...args: Parameters<typeof compare>): string {
  const result = compare(...args);
  const names = (paths: string[]) => paths.map((path) => path.slice(FOLDER.length + 1)).join(' ');
  if (result.kind === 'known') return 'known';
  if (result.kind === 'note') return `note ${result.state}`;
  const loads = names(result.files.map(({ path }) => path));
  const replaces = names(result.replaces.map(({ path }) => path));
  return `load ${loads}${replaces && `, replacing ${replaces}`}`;
}

describe('a partition', () => {
  test.each<[string, string, boolean, string, PartitionState | undefined, string]>([
    // what                                listed           sealed  staged             noted as     verdict
    ['that is new', 'a:10:x b:5:x', true, '', undefined, 'load a b'],
    ['that was seen unsealed', 'a:10:x', true, '', 'unsealed', 'load a'],
    ['that is as it was', 'a:10:x b:5:x', true, 'a:10:x b:5:x', 'loaded', 'known'],
    ['whose files come in another order', 'b:5:x a:10:x', true, 'a:10:x b:5:x', 'loaded', 'known'],
    ['that has another size', 'a:11:x', true, 'a:10:x', 'loaded', 'load a, replacing a'],
    ['that has another etag', 'a:10:y', true, 'a:10:x', 'loaded', 'load a, replacing a'],
    ['one of whose files changed', 'a:10:y b:5:x', true, 'a:10:x b:5:x', 'loaded', 'load a, replacing a'],
    ['that got one more file', 'a:10:x b:5:x', true, 'a:10:x', 'loaded', 'load b'],
    ['that was split otherwise', 'c:15:x', true, 'a:10:x b:5:x', 'loaded', 'load c, replacing a b'],
    ['that came in fewer files', 'a:15:y', true, 'a:10:x b:5:x', 'loaded', 'load a, replacing a b'],
    ['some of which failed before', 'a:10:x b:5:x', true, 'a:10:x', 'sealed', 'load b'],
    ['one of whose files is gone', 'a:10:x', true, 'a:10:x b:5:x', 'loaded', 'load a, replacing a b'],
    ['that failed when it came again', 'a:11:x', true, 'a:10:x', 'reopened', 'load a, replacing a'],
    ['whose failing file is gone', 'a:10:x', true, 'a:10:x', 'sealed', 'note loaded'],
    ['whose state was lost', 'a:10:x', true, 'a:10:x', undefined, 'note loaded'],
    ['that is empty', '', true, '', undefined, 'note empty'],
    ['that is empty still', '', true, '', 'empty', 'known'],
    ['that was unsealed and is empty', '', true, '', 'unsealed', 'note empty'],
    ['that was empty and has rows now', 'a:10:x', true, '', 'empty', 'load a'],
    ['whose files were tidied away', '', true, 'a:10:x', 'loaded', 'known'],
    ['that is being written', 'a:10:x', false, '', undefined, 'note unsealed'],
    ['that is being written still', 'a:12:y', false, '', 'unsealed', 'known'],
    ['that is being written again', 'a:12:y', false, 'a:10:x', 'loaded', 'known'],
    ['that was empty and is being written again', 'a:12:y', false, '', 'empty', 'note unsealed'],
  ])('%s gives $5', (_, files, sealed, staged, state, expected) => {
    expect(verdict(found(files, { sealed }), known(staged), noted(state))).toBe(expected);
  });

  test('is loaded again as a whole when that is asked for', () => {
    expect(verdict(found('a:10:x b:5:x'), known('a:10:x b:5:x'), noted('loaded'), { again: true })).toBe(
      'load a b, replacing a b',
    );
    expect(
      verdict(found('a:10:x', { sealed: false }), known('a:10:x'), noted('loaded'), { again: true }),
    ).toBe('known');
    expect(verdict(found(''), [], noted('empty'), { again: true })).toBe('known');
  });

  test('with a file of another name in it has not arrived', () => {
    expect(verdict(found('', { strays: 1 }), [], undefined)).toBe('note sealed');
    expect(verdict(found('', { strays: 1 }), [], noted('sealed'))).toBe('known');
    expect(verdict(found('', { strays: 1 }), [], noted('empty'))).toBe('note sealed');
    expect(verdict(found('', { strays: 1 }), known('a:10:x'), noted('loaded'))).toBe('known');
    expect(verdict(found('a:10:x', { strays: 1 }), [], noted('sealed'))).toBe('load a');
  });

  test('keeps its rows when one of its files is gone, where that may mean nothing or nothing yet', () => {
    const [left, before] = [found('a:10:x'), known('a:10:x b:5:x')];
    expect(verdict(left, before, noted('loaded'), { gone: 'keep' })).toBe('known');
    expect(verdict(left, before, noted('loaded'), { gone: 'wait' })).toBe('note reopened');
    const waiting = { ...(noted('reopened') as Partition), files_gone_at: new Date(0) };
    expect(verdict(left, before, waiting, { gone: 'wait' })).toBe('known');
    expect(verdict(left, before, waiting, { gone: 'replace' })).toBe('load a, replacing a b');
    expect(verdict(found('a:10:x b:5:x'), before, waiting, { gone: 'wait' })).toBe('note loaded');
    expect(verdict(found('a:10:x', { sealed: false }), before, noted('loaded'))).toBe('known');
  });

  test('is loaded together with the rows that it replaces', () => {
    const result = compare(found('a:11:x'), known('a:10:x b:5:x'), noted('loaded'));
    expect(result.kind === 'load' && result.replaces.map(({ file_id }) => file_id)).toEqual([1, 2]);
  });
});
