import { setTimeout as sleep } from 'node:timers/promises';
import { busySeconds } from './child.ts';

/** How often things are measured. */
const ROUNDS = 3;
/** How often a disturbed round is measured again. */
const TRIES = 5;
/** From so many cores kept busy by others on, a round counts as disturbed. */
const DISTURBED = 0.3;
/** How many seconds a round waits for others to finish. */
const PATIENCE = 60;

/** Measures several things in turn, A B A B A B, so that what changes on the machine meanwhile meets them alike. */
export async function inTurn<T extends { others: number }>(
  ...measured: (() => Promise<T>)[]
): Promise<T[][]> {
  const samples: T[][] = measured.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, measure] of measured.entries()) samples[index]?.push(await quietly(measure));
  }
  return samples;
}

/** Measures while nobody else is busy, as far as that can be had: again a few times, giving the least disturbed. */
async function quietly<T extends { others: number }>(measure: () => Promise<T>): Promise<T> {
  await calm();
  let best = await measure();
  for (let tries = 1; tries < TRIES && best.others >= DISTURBED; tries += 1) {
    await calm();
    const next = await measure();
    if (next.others < best.others) best = next;
  }
  return best;
}

/** Waits until the machine is idle, though not for ever. */
async function calm(): Promise<void> {
  for (let waited = 0; waited < PATIENCE; waited += 1) {
    const before = busySeconds();
    await sleep(1000);
    if (busySeconds() - before < DISTURBED) return;
  }
}
