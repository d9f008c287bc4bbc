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
  since: 'TIMESTAMP',
} as const;

/** JSON texts of values, of the kinds that feeds are full of and of the kinds that trip loaders up. */
const values = fc.oneof(
  fc.constantFrom(
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
    '{"a":1.10}',
    '[1,{"b":null}]',
    '"[1]"',
    '9007199254740993',
    '9223372036854775807',
    '9223372036854775808',
    '-9223372036854775808',
    '123456789012345678901234567890',
    '32768',
    '0.1',
    '12345678901234.12345',
    '1.123456',
    '"123456789012345678.12345"',
    '"2026-01-05T14:03:11.123456+02:00"',
    '"2026-01-05 14:03:11"',
    '"2026-01-05"',
    '"2026-01-05T14:03:11.123456789Z"',
    '"2026-01-05 14:03:11 +0200"',
    '"2026-02-30 00:00:00"',
    '20260105',
    '123456789012345.12345',
    '"n/a"',
    '0.30000000000000004',
    // Numbers that DuckDB would spell otherwise, or take for others.
    '1.50',
    '9007199254740993.0',
    '12345678901234567.89',
    '-0',
    '-0.0',
    '0.000001',
    '1e300',
    '1E22',
    '9007199254740994',
    '[1.50,{"b":12345678901234567.89}]',
    '{"a":1e2}',
    '"-007"',
    '" 7"',
    '"7 "',
    '".5"',
    '"5."',
    '"Infinity"',
    '"12345678901234567.89"',
    '1.00000000000000001',
    '4503599627370497.5',
    'NaN',
    '-Infinity',
    '[NaN]',
    '[1.50]',
    '"+1"',
    // Times, and what others take for times.
    '"2026-01-05 10:00:00 PST"',
    '"2026-01-05T08:00Z"',
    '"01/05/26"',
    '"infinity"',
    '"epoch"',
    '1767600000123',
    '"2023-08-09T19:21:34.224620050Z"',
    '1767600000.1234567',
    '"2026-01-05T10:00:00.5 -0530"',
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

/** One of the times may be sent as a count, too. */
function spec(feed: string) {
  const { columns, ...rest } = feedSpec(COLUMNS, { feed, key: ['key'] });
  const format = 'epoch_ms' as const;
  return {
    ...rest,
    columns: columns.map((column) => (column.name === 'since' ? { ...column, format } : column)),
  };
}

describe('the fast and the careful way of staging', () => {
  it('give every line the same fate', { timeout: 240_000 }, async () => {
    await using bench = await StagingBench.open();
    let feed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 6 }), async (lines) => {
        feed += 1;
        const fast = spec(`fast_${feed}`);
        const careful = spec(`careful_${feed}`);
        // Each line as a file of its own: a neighbour cannot send it the careful way.
        const files = lines.map((text) => [text]);
        const counts = await bench.stage(fast, files);
        expect(await bench.stage(careful, files, { careful: true })).toEqual(counts);
        const columns = '* EXCLUDE (_partition_ts, _loaded_at, _file_id)';
        expect(await bench.rows(fast, columns)).toEqual(await bench.rows(careful, columns));
        expect(counts.rows + counts.rejected).toBe(lines.length);
        const told = `SELECT line, reason, detail, raw FROM ops.rejected_rows JOIN ops.files USING (file_id) WHERE feed = $1
          ORDER BY file_id`;
        expect(await bench.session.rows(told, [fast.feed])).toEqual(
          await bench.session.rows(told, [careful.feed]),
        );
        const misfits =
          'SELECT column_name, sum(misfits) FROM ops.column_misfits WHERE feed = $1 GROUP BY 1 ORDER BY 1';
        const counted = await bench.session.rows(misfits, [fast.feed]);
        expect(counted).toEqual(await bench.session.rows(misfits, [careful.feed]));
        // What was kept can be read by others, whatever was sent.
        for (const { _rescued } of await bench.rows(fast, '_rescued'))
          if (_rescued) JSON.parse(String(_rescued));
      }),
      { numRuns: 25 },
    );
  });

  it('give a line the same row whatever lines are around it', { timeout: 240_000 }, async () => {
    await using bench = await StagingBench.open();
    let feed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 2, maxLength: 6 }), async (lines) => {
        feed += 1;
        const alone = spec(`alone_${feed}`);
        const together = spec(`together_${feed}`);
        await bench.stage(
          alone,
          lines.map((text) => [text]),
        );
        await bench.stage(together, [lines]);
        const columns = '* EXCLUDE (_partition_ts, _loaded_at, _file_id, _line)';
        expect(await bench.rows(alone, columns)).toEqual(await bench.rows(together, columns));
      }),
      { numRuns: 20 },
    );
  });
});
