import { expect, test } from 'vitest';
import type { Source } from '../../src/config/config.ts';
import type { Connector } from '../../src/connectors/connector.ts';
import { BatchFetch, type LandedBatch } from '../../src/load/batch-fetch.ts';
import { BATCH_BYTES, type WantedBatch } from '../../src/load/batches.ts';
import type { LoadRun } from '../../src/load/load-run.ts';
import { SMALL_BYTES } from '../../src/load/small.ts';
import { silentReporter } from '../../src/reporter.ts';
import { Timings } from '../../src/timings.ts';
import type { Workspace } from '../../src/workspace/workspace.ts';
import { feedSpec } from '../support/staging.ts';

/** Without files: what is asked here is when a batch is begun. */
const batch = (feed: string, bytes: number): WantedBatch => ({
  spec: feedSpec({}, { feed }),
  notes: [],
  partitions: [],
  bytes,
});

function fetching(): BatchFetch {
  const workspace = { reporter: silentReporter, timings: new Timings() } as unknown as Workspace;
  return new BatchFetch(workspace, {} as LoadRun, {} as Source, {} as Connector);
}

/** Whether a batch has come by the time that others had every chance to. */
async function hasCome(coming: Promise<LandedBatch>): Promise<boolean> {
  const waited = new Promise<false>((resolve) => setTimeout(resolve, 50, false));
  return Promise.race([coming.then(() => true as const), waited]);
}

test('small batches that wait to be staged with others keep none from coming, however large', async () => {
  const fetch = fetching();
  for (const feed of ['a', 'b', 'c']) await fetch.fetch(batch(feed, SMALL_BYTES));
  expect(await hasCome(fetch.fetch(batch('huge', 5 * BATCH_BYTES)))).toBe(true);
});

test('a large batch comes once those before it are staged', async () => {
  const fetch = fetching();
  const first = await fetch.fetch(batch('a', BATCH_BYTES));
  const second = await fetch.fetch(batch('b', BATCH_BYTES));
  const third = fetch.fetch(batch('c', BATCH_BYTES));
  expect(await hasCome(third)).toBe(false);
  fetch.done(first);
  expect(await hasCome(third)).toBe(true);
  fetch.done(second);
});

test('stopping ends what still waits for its turn', async () => {
  const fetch = fetching();
  await fetch.fetch(batch('a', 2 * BATCH_BYTES));
  const waiting = fetch.fetch(batch('b', BATCH_BYTES));
  waiting.catch(() => {});
  await fetch.stop();
  await expect(waiting).rejects.toThrow();
});
