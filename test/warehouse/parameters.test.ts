import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withLiterals } from '../../src/warehouse/parameters.ts';
import type { Session } from '../../src/warehouse/session.ts';
import type { SqlValue } from '../../src/warehouse/sql.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

describe('parameters', () => {
  let warehouse: Warehouse;
  let session: Session;

  beforeAll(async () => {
    warehouse = await Warehouse.open(':memory:');
    session = await warehouse.session();
  });

  afterAll(() => warehouse[Symbol.asyncDispose]());

  const given = async (value: SqlValue) =>
    (await session.row<{ value: SqlValue; next: string }>("SELECT $1 AS value, '$1' AS next", [value])).value;

  it.each([
    '',
    "'; DROP TABLE ops.runs; --",
    "\\'; SELECT 1 --",
    '$1 $2 $$',
    'a\0b\0',
    '-- /* "',
    'ü€😀',
    'x'.repeat(20_000),
  ])('come back as they were: %j', async (text) => {
    expect(await given(text)).toBe(text);
  });

  it('come back as they were, whatever the text', async () => {
    const text = fc.string({
      unit: fc.constantFrom("'", '"', '$', '1', '\\', '\0', '-', '/', '*', ';', '\n'),
    });
    await fc.assert(
      fc.asyncProperty(text, text, async (a, b) => {
        expect(await session.rows('SELECT $2 AS b, $1 AS a, \'$1\' AS "$2" -- $1', [a, b])).toEqual([
          { a, b, $2: '$1' },
        ]);
      }),
    );
  });

  it.each([
    0,
    1,
    -1,
    0.1,
    0.1234567890123,
    Number.POSITIVE_INFINITY,
    -2.5,
    1e300,
    2 ** 53 - 1,
    -(2 ** 31),
    true,
    false,
    null,
  ])('come back as they were: %s', async (value) => expect(await given(value)).toBe(value));

  it.each([
    12345678901234567890n,
    -(2n ** 63n),
    new Date(0),
    new Date('9999-12-31T23:59:59.999Z'),
    new Date(8e15),
  ])('come back as they were: %s', async (value) => expect(await given(value)).toEqual(value));

  it('may be subtracted from something', async () => {
    expect(await session.row('SELECT 1 -$1 AS sum', [-1])).toEqual({ sum: 2 });
  });

  it('are literals but where they are long, or no literal would be exact', () => {
    expect(withLiterals('SELECT $1, $2', ["it's", -1])).toBe("SELECT 'it''s', (-1)");
    expect(withLiterals('SELECT $1, $2', ['a', 'b'.repeat(20_000)])).toBeUndefined();
    expect(withLiterals('SELECT $1', [2n ** 63n - 1n])).toBeUndefined();
    expect(withLiterals('SELECT $1', [new Uint8Array(1)])).toBeUndefined();
  });
});
