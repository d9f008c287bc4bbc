import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  DATE_TIME_PATTERN,
  day,
  epoch,
  epochHasFurtherDigits,
  hasFurtherDigits,
  instant,
  isDateTime,
} from '../../src/warehouse/instant.ts';
import type { Session } from '../../src/warehouse/session.ts';
import { literal } from '../../src/warehouse/sql.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

let warehouse: Warehouse;
let session: Session;
beforeAll(async () => {
  warehouse = await Warehouse.open(':memory:');
  session = await warehouse.session();
});
afterAll(() => warehouse[Symbol.asyncDispose]());

/** What an expression over `x` gives for each text, all of them in one statement and one chunk. */
async function each(texts: readonly string[], sql: string): Promise<unknown[]> {
  const list = `[${texts.map(literal).join(', ')}]::VARCHAR[]`;
  const rows = await session.rows(
    `SELECT ${sql} AS value FROM (SELECT unnest(${list}) AS x, unnest(range(${texts.length})) AS i) ORDER BY i`,
  );
  return rows.map(({ value }) => value);
}

const asText = (sql: string) => `CAST(${sql} AS VARCHAR)`;

describe('an instant', () => {
  const accepted: Record<string, string> = {
    '2026-01-05': '2026-01-05 00:00:00',
    '2026-01-05 10:00:00': '2026-01-05 10:00:00',
    '2026-01-05T10:00:00': '2026-01-05 10:00:00',
    '2026-01-05T08:00Z': '2026-01-05 08:00:00',
    '2026-01-05 08:00': '2026-01-05 08:00:00',
    '2026-01-05T08:00+02:00': '2026-01-05 06:00:00',
    '2026-01-05T10:00:00Z': '2026-01-05 10:00:00',
    '2026-01-05 10:00:00 Z': '2026-01-05 10:00:00',
    '2026-01-05 10:00:00 UTC': '2026-01-05 10:00:00',
    '2026-01-05 10:00:00UTC': '2026-01-05 10:00:00',
    '2026-01-05 10:00:00.5': '2026-01-05 10:00:00.5',
    '2026-01-05T10:00:00.123456Z': '2026-01-05 10:00:00.123456',
    '2023-08-09T19:21:34.224620050Z': '2023-08-09 19:21:34.22462',
    '2026-01-05T10:00:00.999999999+00:00': '2026-01-05 10:00:00.999999',
    '2026-01-05t10:00:00.5z': '2026-01-05 10:00:00.5',
    '2026-01-05t10:00:00 +02:30': '2026-01-05 07:30:00',
    '2026-01-05t10:00': '2026-01-05 10:00:00',
    '2026-01-05 10:00:00+02': '2026-01-05 08:00:00',
    '2026-01-05 10:00:00+0200': '2026-01-05 08:00:00',
    '2026-01-05 10:00:00+02:00': '2026-01-05 08:00:00',
    '2026-01-05 10:00:00 +00:00': '2026-01-05 10:00:00',
    '2026-01-05 10:00:00.25 -0530': '2026-01-05 15:30:00.25',
    '2026-01-05T00:30:00+14:00': '2026-01-04 10:30:00',
    '2026-01-05T23:30:00-02': '2026-01-06 01:30:00',
    '2024-02-29T00:00:00Z': '2024-02-29 00:00:00',
    '0001-01-01T00:00:00Z': '0001-01-01 00:00:00',
  };
  const refused = [
    '',
    ' ',
    '01/05/26',
    '2026/01/05',
    '26-01-05',
    '2026-1-5',
    '20260105',
    '2026',
    '2026-01',
    '1767600000',
    '2026-01-05 10:00:00 PST',
    '2026-01-05 10:00:00 BST',
    '2026-01-05 10:00:00 Europe/Berlin',
    '2026-01-05 10:00:00+99:99',
    '2026-01-05 10:00:00+14:30',
    '2026-01-05 10:00:00+2',
    '2026-01-05 10:00:00+02:60',
    'infinity',
    '-infinity',
    'epoch',
    'now',
    'today',
    '2026-01-05 (BC)',
    '0000-00-00 00:00:00',
    '0000-01-01',
    '2026-02-30',
    '2026-02-30 00:00:00',
    '2026-13-01',
    '2023-02-29T00:00:00Z',
    '2026-01-05 24:00:00',
    '2026-01-05T24:00:00Z',
    '2026-01-05T24:00:00+00:00',
    '2026-01-05 10:60',
    '2026-01-05 10:00:60',
    '2026-01-05T10',
    '2026-01-05T1:00',
    '2026-01-05 10:00:00.',
    '2026-01-05 10:00:00.1234567890',
    '2026-01-05Z',
    '2026-01-05 UTC',
    '2026-01-05  10:00:00',
    ' 2026-01-05',
    '2026-01-05 ',
    '2026-01-05T10:00:00ZZ',
    'x2026-01-05',
    '2026-01-05\n',
    '2026-01-05 10:00:00 +0200 UTC',
    '2026-01-05T10:00:00  Z',
    '２０２６-01-05',
    '02026-01-05',
    '2026-01-05,10:00',
  ];

  test.each(Object.entries(accepted))('may be written as %s', async (text, expected) => {
    expect(await each([text], asText(instant('x')))).toEqual([expected]);
  });

  test.each(refused)('may not be written as %j', async (text) => {
    expect(await each([text], instant('x'))).toEqual([null]);
  });

  test('has one pattern for SQL and for JavaScript', async () => {
    const texts = [...Object.keys(accepted), ...refused];
    const pattern = new RegExp(`^(?:${DATE_TIME_PATTERN})$`);
    expect(await each(texts, `regexp_full_match(x, ${literal(DATE_TIME_PATTERN)})`)).toEqual(
      texts.map((text) => pattern.test(text)),
    );
  });

  // A cast to TIMESTAMPTZ takes the last named zone it saw for the values that follow, up to the end of their chunk.
  test('does not depend on the values around it', async () => {
    const all = [...Object.keys(accepted), ...refused];
    const alone = new Map<string, unknown>();
    for (const text of all) alone.set(text, (await each([text], asText(instant('x'))))[0]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...all), { minLength: 2, maxLength: 40 }), async (texts) => {
        expect(await each(texts, asText(instant('x')))).toEqual(texts.map((text) => alone.get(text)));
      }),
      { numRuns: 50 },
    );
  });

  test('is the same in every spelling of it', async () => {
    const time = fc.date({ min: new Date('0002-01-01'), max: new Date('9998-12-31'), noInvalidDate: true });
    const offsets = fc.integer({ min: -14 * 60, max: 14 * 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(time, offsets), { minLength: 1, maxLength: 20 }),
        async (instants) => {
          const texts = instants.flatMap(([at, minutes]) => {
            const local = new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, -1);
            const sign = minutes < 0 ? '-' : '+';
            const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) =>
              String(part).padStart(2, '0'),
            );
            return [
              at.toISOString(),
              `${local}${sign}${hours}:${rest}`,
              `${local.replace('T', ' ')}000 ${sign}${hours}${rest}`,
            ];
          });
          const wanted = instants.flatMap(([at]) => [at, at, at].map((same) => same.getTime()));
          const found = await each(texts, instant('x'));
          expect(found.map((value) => (value as Date).getTime())).toEqual(wanted);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('shows whether it has digits beyond what is kept', async () => {
    const texts = [
      '2023-08-09T19:21:34.224620050Z',
      '2023-08-09T19:21:34.224620000Z',
      '2023-08-09 19:21:34.2246201',
    ];
    const more = [...texts, '2023-08-09T19:21:34.224620001 +02:00', '2023-08-09T19:21:34.123456+02:00'];
    expect(await each(more, hasFurtherDigits('x'))).toEqual([true, false, true, true, false]);
  });

  test('is more than a date where a column of times is recognised in texts', async () => {
    const texts = ['2026-01-05', '2026-01-05 10:00', '2026-02-30 10:00', '2026-01-05T10:00:00 +02'];
    expect(await each(texts, isDateTime('x'))).toEqual([false, true, false, true]);
  });
});

test('a day is a date and nothing else', async () => {
  const texts = ['2026-01-05', '2024-02-29', '26-01-05', '2026-02-30', '2026-01-05 00:00:00', '2026-01-05Z'];
  const more = [...texts, 'infinity', 'epoch', '0000-01-01', '01/05/2026', ' 2026-01-05'];
  const none = more.slice(2).map(() => null);
  expect(await each(more, asText(day('x')))).toEqual(['2026-01-05', '2024-02-29', ...none]);
});

describe('an epoch', () => {
  test.each([
    ['epoch_s', '1767600000', '2026-01-05 08:00:00'],
    ['epoch_s', '1767600000.25', '2026-01-05 08:00:00.25'],
    ['epoch_s', '1767600000.1234567', '2026-01-05 08:00:00.123456'],
    ['epoch_s', '-1', '1969-12-31 23:59:59'],
    ['epoch_ms', '1767600000000', '2026-01-05 08:00:00'],
    ['epoch_ms', '1767600000123.4567', '2026-01-05 08:00:00.123456'],
    ['epoch_ms', '0', '1970-01-01 00:00:00'],
    ['epoch_s', '1767600000000', null],
    ['epoch_ms', '999999999999999999999', null],
    ['epoch_ms', '1.7676e12', null],
    ['epoch_ms', 'soon', null],
    ['epoch_ms', '', null],
  ] as const)('as %s of %s is %s', async (format, text, expected) => {
    expect(await each([text], asText(epoch('x', format)))).toEqual([expected]);
  });

  test('shows whether it has digits beyond what is kept', async () => {
    const texts = ['1.1234567', '1.1234560', '1.123', '7'];
    expect(await each(texts, epochHasFurtherDigits('x', 'epoch_s'))).toEqual([true, false, false, false]);
  });
});
