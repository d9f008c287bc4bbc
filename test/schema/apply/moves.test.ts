import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FeedSpec } from '../../../src/feeds/catalogue.ts';
import { stagingTable } from '../../../src/feeds/names.ts';
import type { ColumnType } from '../../../src/feeds/types.ts';
import { type Moves, unrescue } from '../../../src/load/staging/rescued-values.ts';
import {
  convert,
  dropIntoRescued,
  misfitCountQuery,
  undoTable,
  widen,
} from '../../../src/schema/apply/moves.ts';
import type { Row, Session } from '../../../src/warehouse/session.ts';
import { feedSpec, StagingBench } from '../../support/staging.ts';

const COLUMNS = {
  text: 'VARCHAR',
  big: 'BIGINT',
  small: 'SMALLINT',
  number: 'DOUBLE',
  flag: 'BOOLEAN',
  at: 'TIMESTAMP',
  day: 'DATE',
  money: 'DECIMAL(18,2)',
  nested: 'JSON',
  'an "odd" name': 'BIGINT',
} as const satisfies Record<string, ColumnType>;
const NAMES = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];

/** Values as feeds have them, those that do not fit their column among them. */
const values = fc.oneof(
  fc.constantFrom('null', 'true', 'false', '0', '1', '-7', '1.5', '2.0', '1e3', '"x"', '""', '"é\\u0001\\""'),
  fc.constantFrom('"12"', '"1.25"', '"true"', '"2026-01-05"', '"2026-01-05T14:03:11+02:00"'),
  fc.constantFrom('9007199254740993', '123456789012345678901', '{"a":[1,{"b":null}]}', '[]', '"[1]"'),
  fc.integer().map(String),
  fc.string({ unit: 'grapheme', maxLength: 5 }).map((text) => JSON.stringify(text.toWellFormed())),
);

const lines = fc.array(
  fc.dictionary(fc.constantFrom(...NAMES, 'extra', 'Text', 'zz'), values).map(
    (record) =>
      `{${Object.entries(record)
        .map(([name, value]) => `${JSON.stringify(name)}:${value}`)
        .join(',')}}`,
  ),
  { minLength: 1, maxLength: 5 },
);

async function move(session: Session, moves: Moves): Promise<void> {
  await session.transaction(async () => {
    await session.run('CREATE SCHEMA IF NOT EXISTS staging_undo');
    for (const sql of [...moves.read, ...moves.alter, ...moves.update]) await session.run(sql);
  });
}

/** Rows with their columns by name, whatever their order in the table. */
async function rowsOf(bench: StagingBench, spec: FeedSpec): Promise<Row[]> {
  const rows = await bench.rows(spec, '* EXCLUDE (_partition_ts, _loaded_at, _file_id)');
  return rows.map((row) => Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function tableOf({ group, feed, version }: FeedSpec) {
  return stagingTable(group, feed, version);
}

describe('a column that is added', () => {
  test('holds what it would hold if it had always been there', { timeout: 60_000 }, async () => {
    await using bench = await StagingBench.open();
    let number = 0;
    await fc.assert(
      fc.asyncProperty(lines, fc.subarray(NAMES.slice(1), { minLength: 1 }), async (records, added) => {
        number += 1;
        const early = Object.fromEntries(
          Object.entries(COLUMNS).filter(([name]) => !added.includes(name as never)),
        );
        const before = feedSpec(early as Record<string, ColumnType>, { feed: `before_${number}` });
        const after = feedSpec(COLUMNS, { feed: `after_${number}` });
        const files = records.map((record) => [record]);
        await bench.stage(before, files);
        await bench.stage(after, files);
        for (const [index, name] of added.entries()) {
          const column = { name, type: COLUMNS[name] };
          const table = tableOf(before);
          const quoted = `"${name.replaceAll('"', '""')}"`;
          await bench.session.run(
            `ALTER TABLE staging_messaging.${before.feed} ADD COLUMN ${quoted} ${column.type}`,
          );
          await move(bench.session, unrescue(table, column, number * 100 + index, undefined));
        }
        expect(await rowsOf(bench, before)).toEqual(await rowsOf(bench, after));
      }),
      // A list in a number's column sends the line the careful way.
      { numRuns: 12, examples: [[['{"money":1e3,"big":[]}'], ['money']]] },
    );
  });

  test('gives its values back when it is removed, each as it was sent', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT' });
    const records = [
      '{"id":1,"a":5.0,"b":"x"}',
      '{"id":2,"a":"5"}',
      '{"id":3,"a":"n/a"}',
      '{"id":4}',
      '{"id":5,"a":7}',
    ];
    await bench.stage(spec, [records]);
    const before = await rowsOf(bench, spec);
    await bench.session.run('ALTER TABLE staging_messaging.calls ADD COLUMN a BIGINT');
    await move(bench.session, unrescue(tableOf(spec), { name: 'a', type: 'BIGINT' }, 7, undoTable(7)));
    expect(await bench.rows(spec, 'id, a, _rescued')).toEqual([
      { id: 1, a: 5, _rescued: '{"b":"x"}' },
      { id: 2, a: 5, _rescued: null },
      { id: 3, a: null, _rescued: '{"a":"n/a"}' },
      { id: 4, a: null, _rescued: null },
      { id: 5, a: 7, _rescued: null },
    ]);
    await move(bench.session, dropIntoRescued(tableOf(spec), { name: 'a', type: 'BIGINT' }, 7, undoTable(7)));
    expect(await rowsOf(bench, spec)).toEqual(before);
  });
});

describe('a type that is widened', () => {
  test('keeps its values, and takes in those that did not fit before', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT', small: 'SMALLINT' });
    await bench.stage(spec, [['{"id":1,"small":5}', '{"id":2,"small":70000}', '{"id":3,"small":"x","y":1}']]);
    const wide = widen(tableOf(spec), { column: 'small', from: 'SMALLINT', to: 'INTEGER' });
    const taken = unrescue(tableOf(spec), { name: 'small', type: 'INTEGER' }, 1, undefined);
    await move(bench.session, { read: [], alter: wide.alter, update: taken.update });
    expect(await bench.rows(spec, 'id, small, _rescued')).toEqual([
      { id: 1, small: 5, _rescued: null },
      { id: 2, small: 70000, _rescued: null },
      { id: 3, small: null, _rescued: '{"small":"x","y":1}' },
    ]);
  });
});

describe('a type that is changed', () => {
  const records = [
    '{"id":1,"v":"12","w":1}',
    '{"id":2,"v":"twelve"}',
    '{"id":3,"v":"012"}',
    '{"id":4,"v":"1.0"}',
    '{"id":5,"a":1,"v":"x","zz":2}',
    '{"id":6,"v":null}',
  ];

  test('keeps in _rescued what does not fit the new type', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT', v: 'VARCHAR' });
    const asSent = feedSpec({ id: 'BIGINT', v: 'BIGINT' }, { feed: 'as_sent' });
    await bench.stage(spec, [records]);
    await bench.stage(asSent, [records]);
    const retype = { column: 'v', from: 'VARCHAR', to: 'BIGINT' } as const;
    // 1.0 is a number, but not the one that comes of it when it is read back as text.
    expect(await bench.session.row(misfitCountQuery(tableOf(spec), retype))).toEqual({
      unfit: 3,
      changed: 4,
    });
    await move(bench.session, convert(tableOf(spec), retype, 3, { keep: undoTable(3) }));
    expect(await rowsOf(bench, spec)).toEqual(await rowsOf(bench, asSent));
    expect(await bench.session.rows('SELECT _line, original FROM staging_undo.change_3 ORDER BY 1')).toEqual([
      { _line: 4, original: '"1.0"' },
    ]);
  });

  test('and then changed back leaves everything as it was', { timeout: 60_000 }, async () => {
    await using bench = await StagingBench.open();
    const types = [...new Set(Object.values(COLUMNS))];
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        // Staging does not take 1e3 for a decimal; on its way back it reads 1000.0, which is one.
        fc.array(
          values.filter((value) => value !== '1e3'),
          { minLength: 1, maxLength: 5 },
        ),
        fc.constantFrom(...types),
        fc.constantFrom(...types),
        async (sent, from, to) => {
          number += 1;
          const spec = feedSpec({ v: from }, { feed: `there_and_back_${number}` });
          await bench.stage(spec, [sent.map((value) => `{"v":${value},"w":1}`)]);
          const before = await rowsOf(bench, spec);
          const table = tableOf(spec);
          const there = convert(table, { column: 'v', from, to }, number, { keep: undoTable(number) });
          await move(bench.session, there);
          const back = convert(table, { column: 'v', from: to, to: from }, number, {
            undoes: { originals: undoTable(number) },
          });
          const taken = unrescue(table, { name: 'v', type: from }, number, undefined);
          await move(bench.session, { ...back, update: [...taken.update, ...back.update] });
          expect(await rowsOf(bench, spec)).toEqual(before);
        },
      ),
      { numRuns: 20 },
    );
  });
});
