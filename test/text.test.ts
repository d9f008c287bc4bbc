import { describe, expect, it } from 'vitest';
import { nearest } from '../src/text.ts';

const KEYS = ['bucket', 'region', 'look_back_days', 'access_key_id', 'path'];

describe('nearest', () => {
  it.each([
    ['bukcet', 'bucket'],
    ['regoin', 'region'],
    ['Region', 'region'],
    ['look-back-days', 'look_back_days'],
    ['lookbackDay', 'look_back_days'],
    ['access_key', 'access_key_id'],
    ['acces_key_id', 'access_key_id'],
    ['paths', 'path'],
    ['colour', undefined],
    ['x', undefined],
    ['', undefined],
  ])('takes %s for %s', (word, expected) => {
    expect(nearest(word, KEYS)).toBe(expected);
  });

  it('finds nothing where nothing is known', () => {
    expect(nearest('bucket', [])).toBeUndefined();
  });
});
