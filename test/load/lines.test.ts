import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isBlank, LineCounter, readLines } from '../../src/load/lines.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lines-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(bytes: Buffer): Promise<{ number: number; text: string; utf8: boolean }[]> {
  const file = join(folder, 'lines.jsonl');
  await writeFile(file, bytes);
  const lines = [];
  for await (const { number, bytes: line, utf8 } of readLines(file, 1 << 24))
    lines.push({ number, text: Buffer.from(line).toString('latin1'), utf8 });
  return lines;
}

function count(chunks: readonly Uint8Array[]): { lines: number; irregular: boolean } {
  const counter = new LineCounter();
  for (const chunk of chunks) counter.push(chunk);
  counter.finish();
  return { lines: counter.lines, irregular: counter.irregular };
}

/** Bytes of which many files are made, the awkward ones often. */
const bytes = fc
  .array(
    fc.constantFrom(
      '{}',
      '{"a":1}',
      '\n',
      '\n',
      '\r\n',
      ' ',
      '\t',
      '\v\f',
      '\r',
      '\ufeff',
      'ü',
      '\xff',
      '\0',
    ),
  )
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part, part === '\xff' ? 'latin1' : 'utf8'))));

/** The same bytes cut anywhere, also into nothing. */
function cut(whole: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return places.slice(1).map((end, index) => whole.subarray(places[index], end));
}

describe('readLines', () => {
  test.each<[string, string, [number, string][]]>([
    [
      'LF',
      'a\nb\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'no final newline',
      'a\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'CRLF, of which the CR stays',
      'a\r\nb\r\n',
      [
        [1, 'a\r'],
        [2, 'b\r'],
      ],
    ],
    [
      'blank lines, which count',
      'a\n\n \t\nb\n\n',
      [
        [1, 'a'],
        [4, 'b'],
      ],
    ],
    ['nothing', '', []],
    ['nothing but blank lines', '\n\r\n  ', []],
    ['a byte order mark, which is kept', '\xef\xbb\xbfa\n', [[1, '\xef\xbb\xbfa']]],
    ['NUL', 'a\0b\n', [[1, 'a\0b']]],
  ])('numbers the lines of a file with %s', async (_, text, expected) => {
    expect((await read(Buffer.from(text, 'latin1'))).map(({ number, text }) => [number, text])).toEqual(
      expected,
    );
  });

  test('says which lines are not UTF-8', async () => {
    const lines = await read(Buffer.from('a\n\xff\xfe\n\xc3\n', 'latin1'));
    expect(lines.map(({ utf8 }) => utf8)).toEqual([true, false, false]);
  });

  test('reads lines longer than what is read at a time', async () => {
    const long = 'x'.repeat(3 * 2 ** 20 + 1);
    const lines = await read(Buffer.from(`${long}\na\n${long}`));
    expect(lines.map(({ number, text }) => [number, text.length])).toEqual([
      [1, long.length],
      [2, 1],
      [3, long.length],
    ]);
  });

  test('reads every byte, whatever the file', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, async (whole) => {
        const expected = whole
          .toString('latin1')
          .split('\n')
          .flatMap((text, index) => (/^[ \t\v\f\r]*$/.test(text) ? [] : [{ number: index + 1, text }]));
        expect((await read(whole)).map(({ number, text }) => ({ number, text }))).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });
});

describe('LineCounter', () => {
  test('counts what readLines reads, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat()), async (whole, at) => {
        expect(count(cut(whole, at)).lines).toBe((await read(whole)).length);
      }),
      { numRuns: 100 },
    );
  });

  test('finds the same files irregular however the bytes are cut', () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat()), (whole, at) => {
        expect(count(cut(whole, at))).toEqual(count([whole]));
      }),
    );
  });

  test.each([
    ['a\nb\n', 2, false],
    ['a\nb', 2, false],
    ['', 0, false],
    ['a\r\nb\r\n', 2, false],
    ['\na\n', 1, true],
    ['a\n\nb\n', 2, true],
    ['a\n\n', 1, true],
    ['a\n  ', 1, true],
    ['\ufeffa\n', 1, true],
  ])('finds in %j %i lines, irregular: %s', (text, lines, irregular) => {
    expect(count([Buffer.from(text)])).toEqual({ lines, irregular });
  });
});

test('isBlank tells white space from everything else', () => {
  expect(isBlank(Buffer.from(' \t\v\f\r'))).toBe(true);
  expect(isBlank(Buffer.from(' \u00a0'))).toBe(false);
  expect(isBlank(Buffer.from('\0'))).toBe(false);
});
