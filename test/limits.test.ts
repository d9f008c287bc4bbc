// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of warehouse.yaml, not of this file
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../src/config/parse.ts';
import { bytesOf, DEFAULT_LIMITS, limitText, readLimits, sizeText } from '../src/limits.ts';
import { context } from './config/fakes.ts';

const parse = (text: string, env = {}) =>
  parseConfig(`${text}\nsources: {a: {connector: local, path: ./feeds}}\n`, { ...context, env });

const limitsOf = (text: string, env = {}) => {
  const parsed = parse(text, env);
  return 'config' in parsed && parsed.config.limits;
};

const problemsOf = (text: string) => {
  const parsed = parse(text);
  return 'problems' in parsed ? parsed.problems.map(({ key, message }) => `${key}: ${message}`) : [];
};

describe('limits', () => {
  it('are the defaults where the file does not set them', () => {
    expect(limitsOf('')).toEqual(DEFAULT_LIMITS);
    expect(limitsOf('limits: {}')).toEqual(DEFAULT_LIMITS);
    expect(DEFAULT_LIMITS).toMatchObject({ line_bytes: 64 * 2 ** 20, object_keys: 200_000 });
  });

  it('are sizes and counts, and may come from variables', () => {
    const text = "limits: {line_bytes: 1MiB, file_bytes: '2 GB', object_keys: '${KEYS}'}";
    expect(limitsOf(text, { KEYS: '50' })).toEqual({
      ...DEFAULT_LIMITS,
      line_bytes: 2 ** 20,
      file_bytes: 2e9,
      object_keys: 50,
    });
  });

  it.each([
    ['line_bytes: 0B', 'limits.line_bytes: must be a size above 0, such as 64KiB, 16MiB or 2GB, but is "0B"'],
    ['line_bytes: 16', 'limits.line_bytes: must be a size above 0, such as 64KiB, 16MiB or 2GB, but is 16'],
    ['line_bytes: 1GiB', 'limits.line_bytes: must be at most 256MiB, but is "1GiB"'],
    ['object_keys: 0', 'limits.object_keys: must be a whole number above 0, but is 0'],
    ['keys: 5', 'limits.keys: is not a key of limits'],
  ])('are refused when they make no sense: %s', (text, message) => {
    expect(problemsOf(`limits: {${text}}`)).toEqual([expect.stringContaining(message)]);
  });

  it('are named in messages together with their values', () => {
    const limits = readLimits({ line_bytes: '1500B', object_keys: 7 });
    expect(limitText(limits, 'line_bytes')).toBe('limits.line_bytes (1500B)');
    expect(limitText(limits, 'file_bytes')).toBe('limits.file_bytes (64GiB)');
    expect(limitText(limits, 'object_keys')).toBe('limits.object_keys (7)');
  });

  it('read back each size as they write it', () => {
    for (const bytes of [1, 999, 1024, 1536, 2 ** 20, 3 * 2 ** 30, 2 ** 40, 10 ** 12])
      expect(bytesOf(sizeText(bytes))).toBe(bytes);
    expect(bytesOf('1kB')).toBe(1000);
    expect(bytesOf('9999999999TiB')).toBeUndefined();
  });
});
