import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { describeError } from '../../src/cli/describe-error.ts';
import { BusyError, ConfigError, SourceError, StorageError } from '../../src/errors.ts';

const describeIt = (error: unknown) => describeError(error, { debug: false });

describe('describeError', () => {
  it('says what happened, and on its own line what to do', () => {
    const error = new BusyError('/data/warehouse.duckdb is held by duckdb (process 12)', {
      hint: 'wait for it to finish',
    });
    expect(describeIt(error)).toBe(
      '/data/warehouse.duckdb is held by duckdb (process 12)\n  → wait for it to finish',
    );
  });

  it('says what to do when DuckDB runs out of memory', () => {
    const error = new Error(
      'Out of Memory Error: failed to pin block (4.6 MiB/4.7 MiB used)\n\nPossible solutions: …',
    );
    expect(describeIt(error)).toBe(
      'DuckDB has not enough memory: Out of Memory Error: failed to pin block (4.6 MiB/4.7 MiB used)\n  → raise memory_limit in warehouse.yaml, or lower threads: each takes its share',
    );
  });

  it('lists every problem of a configuration', () => {
    const error = new ConfigError(
      [
        {
          file: 'warehouse.yaml',
          line: 4,
          key: 'sources.a.connector',
          message: 'is "ftp", allowed are: s3, sftp',
        },
        { file: 'warehouse.yaml', key: 'warehouse', message: 'is missing' },
      ],
      { hint: 'asapp-warehouse init writes one to start from' },
    );
    expect(describeIt(error)).toBe(
      [
        'the configuration has 2 problems:',
        '  warehouse.yaml:4: sources.a.connector: is "ftp", allowed are: s3, sftp',
        '  warehouse.yaml: warehouse: is missing',
        '  → asapp-warehouse init writes one to start from',
      ].join('\n'),
    );
  });

  it('adds the root cause, once', () => {
    const root = new Error('connect ECONNREFUSED 127.0.0.1:9000');
    const between = new Error('request failed', { cause: root });
    expect(describeIt(new SourceError('cannot list s3://acme', { cause: between }))).toBe(
      'cannot list s3://acme: connect ECONNREFUSED 127.0.0.1:9000',
    );
    expect(describeIt(new SourceError(`cannot list s3://acme: ${root.message}`, { cause: root }))).toBe(
      'cannot list s3://acme: connect ECONNREFUSED 127.0.0.1:9000',
    );
    expect(describeIt(new SourceError('request failed', { cause: new Error('request failed: 503') }))).toBe(
      'request failed: 503',
    );
  });

  it('keeps to the first line of a long reason', () => {
    const cause = new Error('Parser Error: syntax error at or near "form"\n\nLINE 1: select 1 form x\n ^');
    expect(describeIt(new StorageError('cannot query', { cause }))).toBe(
      'cannot query: Parser Error: syntax error at or near "form"',
    );
  });

  it("finds the reason in Node's error for several addresses", async () => {
    const cause = await new Promise<Error>((resolve) => {
      connect({ host: 'localhost', port: 1, autoSelectFamily: true }).once('error', resolve);
    });
    expect(describeIt(new SourceError('cannot connect', { cause }))).toMatch(
      /^cannot connect: connect ECONNREFUSED \S+:1$/,
    );
    const several = new AggregateError([new Error('connect ECONNREFUSED ::1:9000')]);
    expect(describeIt(new SourceError('cannot connect', { cause: several }))).toBe(
      'cannot connect: connect ECONNREFUSED ::1:9000',
    );
  });

  it('does not follow causes in a circle', () => {
    const error = new Error('round');
    error.cause = new Error('and round', { cause: error });
    expect(describeIt(new SourceError('stuck', { cause: error }))).toBe('stuck: and round');
  });

  it('says in one line that something is unexpected, and how to see more', () => {
    expect(describeIt(new TypeError('x is not\na function'))).toBe(
      'unexpected: x is not a function\n  → run again with DEBUG=asapp-warehouse for the stack trace',
    );
    expect(describeIt('oops')).toContain('unexpected: oops');
    expect(describeIt(new Error(''))).toContain('unexpected: Error');
  });

  it('shows stack traces, down to the root cause, only for debugging', () => {
    const error = new SourceError('cannot list', { cause: new RangeError('too deep') });
    expect(describeIt(error)).not.toContain('describe-error.test.ts');
    const debugged = describeError(error, { debug: true });
    expect(debugged).toMatch(
      /^cannot list: too deep\nSourceError: cannot list\n {4}at .*describe-error\.test\.ts/,
    );
    expect(debugged).toMatch(/caused by: RangeError: too deep\n {4}at .*describe-error\.test\.ts/);
  });
});
