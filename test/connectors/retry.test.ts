import { describe, expect, it } from 'vitest';
import { backOff, PATIENCE, waitMs } from '../../src/connectors/retry.ts';
import { rejection } from './contract.ts';

describe('backing off', () => {
  it.each([
    [1, 1, 250],
    [2, 1, 500],
    [4, 1, 2000],
    [4, 0.5, 1000],
    [4, 0, 0],
    [30, 1, 20_000],
  ])('after %i failures waits, with chance at %d, %i ms', (failures, chance, expected) => {
    expect(waitMs(failures, PATIENCE, chance)).toBe(expected);
  });

  it('ends at a signal, with its reason', async () => {
    const reason = new Error('enough');
    const stop = new AbortController();
    const waiting = rejection(backOff(10, { ...PATIENCE, backoffMs: 1e9 }, stop.signal));
    stop.abort(reason);
    expect(await waiting).toBe(reason);
  });
});
