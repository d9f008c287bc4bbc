import { describe, expect, test } from 'vitest';
import type { LandedBatch } from '../../src/load/batch-fetch.ts';
import type { LandedFile } from '../../src/load/file.ts';
import { gathered } from '../../src/load/together.ts';
import { feedSpec } from '../support/staging.ts';

function batch(feed: string, ...files: Partial<LandedFile>[]): LandedBatch {
  const landed = files.map((file) => ({ lines: 1, bytes: 1, name: {}, ...file }) as LandedFile);
  const bytes = landed.reduce((sum, file) => sum + file.bytes, 0);
  return { spec: feedSpec({}, { feed }), notes: [], partitions: [], bytes, landed, failures: [] };
}

/** What comes of batches as they arrive, and where in between each of the groups is ready. */
async function groupsOf(batches: readonly (LandedBatch | Error)[]): Promise<string[]> {
  const log: string[] = [];
  async function* arriving() {
    for (const each of batches) {
      if (each instanceof Error) throw each;
      log.push(`+${each.spec.feed}`);
      yield each;
    }
  }
  try {
    for await (const group of gathered(arriving())) log.push(group.map(({ spec }) => spec.feed).join());
  } catch (error) {
    log.push((error as Error).message);
  }
  return log;
}

describe('batches', () => {
  test('of several feeds are gathered while they are small', async () => {
    expect(await groupsOf([batch('a', {}), batch('b'), batch('c', {}, {})])).toEqual([
      '+a',
      '+b',
      '+c',
      'a,b,c',
    ]);
  });

  test.each([
    ['lines', [{ lines: 60_000 }]],
    ['bytes', [{ bytes: 2 ** 26 }]],
    ['files', Array.from({ length: 17 }, () => ({}))],
  ])(
    'of which one has many %s are staged without it, and it before the next is waited for',
    async (_, files) => {
      expect(await groupsOf([batch('a', {}), batch('b', ...files), batch('c', {})])).toEqual([
        '+a',
        '+b',
        'a',
        'b',
        '+c',
        'c',
      ]);
    },
  );

  test('of which one takes room, though nothing of it is here, are staged before the next is waited for', async () => {
    expect(await groupsOf([{ ...batch('a'), bytes: 2 ** 32 }, batch('b', {})])).toEqual([
      '+a',
      'a',
      '+b',
      'b',
    ]);
  });

  test('that are too much together are parted', async () => {
    const half = { lines: 30_000 };
    expect(await groupsOf([batch('a', half), batch('b', half), batch('c', {})])).toEqual([
      '+a',
      '+b',
      'a',
      '+c',
      'b,c',
    ]);
  });

  test('of one feed are never together: what comes later waits for what was before it', async () => {
    expect(await groupsOf([batch('a', {}), batch('b', {}), batch('a', {})])).toEqual([
      '+a',
      '+b',
      '+a',
      'a,b',
      'a',
    ]);
  });

  test('that came before an error are handed out before it', async () => {
    expect(await groupsOf([batch('a', {}), new Error('gone')])).toEqual(['+a', 'a', 'gone']);
  });
});
