import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MARK } from '../../../src/load/staging/digits.ts';
import { scanLine } from '../../../src/load/staging/line-scan.ts';
import { Warehouse } from '../../../src/warehouse/warehouse.ts';

const digits = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max }).map((list) => list.join(''));

/** Numbers in every spelling that JSON has. */
const numbers = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', '-'),
      digits(1, 24).map((text) => text.replace(/^0+(?=\d)/, '')),
      fc.oneof(
        fc.constant(''),
        digits(1, 24).map((text) => `.${text}`),
      ),
      fc.oneof(
        fc.constant(''),
        fc.integer({ min: -330, max: 330 }).map((n) => `e${n}`),
        fc.constant('E+2'),
      ),
    )
    .map((parts) => parts.join('')),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom('0.0', '-0.0', '1.0', '1.50', '0.001', '0.0001', '0.00001', '999999999999999.9', '1e15'),
);

const scan = (text: string) => scanLine(Buffer.from(text));
const unmarked = (text: string) => text.replaceAll(new RegExp(`"${MARK}([^"]*)"`, 'g'), '$1');

describe('a line', () => {
  test('has marks wherever DuckDB would lose a digit of a number', async () => {
    await using warehouse = await Warehouse.open(':memory:');
    const session = await warehouse.session();
    await fc.assert(
      fc.asyncProperty(fc.array(numbers, { minLength: 1, maxLength: 20 }), async (sent) => {
        const kept = sent.filter((number) => scan(`{"n":${number}}`).marked === undefined);
        const rows = await session.rows<{ spelled: string }>(
          `SELECT CAST(json_extract(line, '$.n') AS VARCHAR) AS spelled
           FROM (SELECT unnest(from_json($1, '["VARCHAR"]')) AS line)`,
          [JSON.stringify(kept.map((number) => `{"n":${number}}`))],
        );
        // The one thing that is not kept.
        expect(rows.map(({ spelled }) => spelled)).toEqual(
          kept.map((number) => (number === '-0' ? '0' : number)),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('is what it was once its marks are taken away, whatever its texts hold', () => {
    const strings = fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text.toWellFormed()));
    const values = fc.oneof(
      numbers,
      strings,
      fc.constantFrom('true', 'false', 'null', '[1.50,{"a":[-2e5]}]'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(strings, values)), (fields) => {
        const line = `{${fields.map(([name, value]) => `${name}: ${value}`).join(' , ')}}`;
        const { marked, hasOddWords } = scan(line);
        expect(hasOddWords).toBe(false);
        if (!marked) return;
        expect(unmarked(marked.toString())).toBe(line);
        expect(() => JSON.parse(marked.toString())).not.toThrow();
      }),
    );
  });

  test('is scanned without an exception wherever it is broken', () => {
    const piece = fc.constantFrom('{', '"n"', '"', '\\', ':', '-', '1.50', 'nul', 'true', ',', 'N', 'e');
    fc.assert(fc.property(fc.array(piece), (pieces) => void scan(pieces.join(''))));
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void scanLine(bytes)));
  });

  test.for([
    ['{"n":NaN}', true],
    ['{"n":-Infinity}', true],
    ['[1, nan]', true],
    ['{"n":nul}', true],
    ['{"n":"NaN","Infinity":true}', false],
    ['{"n":null,"e":1e5,"E":[-1E+5,false]}', false],
    ['{"n":"a \\" NaN"}', false],
    ['{"n":"\\\\"}', false],
  ] as const)('like %s has odd words: %j', ([line, odd]) => {
    expect(scan(line).hasOddWords).toBe(odd);
  });
});
