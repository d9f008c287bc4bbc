import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger, type LogOptions } from '../../src/cli/log.ts';
import { redactor } from '../../src/redact.ts';
import { FakeTerminal } from '../support/terminal.ts';

const clock = () => new Date('2026-01-31T07:31:02.345Z');

/** A logger, and the lines that it wrote to something that is no terminal unless asked for. */
function logger(options: Partial<LogOptions> = {}) {
  const stream = Object.assign(new FakeTerminal(), { isTTY: false });
  const log = createLogger({
    stream,
    format: 'text',
    quiet: false,
    redact: redactor(['hunter22']),
    clock,
    env: {},
    ...options,
  });
  return {
    log,
    lines: () => ((options.stream as FakeTerminal | undefined) ?? stream).sent.split('\n').slice(0, -1),
  };
}

describe('the log as text', () => {
  it('has the time in UTC, the message, and what it is about', () => {
    const { log, lines } = logger();
    log.info('loaded 3 files, 12,345 rows', { files: 3, rows: 12345, feed: 'messaging.convos_metrics' });
    log.warn('2 lines rejected');
    log.error('cannot list s3://acme\n  → check the credentials');
    expect(lines()).toEqual([
      '07:31:02  loaded 3 files, 12,345 rows  messaging.convos_metrics',
      '07:31:02  warning: 2 lines rejected',
      '07:31:02  error: cannot list s3://acme',
      '  → check the credentials',
    ]);
  });

  it('says what to do on a line of its own, and nothing twice', () => {
    const { log, lines } = logger();
    log.warn('live: x.jsonl is cut off', { source: 'live', path: 'a/x.jsonl', hint: 'it is tried\nagain' });
    expect(lines()).toEqual([
      '07:31:02  warning: live: x.jsonl is cut off  a/x.jsonl',
      '  → it is tried\\nagain',
    ]);
  });

  it('hides secrets, and spells out characters that would move the cursor', () => {
    const { log, lines } = logger();
    log.info('found \u001b[2Jfile', { path: 'a/hunter22\n/b' });
    log.warn('skipped a\nb');
    expect(lines()).toEqual([
      '07:31:02  found \\x1b[2Jfile  a/[redacted]\\n/b',
      '07:31:02  warning: skipped a\\nb',
    ]);
  });

  it('is coloured on a terminal, unless NO_COLOR says otherwise', () => {
    const colored = logger({ stream: new FakeTerminal() });
    colored.log.warn('late');
    expect(colored.lines()).toEqual(['\u001b[2m07:31:02\u001b[22m  \u001b[33mwarning: \u001b[39mlate']);
    const plain = logger({ stream: new FakeTerminal(), env: { NO_COLOR: '1' } });
    plain.log.warn('late');
    expect(plain.lines()).toEqual(['07:31:02  warning: late']);
  });
});

describe('the log as JSON', () => {
  it('is one object a line, with all fields', () => {
    const { log, lines } = logger({ format: 'json' });
    log.info('loaded 3 files', { files: 3, rows: 12345n, feed: 'messaging.utterances', since: clock() });
    log.error('two\nlines', { cause: new Error('refused by hunter22'), big: 9007199254740993n });
    expect(lines().map((line) => JSON.parse(line))).toEqual([
      {
        time: '2026-01-31T07:31:02.345Z',
        level: 'info',
        message: 'loaded 3 files',
        files: 3,
        rows: 12345,
        feed: 'messaging.utterances',
        since: '2026-01-31T07:31:02.345Z',
      },
      {
        time: '2026-01-31T07:31:02.345Z',
        level: 'error',
        message: 'two\nlines',
        cause: 'refused by [redacted]',
        big: '9007199254740993',
      },
    ]);
  });

  it('stays JSON where a secret could be part of a number, and keeps its own time and level', () => {
    const { log, lines } = logger({ format: 'json', redact: redactor(['1234']) });
    log.warn('pin 1234', { rows: 123456, level: 'trace', time: 'never' });
    expect(lines()).toEqual([
      '{"time":"2026-01-31T07:31:02.345Z","level":"warn","message":"pin [redacted]","rows":123456}',
    ]);
  });
});

it('-q leaves only warnings and errors', () => {
  for (const format of ['text', 'json'] as const) {
    const { log, lines } = logger({ quiet: true, format });
    log.info('nothing new');
    log.warn('look');
    log.error('failed');
    expect(lines()).toHaveLength(2);
  }
});

describe('with a progress line', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('log lines stand whole above it, and it is gone in the end', async () => {
    vi.useFakeTimers({ now: clock() });
    const stream = new FakeTerminal(60);
    const { log } = logger({ stream, env: { NO_COLOR: '1', TERM: 'xterm' }, clock: () => new Date() });
    log.progress.expect({ files: 4, bytes: 4000 });
    log.progress.activity('staging messaging.utterances');
    await vi.dynamicImportSettled();
    log.info('loaded 1 file', { feed: 'messaging.convos_metrics' });
    expect(stream.screen()).toEqual([
      '07:31:02  loaded 1 file  messaging.convos_metrics',
      expect.stringMatching(/^. {2}0\/4 files {2}0 B of 4 kB {2}staging messaging.utterances$/u),
    ]);
    log.progress.done({ feed: 'messaging.utterances', files: 2, bytes: 2000, rows: 10 });
    await vi.advanceTimersByTimeAsync(2000);
    log.warn('2 lines rejected');
    expect(stream.screen()).toEqual([
      '07:31:02  loaded 1 file  messaging.convos_metrics',
      '07:31:04  warning: 2 lines rejected',
      expect.stringMatching(/^. {2}2\/4 files {2}2 kB of 4 kB {2}2 s left {2}staging messaging.ut…$/u),
    ]);
    log.progress.stop();
    log.info('done');
    expect(stream.screen()).toEqual([
      '07:31:02  loaded 1 file  messaging.convos_metrics',
      '07:31:04  warning: 2 lines rejected',
      '07:31:04  done',
      '',
    ]);
  });
});
