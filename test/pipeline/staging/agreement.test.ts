import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { feedSpec, StagingBench } from '../../support/staging.ts';

/**
 * One line has one fate. Whether a file is read the fast way or the careful way depends on its neighbours, so the two
 * must agree on every line that the fast way takes.
 */

const COLUMNS = {
  text: 'VARCHAR',
  big: 'BIGINT',
  small: 'SMALLINT',
  number: 'DOUBLE',
  flag: 'BOOLEAN',
  at: 'TIMESTAMP',
  key: 'TIMESTAMP',
  day: 'DATE',
  money: 'DECIMAL(38,5)',
  nested: 'JSON',
} as const;

/** JSON texts of values, of the kinds that feeds are full of and of the kinds that trip loaders up. */
const values = fc.oneof(
  fc.constantFrom(
    ...[
      'null',
      'true',
      'false',
      '0',
      '1',
      '-1',
      '-0',
      '2',
      '1.0',
      '1.5',
      '1e2',
      '1e400',
      '5.0000000001',
      '""',
      '"x"',
    ],
    ...[
      '"1"',
      '"0"',
      '"true"',
      '"yes"',
      '" 7 "',
      '"007"',
      '"1_000"',
      '"0x10"',
      '"nan"',
      '"1.5"',
      '"é\\u0000"',
      '[]',
    ],
    ...[
      '{"a":1.10}',
      '[1,{"b":null}]',
      '"[1]"',
      '9007199254740993',
      '9223372036854775807',
      '9223372036854775808',
    ],
    ...[
      '-9223372036854775808',
      '123456789012345678901234567890',
      '32768',
      '0.1',
      '12345678901234.12345',
      '1.123456',
    ],
    ...[
      '"123456789012345678.12345"',
      '"2026-01-05T14:03:11.123456+02:00"',
      '"2026-01-05 14:03:11"',
      '"2026-01-05"',
    ],
    ...[
      '"2026-01-05T14:03:11.123456789Z"',
      '"2026-01-05 14:03:11 +0200"',
      '"2026-02-30 00:00:00"',
      '20260105',
    ],
    ...['123456789012345.12345', '"n/a"', '0.30000000000000004'],
  ),
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary', maxLength: 8 }).map((value) => JSON.stringify(value.toWellFormed())),
);

const fields = fc.dictionary(
  fc.constantFrom(...Object.keys(COLUMNS), 'extra', 'Text', 'an"odd name'),
  values,
);
const line = fields.map(
  (record) =>
    `{${Object.entries(record)
      .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
      .join(',')}}`,
);

describe('the fast and the careful way of staging', () => {
  it('give every line the same fate', { timeout: 120_000 }, async () => {
    await using bench = await StagingBench.open();
    let feed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 6 }), async (lines) => {
        feed += 1;
        const fast = feedSpec(COLUMNS, { feed: `fast_${feed}`, key: ['key'] });
        const careful = feedSpec(COLUMNS, { feed: `careful_${feed}`, key: ['key'] });
        // Each line as a file of its own: a neighbour cannot send it the careful way.
        const files = lines.map((text) => [text]);
        const counts = await bench.stage(fast, files);
        expect(await bench.stage(careful, files, { careful: true })).toEqual(counts);
        const columns = '* EXCLUDE (_partition_ts, _loaded_at, _file_id)';
        expect(await bench.rows(fast, columns)).toEqual(await bench.rows(careful, columns));
        expect(counts.rows + counts.rejected).toBe(lines.length);
      }),
      { numRuns: 25 },
    );
  });
});
