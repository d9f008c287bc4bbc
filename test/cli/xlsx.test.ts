import { buffer } from 'node:stream/consumers';
import { streamXlsxRows } from 'hucre/xlsx';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { xlsxStream } from '../../src/cli/xlsx.ts';
import type { Session } from '../../src/warehouse/session.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

let warehouse: Warehouse;
let session: Session;

beforeAll(async () => {
  warehouse = await Warehouse.open(':memory:', { threads: 1 });
  session = await warehouse.session();
});

afterAll(() => warehouse[Symbol.asyncDispose]());

async function sheet(sql: string): Promise<unknown[][]> {
  const bytes = await buffer(await xlsxStream(await session.stream(sql)));
  const rows: unknown[][] = [];
  for await (const row of streamXlsxRows(new Uint8Array(bytes))) rows.push(row.values as unknown[]);
  return rows;
}

test('a workbook keeps types, and holds as text what a sheet would round', async () => {
  const [names, values] =
    await sheet(`SELECT 1 AS small, 999999999999999 AS fits, 9007199254740993 AS big, 1.50::DECIMAL(9,2) AS price,
    1234567890123.4567::DECIMAL(20,4) AS long, 0.5::DOUBLE AS half, 'NaN'::DOUBLE AS nan, true AS yes, NULL AS nothing,
    DATE '2026-01-05' AS day, TIMESTAMP '2026-01-05 10:00:00.123' AS time, TIMESTAMPTZ '2026-01-05 10:00:00+02' AS zoned,
    DATE '1899-12-31' AS old, '=1+1' AS formula, '_x0041_' AS spelled, E'a\\x01b' AS control, [1, 2] AS list, '{"a":1.50}'::JSON AS json`);
  const row = Object.fromEntries((names ?? []).map((name, index) => [name, values?.[index]]));
  expect(row).toEqual({
    small: 1,
    fits: 999999999999999,
    big: '9007199254740993',
    price: 1.5,
    long: '1234567890123.4567',
    half: 0.5,
    nan: 'NaN',
    yes: true,
    nothing: null,
    day: new Date('2026-01-05'),
    time: new Date('2026-01-05T10:00:00.123Z'),
    zoned: new Date('2026-01-05T08:00:00Z'),
    old: '1899-12-31',
    formula: '=1+1',
    spelled: '_x0041_',
    control: 'a\u0001b',
    list: '[1,2]',
    json: '{"a":1.50}',
  });
});

test('a text that is too long for a cell is an error, not a workbook that does not open', async () => {
  await expect(sheet("SELECT repeat('x', 40000) AS long")).rejects.toThrow(
    'long holds a text of 40000 characters',
  );
});

test('a large result does not have to fit in memory', async () => {
  let bytes = 0;
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  for await (const chunk of await xlsxStream(
    await session.stream('SELECT range AS n, md5(range::VARCHAR) AS t FROM range(200000)'),
  )) {
    bytes += chunk.length;
    most = Math.max(most, process.memoryUsage().heapUsed - before);
  }
  expect(bytes).toBeGreaterThan(4_000_000);
  expect(most).toBeLessThan(150_000_000);
}, 60_000);
