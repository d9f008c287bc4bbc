import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  canonicalNumber,
  canonicalValue,
  isNotCanonicalNumber,
} from '../../src/warehouse/canonical-number.ts';
import type { Session } from '../../src/warehouse/session.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

let warehouse: Warehouse;
let session: Session;
beforeAll(async () => {
  warehouse = await Warehouse.open(':memory:');
  session = await warehouse.session();
});
afterAll(() => warehouse[Symbol.asyncDispose]());

async function spelled(texts: readonly string[]): Promise<{ text: string; misspelled: boolean }[]> {
  return session.rows(
    `SELECT ${canonicalNumber('x')} AS text, ${isNotCanonicalNumber('x')} AS misspelled
     FROM (SELECT unnest(from_json($1, '["VARCHAR"]')) AS x, generate_subscripts(from_json($1, '["VARCHAR"]'), 1) AS i) ORDER BY i`,
    [JSON.stringify(texts)],
  );
}

/** The value of a number's text, as a whole number and a power of ten without common zeros. */
function exactly(text: string): string {
  const [, sign = '', whole = '', part = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]\+?(-?\d+))?$/.exec(text) ?? [];
  let digits = BigInt(whole + part);
  let power = Number(exponent) - part.length;
  if (digits === 0n) return '0';
  while (digits % 10n === 0n) {
    digits /= 10n;
    power += 1;
  }
  return `${sign}${digits}e${power}`;
}

const digits = fc.stringMatching(/^\d{0,25}$/);
const numbers = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: fc.oneof(fc.constant('0'), fc.stringMatching(/^[1-9]\d{0,25}$/)),
    part: fc.option(
      digits.filter((text) => text !== ''),
      { nil: undefined },
    ),
    exponent: fc.option(fc.integer({ min: -500, max: 500 }), { nil: undefined }),
    e: fc.constantFrom('e', 'E', 'e+'),
  })
  .map(({ sign, whole, part, exponent, e }) => {
    const power = exponent === undefined ? '' : `${exponent < 0 ? 'e' : e}${exponent}`;
    return `${sign}${whole}${part === undefined ? '' : `.${part}`}${power}`;
  });

describe('a number', () => {
  test.for([
    ['7.0', '7'],
    ['7', '7'],
    ['7e0', '7'],
    ['1.50', '1.5'],
    ['9007199254740993.0', '9007199254740993'],
    ['-0', '0'],
    ['-0.0', '0'],
    ['-0.50', '-0.5'],
    ['10', '10'],
    ['1e2', '100'],
    ['12.5E-3', '0.0125'],
    ['0e99999999999999999999', '0'],
    ['1e500', '1e500'],
    ['10e499', '1e500'],
    [`1${'0'.repeat(450)}`, '1e450'],
  ] as const)('%s is spelled %s', async ([sent, expected]) => {
    expect((await spelled([sent]))[0]?.text).toBe(expected);
  });

  test.for(['007', '', ' 7', '7 ', '+7', '.5', '5.', 'ABC', '1.2.3', '1e', '--1', '0x10', 'NaN', '07.0'])(
    'is not %j, which stays as it is',
    async (text) => {
      expect(await spelled([text])).toEqual([{ text, misspelled: false }]);
    },
  );

  test('has one spelling, and two different numbers have two', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(numbers, { minLength: 1, maxLength: 30 }), async (sent) => {
        const found = await spelled(sent);
        const again = await spelled(found.map(({ text }) => text));
        expect(again.map(({ text }) => text)).toEqual(found.map(({ text }) => text));
        for (const [index, { text, misspelled }] of found.entries()) {
          expect(exactly(text)).toBe(exactly(sent[index] as string));
          expect(misspelled || text === sent[index]).toBe(true);
        }
        // Equal numbers are equal texts.
        const byValue = new Map<string, string>();
        for (const { text } of found) {
          const value = exactly(text);
          expect(byValue.get(value) ?? text).toBe(text);
          byValue.set(value, text);
        }
      }),
    );
  });

  test('that was a double or a decimal is spelled as one that was sent', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ noNaN: true, noDefaultInfinity: true }), async (number) => {
        const sent = JSON.stringify(number);
        const { stored } = await session.row<{ stored: string }>(
          `SELECT ${canonicalValue('x', 'DOUBLE')} AS stored FROM (SELECT $1::VARCHAR::DOUBLE AS x)`,
          [sent],
        );
        expect(stored).toBe((await spelled([sent]))[0]?.text);
      }),
      { numRuns: 50 },
    );
    const { stored } = await session.row<{ stored: string }>(
      `SELECT ${canonicalValue('x', 'DECIMAL(18,2)')} AS stored FROM (SELECT 1.50::DECIMAL(18,2) AS x)`,
    );
    expect(stored).toBe('1.5');
  });
});
