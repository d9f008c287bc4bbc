import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { feedSpec, StagingBench } from '../../support/staging.ts';

/** JSON texts of keys as feeds have them, and as they come to differ. */
const keys = fc.oneof(
  fc.constantFrom(
    '7',
    '7.0',
    '7e0',
    '"7"',
    '"7.0"',
    '"007"',
    '0',
    '-0',
    'true',
    'false',
    '"true"',
    '1',
    '"ABC"',
    '""',
  ),
  fc.constantFrom(
    '1.5',
    '1.50',
    '"1.5"',
    '"1.50"',
    '9007199254740993',
    '9007199254740993.0',
    '9007199254740992',
  ),
  fc.constantFrom(
    '"2026-01-05 07:00:00"',
    '"2026-01-05T07:00:00Z"',
    '"2026-01-05T08:00:00+01:00"',
    '"2026-01-05"',
  ),
  fc.constantFrom('1e400', '123456789012345678901234567890', '0.1', '0.10000000000000000555'),
  fc.integer().map(String),
);

/** The same values in batches of any size. */
const batches = fc.array(fc.array(keys, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });

describe('keys of a feed that nobody documents', () => {
  test('are spelled the same whatever came before them, and in whichever batches', {
    timeout: 300_000,
  }, async () => {
    await using bench = await StagingBench.open();
    let number = 0;
    /** The key of each line, by its text as JSON and how it was spelled. */
    const spelledIn = async (files: readonly (readonly string[])[]) => {
      number += 1;
      const spec = feedSpec({}, { feed: `calls_${number}`, key: ['id'] });
      const sent: string[] = [];
      for (const ids of files) {
        await bench.stage(spec, [ids.map((id, index) => `{"id":${id},"n":${sent.length + index}}`)]);
        sent.push(...ids);
      }
      const rows = await bench.rows(spec, 'CAST(id AS VARCHAR) AS id, typeof(id) AS type, n, _rescued');
      expect(rows.map(({ _rescued }) => _rescued)).toEqual(rows.map(() => null));
      const type = rows[0]?.type;
      // Two keys are one key, or are not: that is what counts while the column has a type.
      const text = (id: unknown) => (type === 'DOUBLE' ? String(Number(id)) : String(id));
      return { type, ids: new Map(rows.map((row) => [Number(row.n), text(row.id)])), sent };
    };
    const partition = ({ ids, sent }: { ids: Map<number, string>; sent: string[] }) => {
      const classes = new Map<string, Set<string>>();
      for (const [n, id] of ids) classes.set(id, (classes.get(id) ?? new Set()).add(sent[n] as string));
      return [...classes.values()].map((values) => [...values].sort().join(' ')).sort();
    };
    await fc.assert(
      fc.asyncProperty(batches, fc.infiniteStream(fc.nat()), async (files, lots) => {
        const first = await spelledIn(files);
        const one = await spelledIn([files.flat()]);
        const shuffled = files
          .flat()
          .map((id) => ({ id, lot: lots.next().value as number }))
          .sort((a, b) => a.lot - b.lot)
          .map(({ id }) => [id]);
        const other = await spelledIn(shuffled);
        expect(partition(one)).toEqual(partition(first));
        expect(partition(other)).toEqual(partition(first));
      }),
      { numRuns: 15 },
    );
  });

  test.for([
    [['7.0'], ['"ABC"'], ['7.0'], ['7', 'ABC', '7']],
    [['7'], ['"007"'], ['7'], ['7', '007', '7']],
    [
      ['9007199254740993.0'],
      ['"ABC"'],
      ['9007199254740993'],
      ['9007199254740993', 'ABC', '9007199254740993'],
    ],
    [['1.50'], ['"ABC"'], ['1.5'], ['1.5', 'ABC', '1.5']],
    [['0.10000000000000000555'], ['"ABC"'], ['0.1'], ['0.10000000000000000555', 'ABC', '0.1']],
    [['true'], ['1'], ['true'], ['true', '1', 'true']],
    [
      ['"2026-01-05 07:00:00"'],
      ['1767600000000'],
      ['"2026-01-05T07:00:00Z"'],
      ['2026-01-05 07:00:00', '1767600000000', '2026-01-05 07:00:00'],
    ],
  ] as const)('that come as %j, then %j, then %j are kept as %j', async ([a, b, c, expected]) => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({}, { key: ['id'] });
    for (const ids of [a, b, c]) await bench.stage(spec, [ids.map((id) => `{"id":${id}}`)]);
    const rows = await bench.rows(spec, 'CAST(id AS VARCHAR) AS id');
    expect(rows.map(({ id }) => id)).toEqual(expected);
  });
});

describe('a field that comes first in an irregular file of a feed that nobody documents', () => {
  test('has its column from then on', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({});
    await bench.stage(spec, [['{"a":1}']]);
    await bench.stage(spec, [['{"a":2,"fresh":"x"}', '', '{"a":3,"fresh":"y"}']]);
    await bench.stage(spec, [['{"a":4,"fresh":"z"}']]);
    expect(await bench.rows(spec, 'a, fresh, _rescued')).toEqual([
      { a: 1, fresh: null, _rescued: null },
      { a: 2, fresh: 'x', _rescued: null },
      { a: 3, fresh: 'y', _rescued: null },
      { a: 4, fresh: 'z', _rescued: null },
    ]);
  });

  test('takes the values that were rescued before it had a column', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({});
    await bench.stage(spec, [['{"a":1}', '{"a":2}']]);
    // As an older program left it.
    await bench.session.run(`UPDATE staging_messaging.calls SET _rescued = '{"fresh":"seven","other":1}' WHERE a = 1;
      INSERT INTO ops.undeclared_fields VALUES ('messaging', 'calls', '1', 'fresh', now()::TIMESTAMP)`);
    await bench.stage(spec, [['{"a":3,"fresh":8}']]);
    expect(await bench.rows(spec, 'a, fresh, _rescued::VARCHAR AS rescued')).toEqual([
      { a: 1, fresh: 'seven', rescued: '{"other":1}' },
      { a: 2, fresh: null, rescued: null },
      { a: 3, fresh: '8', rescued: null },
    ]);
  });
});
