import { expect, test } from 'vitest';
import { Timings } from '../src/timings.ts';

/** Timings by a clock that is moved by hand, in seconds. */
function timed() {
  let now = 0;
  const timings = new Timings(() => now * 1000);
  return {
    timings,
    pass: (seconds: number) => {
      now += seconds;
    },
  };
}

/** Something that goes on until it is ended. */
function pending(): { end: () => void; work: () => Promise<void> } {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { end, work: () => ended };
}

test('time that passes during a stage is counted for it, and time between stages for none', async () => {
  const { timings, pass } = timed();
  await timings.during('listing', async () => pass(2));
  pass(5);
  await timings.during('building', async () => pass(1.5));
  expect(timings.seconds).toEqual({
    listing: 2,
    fetching: 0,
    staging: 0,
    building: 1.5,
    testing: 0,
    publishing: 0,
  });
});

test('where stages overlap, each moment is counted once, for the latest of them', async () => {
  const { timings, pass } = timed();
  const { end, work } = pending();
  const fetching = timings.during('fetching', work);
  pass(1);
  await timings.during('staging', async () => pass(4));
  pass(2);
  end();
  await fetching;
  pass(8);
  expect(timings.seconds).toMatchObject({ fetching: 3, staging: 4 });
});

test('a stage that is at work several times at once goes on until the last has ended', async () => {
  const { timings, pass } = timed();
  const [first, second] = [pending(), pending()];
  const [one, other] = [timings.during('listing', first.work), timings.during('listing', second.work)];
  pass(1);
  first.end();
  await one;
  pass(1);
  second.end();
  await other;
  pass(1);
  expect(timings.seconds.listing).toBe(2);
});

test('a stage that fails counts until it failed', async () => {
  const { timings, pass } = timed();
  const failing = timings.during('testing', async () => {
    pass(3);
    throw new Error('broken');
  });
  await expect(failing).rejects.toThrow('broken');
  pass(1);
  expect(timings.seconds.testing).toBe(3);
});

test('what a stage has taken so far is known while it goes on', async () => {
  const { timings, pass } = timed();
  await timings.during('publishing', async () => {
    pass(2);
    expect(timings.seconds.publishing).toBe(2);
  });
});
