import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgress, showsProgress } from '../../src/cli/progress.ts';
import { newProgress, type ProgressState, progressText, sample } from '../../src/cli/progress-text.ts';
import { FakeTerminal } from '../support/terminal.ts';

const MB = 1_000_000;

/** A state after some seconds in which bytes came in as given, one value a second. */
function elapsed(bytesEachSecond: number[], change: (state: ProgressState) => void = () => {}) {
  const state = newProgress(0);
  change(state);
  let now = 0;
  for (const bytes of bytesEachSecond) {
    now += 1000;
    state.bytes.fetched += bytes;
    sample(state, now);
  }
  return { state, now };
}

const total = (files: number, bytes: number) => (state: ProgressState) => {
  state.files.total = files;
  state.bytes.total = bytes;
};

describe('progressText', () => {
  it('shows feeds, files, bytes, rate, time left and what is being done', () => {
    const { state, now } = elapsed([50 * MB, 50 * MB], total(40, 1000 * MB));
    state.feeds.add('messaging.utterances').add('messaging.convos_metrics');
    state.files.done = 12;
    state.activity = 'staging messaging.utterances';
    expect(progressText(state, now, 120)).toBe(
      '2 feeds  12/40 files  100 MB of 1 GB  50 MB/s  18 s left  staging messaging.utterances',
    );
  });

  it('takes the rate from the last fifteen seconds', () => {
    const slowThenFast = elapsed([...Array(60).fill(MB), ...Array(20).fill(10 * MB)], total(1, 1260 * MB));
    expect(progressText(slowThenFast.state, slowThenFast.now, 120)).toBe(
      '0/1 files  260 MB of 1.26 GB  10 MB/s  1 min 40 s left',
    );
    // a minute in which nothing came
    expect(progressText(slowThenFast.state, slowThenFast.now + 60_000, 120)).toBe(
      '0/1 files  260 MB of 1.26 GB  0 B/s',
    );
  });

  it('shows no rate before a second has passed', () => {
    const { state } = elapsed([], total(1, 10 * MB));
    state.bytes.fetched = MB;
    expect(progressText(state, 900, 120)).toBe('0/1 files  1 MB of 10 MB');
  });

  it('does not count the time before the first byte', () => {
    const { state, now } = elapsed([0, 0, 0, 0, 5 * MB, 5 * MB], total(1, 100 * MB));
    expect(progressText(state, now, 120)).toBe('0/1 files  10 MB of 100 MB  5 MB/s  18 s left');
  });

  it('leaves out what is not known', () => {
    expect(progressText(newProgress(0), 5000, 120)).toBe('');
    const building = newProgress(0);
    building.activity = 'building messaging.utterances';
    expect(progressText(building, 60_000, 120)).toBe('building messaging.utterances');
    const { state, now } = elapsed([2 * MB, 2 * MB]);
    state.files.done = 1;
    expect(progressText(state, now, 120)).toBe('1 file  4 MB  2 MB/s');
  });

  it('counts staged bytes where nothing is fetched, and never more than there are', () => {
    const local = newProgress(0);
    total(2, 10 * MB)(local);
    local.bytes.done = 5 * MB;
    expect(progressText(local, 500, 120)).toBe('0/2 files  5 MB of 10 MB');
    local.bytes.fetched = 12 * MB;
    expect(progressText(local, 500, 120)).toBe('0/2 files  10 MB of 10 MB');
  });

  it('shows no time left once everything is there', () => {
    const { state, now } = elapsed([5 * MB, 5 * MB], total(2, 10 * MB));
    state.activity = 'staging messaging.utterances';
    expect(progressText(state, now, 120)).toBe('0/2 files  10 MB of 10 MB  staging messaging.utterances');
  });

  it.each([
    [30 * MB, '30 s left'],
    [90 * MB, '1 min 30 s left'],
    [3600 * MB, '1 h 0 min left'],
    [2 * 3600 * MB + 150 * MB, '2 h 3 min left'],
  ])('with %d bytes left at 1 MB/s says %s', (remaining, expected) => {
    const { state, now } = elapsed([MB, MB], total(1, 2 * MB + remaining));
    expect(progressText(state, now, 200)).toContain(`  ${expected}`);
  });

  it('fits any width, and leaves out first what matters least', () => {
    const { state, now } = elapsed([50 * MB, 50 * MB], total(40, 1000 * MB));
    state.feeds.add('messaging.utterances');
    state.activity = 'staging messaging.utterances';
    for (let width = 0; width < 100; width += 1) {
      expect(progressText(state, now, width).length).toBeLessThanOrEqual(width);
    }
    expect(progressText(state, now, 78)).toBe(
      '1 feed  0/40 files  100 MB of 1 GB  50 MB/s  18 s left  staging messaging.utt…',
    );
    expect(progressText(state, now, 60)).toBe('0/40 files  100 MB of 1 GB  18 s left  staging messaging.ut…');
    expect(progressText(state, now, 26)).toBe('0/40 files  100 MB of 1 GB');
    expect(progressText(state, now, 12)).toBe('0/40 files');
  });

  it('spells out control characters in names', () => {
    const state = newProgress(0);
    state.activity = 'staging \u001b[2J';
    expect(progressText(state, 0, 80)).toBe('staging \\x1b[2J');
  });
});

describe('a progress line', () => {
  const terminal = { isTTY: true, env: { TERM: 'xterm' }, format: 'text', quiet: false } as const;
  it.each([
    ['on a terminal', terminal, true],
    ['not in a pipe or a file', { ...terminal, isTTY: false }, false],
    ['not in CI', { ...terminal, env: { CI: 'true' } }, false],
    ['not where the cursor cannot move', { ...terminal, env: { TERM: 'dumb' } }, false],
    ['not among JSON', { ...terminal, format: 'json' as const }, false],
    ['not with -q', { ...terminal, quiet: true }, false],
  ])('is shown only where it can be drawn and read: %s', (_, on, expected) => {
    expect(showsProgress(on)).toBe(expected);
  });
});

describe('createProgress', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const on = (stream: FakeTerminal) =>
    createProgress({
      stream,
      color: false,
      clock: () => new Date(),
      redact: (text) => text.replace('key', '…'),
    });

  it('draws one line from the first report until it is stopped', async () => {
    const stream = new FakeTerminal(70);
    const progress = on(stream);
    await vi.advanceTimersByTimeAsync(1000);
    expect(stream.sent).toBe('');
    progress.expect({ files: 2, bytes: 4 * MB });
    progress.activity('fetching key');
    await vi.dynamicImportSettled();
    for (let second = 0; second < 3; second += 1) {
      progress.fetched(MB);
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(stream.screen()).toEqual([
      expect.stringMatching(/^. {2}0\/2 files {2}3 MB of 4 MB {2}.*fetching …$/u),
    ]);
    progress.stop();
    expect(stream.screen()).toEqual(['']);
    const { sent } = stream;
    progress.activity('too late');
    await vi.advanceTimersByTimeAsync(1000);
    expect(stream.sent).toBe(sent);
  });

  it('redraws the line at most ten times a second, however much is reported', async () => {
    const stream = new FakeTerminal();
    const progress = on(stream);
    progress.expect({ files: 1, bytes: 4 * MB });
    await vi.dynamicImportSettled();
    const before = stream.sent.split('files').length;
    for (let n = 0; n < 1000; n += 1) {
      progress.fetched(1000);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(stream.sent.split('files').length - before).toBeLessThanOrEqual(10);
    progress.stop();
  });

  it('draws nothing when it is stopped at once', async () => {
    const stream = new FakeTerminal();
    const progress = on(stream);
    progress.activity('fetching');
    progress.stop();
    await vi.dynamicImportSettled();
    await vi.advanceTimersByTimeAsync(1000);
    expect(stream.sent).toBe('');
  });
});
