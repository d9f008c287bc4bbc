import { describe, expect, it } from 'vitest';
import {
  BusyError,
  ConfigError,
  exitCodeOf,
  FileError,
  ModelError,
  SourceError,
  StorageError,
  UsageError,
} from '../src/errors.ts';

describe('exitCodeOf', () => {
  it.each<[string, unknown, number]>([
    ['bad usage', new UsageError('no such option'), 2],
    ['bad configuration', new ConfigError([]), 2],
    ['a bad model', new ModelError('no such model'), 2],
    ['a held warehouse', new BusyError('held'), 4],
    ['a source out of reach', new SourceError('no answer'), 1],
    ['a broken file', new FileError('cut off'), 1],
    ['a damaged warehouse', new StorageError('damaged'), 1],
    ['a bug', new TypeError('x is not a function'), 1],
    ['anything thrown', 'oops', 1],
  ])('gives the documented exit code for %s', (_, error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});
