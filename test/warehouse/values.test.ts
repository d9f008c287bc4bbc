import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { type Cell, ExactNumber, JsonText, toCell } from '../../src/warehouse/values.ts';

let instance: DuckDBInstance;

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:');
});

afterAll(() => instance.closeSync());

/** What a query's single value becomes. */
async function cell(expression: string): Promise<Cell> {
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll(`SELECT ${expression}`);
    return toCell(reader.getRows()[0]?.[0] ?? null, reader.columnType(0));
  } finally {
    connection.closeSync();
  }
}

describe('a number', () => {
  it.each<[string, Cell]>([
    ['42::TINYINT', 42],
    ['4294967295::UINTEGER', 4294967295],
    ['9223372036854775807', 9223372036854775807n],
    ['18446744073709551615::UBIGINT', 18446744073709551615n],
    ['170141183460469231731687303715884105727::HUGEINT', 170141183460469231731687303715884105727n],
    ["'340282366920938463463374607431768211455'::UHUGEINT", 340282366920938463463374607431768211455n],
    [
      "'12345678901234567890123456789012345678901234567890'::BIGNUM",
      12345678901234567890123456789012345678901234567890n,
    ],
    ['1.50::DECIMAL(18, 2)', new ExactNumber('1.50')],
    [
      "'-0.000000000000000000000000000001'::DECIMAL(38, 30)",
      new ExactNumber('-0.000000000000000000000000000001'),
    ],
    ['7::DECIMAL(10, 0)', new ExactNumber('7')],
    ['0.1::DOUBLE', 0.1],
    ['0.1::FLOAT', 0.1],
    ['16777217::FLOAT', 16777216],
    ['1e300::DOUBLE', 1e300],
    ["'nan'::FLOAT", Number.NaN],
    ["'-inf'::DOUBLE", Number.NEGATIVE_INFINITY],
  ])('keeps every digit: %s', async (expression, expected) => {
    expect(await cell(expression)).toEqual(expected);
  });
});

describe('a time', () => {
  it.each<[string, string]>([
    ["TIMESTAMP '2026-01-31 07:31:02'", '2026-01-31 07:31:02'],
    ["TIMESTAMP '2026-01-31 07:31:02.5'", '2026-01-31 07:31:02.500000'],
    ["TIMESTAMP '2026-01-31 07:31:02.000001'", '2026-01-31 07:31:02.000001'],
    ["TIMESTAMP '1969-12-31 23:59:59.25'", '1969-12-31 23:59:59.250000'],
    ["TIMESTAMP 'infinity'", 'infinity'],
    ["TIMESTAMP_S '2026-01-31 07:31:02'", '2026-01-31 07:31:02'],
    ["TIMESTAMP_MS '2026-01-31 07:31:02.12'", '2026-01-31 07:31:02.120000'],
    ["TIMESTAMP_NS '2026-01-31 07:31:02.12'", '2026-01-31 07:31:02.120000'],
    ["TIMESTAMP_NS '2026-01-31 07:31:02.123456700'", '2026-01-31 07:31:02.123456700'],
    ["TIMESTAMPTZ '2026-01-31 07:31:02.5+02:00'", '2026-01-31 05:31:02.500000+00'],
    ["TIMESTAMPTZ '-infinity'", '-infinity'],
    ["DATE '2026-01-31'", '2026-01-31'],
    ["DATE '-infinity'", '-infinity'],
    ["TIME '07:31:02.5'", '07:31:02.500000'],
    ["TIMETZ '07:31:02+05:30'", '07:31:02+05:30'],
    ["INTERVAL '1 month -2 days 3.5 seconds'", '1 month -2 days 00:00:03.5'],
  ])('has six digits of fraction or none, and is in UTC: %s', async (expression, expected) => {
    expect(await cell(expression)).toBe(expected);
  });

  it('is in UTC whatever time zone this machine is in', async () => {
    const offset = (await import('@duckdb/node-api')).DuckDBTimestampTZValue;
    const here = offset.timezoneOffsetInMinutes;
    offset.timezoneOffsetInMinutes = 330;
    try {
      expect(await cell("TIMESTAMPTZ '2026-01-31 00:00:00+00'")).toBe('2026-01-31 00:00:00+00');
    } finally {
      offset.timezoneOffsetInMinutes = here;
    }
  });
});

describe('any other scalar', () => {
  it.each<[string, Cell]>([
    ['NULL', null],
    ['true', true],
    ["''", ''],
    ["'naïve 中'", 'naïve 中'],
    ["'8f1cd2a0-2c1e-4b5f-9c57-0a1b2c3d4e5f'::UUID", '8f1cd2a0-2c1e-4b5f-9c57-0a1b2c3d4e5f'],
    ["'a\\xAAb'::BLOB", 'a\\xAAb'],
    ["'0101'::BIT", '0101'],
    ["'web'::ENUM ('web', 'voice')", 'web'],
  ])('reads as DuckDB prints it: %s', async (expression, expected) => {
    expect(await cell(expression)).toEqual(expected);
  });
});

describe('a nested value', () => {
  it.each<[string, Cell]>([
    ['[1::BIGINT, NULL]', [1n, null]],
    ['array_value(1.5::DECIMAL(2, 1), 2)', [new ExactNumber('1.5'), new ExactNumber('2.0')]],
    [
      "{'at': TIMESTAMP '2026-01-31 00:00:00', 'n': {'deep': 1}}",
      { at: '2026-01-31 00:00:00', n: { deep: 1 } },
    ],
    ["MAP {'k': [1], '': NULL}", { k: [1], '': null }],
    ['MAP {9007199254740993: true}', { '9007199254740993': true }],
    ['union_value(num := 2.50::DECIMAL(3, 2))', new ExactNumber('2.50')],
    ["{'a': [1::VARIANT, 'x'::VARIANT, NULL]}::VARIANT", { a: [1, 'x', null] }],
    ['9007199254740993::VARIANT', 9007199254740993n],
  ])('keeps its parts as they are: %s', async (expression, expected) => {
    expect(await cell(expression)).toEqual(expected);
  });

  it('keeps JSON as the text that it is', async () => {
    const json = '{"id": 12345678901234567890, "share": 0.10}';
    expect(await cell(`'${json}'::JSON`)).toEqual(new JsonText(json));
    expect(await cell(`['1'::JSON]`)).toEqual([new JsonText('1')]);
    expect(await cell(`{'j': '[1]'::JSON}`)).toEqual({ j: new JsonText('[1]') });
  });

  it('is refused when it is a row without field names, since its values are lost on the way', async () => {
    await expect(cell('row(1, 2)')).rejects.toThrow(UsageError);
  });
});
