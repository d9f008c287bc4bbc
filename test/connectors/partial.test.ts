import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileTransfer, receive } from '../../src/connectors/partial.ts';
import { FileError, SourceError, StorageError } from '../../src/errors.ts';
import { exists, rejection } from './contract.ts';

const file = { path: 'f/f.jsonl', bytes: 10, etag: 'e' };
const patience = { connectMs: 100, stallMs: 100, attempts: 3, backoffMs: 1 };

describe('receiving a file', () => {
  let scratch: string;
  let partial: string;
  /** Where each read started. */
  let starts: number[];

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'partial-'));
    partial = join(scratch, 'partial');
    starts = [];
  });

  afterEach(() => rm(scratch, { recursive: true }));

  /** A place that answers its reads with these, in turn; the last one again and again. */
  function arrival(...answers: ((start: number) => Readable)[]): FileTransfer {
    return {
      file,
      partial,
      read: async (start) => {
        starts.push(start);
        return (answers[starts.length - 1] ?? (answers.at(-1) as (typeof answers)[0]))(start);
      },
      explain: (error) => {
        const { message } = error as Error;
        return new SourceError(message, { retryable: message === 'passing', cause: error });
      },
    };
  }

  const rest = (start: number) => Readable.from([Buffer.from('0123456789').subarray(start)]);
  const only = (text: string) => () => Readable.from([Buffer.from(text)]);
  const breaking = (text: string, message: string) => () =>
    Readable.from(
      (async function* () {
        yield Buffer.from(text);
        throw new Error(message);
      })(),
    );
  const silentAfter = (text: string) => () => {
    const stream = new PassThrough();
    stream.write(text);
    return stream;
  };

  it('goes on after a break, an early end and a silence', async () => {
    await receive(arrival(breaking('01', 'passing'), only('23'), silentAfter('45'), rest), {}, patience);
    expect(await readFile(partial, 'utf8')).toBe('0123456789');
    expect(starts).toEqual([0, 2, 4, 6]);
  });

  it('is given up after a limited number of tries in which nothing comes', async () => {
    const failed = await rejection(receive(arrival(only('012'), only('')), {}, patience));
    expect(failed).toMatchObject({ message: 'f/f.jsonl did not arrive whole: it ended after 3 of 10 bytes' });
    expect(failed).toMatchObject({ retryable: true });
    expect(starts).toEqual([0, 3, 3]);
    expect(await readFile(partial, 'utf8')).toBe('012');
  });

  it('says so when nothing came at all', async () => {
    const failed = await rejection(receive(arrival(silentAfter('')), {}, patience));
    expect(failed).toMatchObject({ message: 'f/f.jsonl did not arrive whole: nothing came for 0.1 s' });
    expect(starts).toEqual([0, 0, 0]);
  });

  it('does not try again after a failure that will not pass', async () => {
    expect(await rejection(receive(arrival(breaking('01', 'final')), {}, patience))).toBeInstanceOf(
      SourceError,
    );
    expect(starts).toEqual([0]);
    expect(await readFile(partial, 'utf8')).toBe('01');
  });

  it('passes on the error that the place itself reports, without trying again', async () => {
    const said = new SourceError('later', { retryable: true });
    const tries = arrival(() => {
      throw said;
    });
    expect(await rejection(receive(tries, {}, patience))).toBe(said);
    expect(starts).toEqual([0]);
  });

  it('refuses more bytes than were listed', async () => {
    const failed = await rejection(receive(arrival(only('0123456789+')), {}, patience));
    expect(failed).toBeInstanceOf(FileError);
    expect(starts).toEqual([0]);
    expect(await exists(partial)).toBe(false);
  });

  it('removes a file that fails its check, and keeps it when the check could not be made', async () => {
    const check = async (error: Error) => {
      await writeFile(partial, '0123456789');
      const verify = () => Promise.reject(error);
      return rejection(receive({ ...arrival(rest), verify }, {}, patience));
    };
    expect(await check(new FileError('damaged'))).toBeInstanceOf(FileError);
    expect(await exists(partial)).toBe(false);
    expect(await check(new Error('passing'))).toBeInstanceOf(SourceError);
    expect(await exists(partial)).toBe(true);
  });

  it('does not blame the place for a failure of our own disk', async () => {
    const failed = await rejection(
      receive({ ...arrival(rest), partial: join(scratch, 'nowhere/partial') }, {}, patience),
    );
    expect(failed).toBeInstanceOf(StorageError);
    expect(starts).toEqual([]);
  });
});
