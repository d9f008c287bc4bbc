import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/warehouse/session.ts';
import { type OpenOptions, Warehouse } from '../../src/warehouse/warehouse.ts';
import { feedSpec, StagingBench } from '../support/staging.ts';

let file: string;
let all: number;

beforeAll(async () => {
  await using warehouse = await Warehouse.open(':memory:');
  all = await threadsOf(await warehouse.session());
});

beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'threads-')), 'warehouse.duckdb');
});

afterEach(async () => {
  StagingBench.filesAreLarge = false;
  await rm(join(file, '..'), { recursive: true });
});

async function threadsOf(session: Session): Promise<number> {
  const { threads } = await session.row<{ threads: number }>(
    "SELECT current_setting('threads')::BIGINT AS threads",
  );
  return threads;
}

/** How many threads work on the file, and how many once there is much to do. */
async function threads(options: OpenOptions): Promise<number[]> {
  await using warehouse = await Warehouse.open(file, options);
  const session = await warehouse.session();
  const before = await threadsOf(session);
  await session.useAllThreads();
  return [before, await threadsOf(await warehouse.session())];
}

describe('the threads that work on a file', () => {
  it('are one where it is small, and all of them from when there is much to do', async () => {
    expect(await threads({ oneWhereSmall: true })).toEqual([1, all]);
    expect(await threads({})).toEqual([all, all]);
  });

  it('are as many as was asked for', async () => {
    expect(await threads({ oneWhereSmall: true, threads: all + 1 })).toEqual([all + 1, all + 1]);
  });

  it('are all where it is large', async () => {
    await threads({});
    // What is behind the last block is not looked at.
    await truncate(file, 2 ** 28 + 1);
    expect(await threads({ oneWhereSmall: true })).toEqual([all, all]);
  });

  it.each([
    ['small', false],
    ['large', true],
  ])('are those that files ask for that are staged: %s ones', async (_, areLarge) => {
    StagingBench.filesAreLarge = areLarge;
    await using bench = await StagingBench.open();
    await bench.stage(feedSpec({ n: 'BIGINT' }), [['{"n":1}']]);
    expect(await threadsOf(bench.session)).toBe(areLarge ? all : 1);
  });
});
