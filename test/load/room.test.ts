import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Room } from '../../src/load/room.ts';

const never = new AbortController().signal;
/** Until all that can go on has gone on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('room for so much at once', () => {
  it('is never overfull, is given in order, and is given to all in the end', async () => {
    const visits = fc.array(fc.record({ share: fc.nat(12), gone: fc.boolean() }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(visits, fc.infiniteStream(fc.nat()), async (wanted, choice) => {
        const room = new Room(10);
        const inside: number[] = [];
        const order: number[] = [];
        const stops = wanted.map(() => new AbortController());
        const entering = wanted.map(async ({ share }, number) => {
          await room.enter(share, stops[number]?.signal as AbortSignal);
          inside.push(number);
          order.push(number);
        });
        const left = Promise.allSettled(entering);
        for (const [number, { gone }] of wanted.entries()) if (gone) stops[number]?.abort();
        await settled();
        while (inside.length > 0) {
          const taken = inside.reduce((sum, number) => sum + (wanted[number]?.share ?? 0), 0);
          expect(taken <= 10 || inside.filter((number) => wanted[number]?.share).length === 1).toBe(true);
          const [number = 0] = inside.splice((choice.next().value as number) % inside.length, 1);
          room.leave(wanted[number]?.share as number);
          await settled();
        }
        const refused = (await left).filter(({ status }) => status === 'rejected').length;
        expect(order).toEqual([...order].sort((a, b) => a - b));
        expect(order.length + refused).toBe(wanted.length);
        expect(wanted.every(({ gone }, number) => gone || order.includes(number))).toBe(true);
      }),
    );
  });

  it('is given to those of a lower rank first', async () => {
    const room = new Room(1);
    await room.enter(1, never);
    const order: string[] = [];
    const entering = [2, 1, 2, 1, 0].map(async (rank, number) => {
      await room.enter(1, never, rank);
      order.push(`${rank}${'abcde'[number]}`);
      room.leave(1);
    });
    room.leave(1);
    await Promise.all(entering);
    expect(order).toEqual(['0e', '1b', '1d', '2a', '2c']);
  });

  it('is not given to who was told to stop while waiting, and then to the next one', async () => {
    const room = new Room(10);
    await room.enter(9, never);
    const stop = new AbortController();
    const large = room.enter(5, stop.signal);
    const small = room.enter(1, never);
    stop.abort(new Error('enough'));
    await expect(large).rejects.toThrow('enough');
    await small;
  });
});
