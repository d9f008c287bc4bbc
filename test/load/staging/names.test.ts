import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnName } from '../../../src/feeds/names.ts';
import { feedSpec, StagingBench } from '../../support/staging.ts';

/** Fields whose names are odd, taken, or in another case: on the fast way and on the careful one alike. */

const ways = [
  ['fast', false],
  ['careful', true],
] as const;

describe.each(ways)('lines that are read the %s way', (_way, careful) => {
  const staged = async (spec: ReturnType<typeof feedSpec>, lines: readonly string[], columns: string) => {
    await using bench = await StagingBench.open();
    await bench.stage(spec, [lines], { careful });
    return { rows: await bench.rows(spec, columns), rejects: await bench.rejects() };
  };

  it('fill the column that has the name of a field, in whatever case', async () => {
    const spec = feedSpec({ issue_id: 'BIGINT', name: 'VARCHAR' }, { key: ['issue_id'] });
    const lines = ['{"issue_id":1,"name":"a"}', '{"Issue_Id":2,"NAME":"b"}', '{"ISSUE_ID":"3","x":1.50}'];
    expect(await staged(spec, lines, 'issue_id, name, _rescued')).toEqual({
      rows: [
        { issue_id: 1, name: 'a', _rescued: null },
        { issue_id: 2, name: 'b', _rescued: null },
        { issue_id: 3, name: null, _rescued: '{"x":1.50}' },
      ],
      rejects: [],
    });
  });

  it('give a column that two fields claim to the exact one, and are rejected where there is no exact one', async () => {
    const spec = feedSpec({ issue_id: 'BIGINT' });
    const both = '{"Issue_Id":9,"issue_id":1}';
    const neither = '{"Issue_Id":9,"ISSUE_ID":1}';
    expect(await staged(spec, [both, neither], 'issue_id, _rescued')).toEqual({
      rows: [{ issue_id: 1, _rescued: '{"Issue_Id":9}' }],
      rejects: [{ file_id: 1, line: 2, reason: 'duplicate_key', raw: neither }],
    });
  });

  it('have a value that does not fit rescued under the name it was sent with', async () => {
    const spec = feedSpec({ n: 'BIGINT', rowid_: 'BIGINT' });
    expect(await staged(spec, ['{"N":"x","rowid":"y"}', '{"n":1,"RowId":2}'], 'n, rowid_, _rescued')).toEqual(
      {
        rows: [
          { n: null, rowid_: null, _rescued: '{"N":"x","rowid":"y"}' },
          { n: 1, rowid_: 2, _rescued: null },
        ],
        rejects: [],
      },
    );
  });

  it('have fields with taken names in columns of other names', async () => {
    const names = ['rowid', '_line', '_file_id', '_rescued', 'filename', 'file_index', 'rowid_'];
    const spec = feedSpec(Object.fromEntries(names.map((name) => [columnName(name), 'VARCHAR'])));
    const line = JSON.stringify(Object.fromEntries(names.map((name) => [name, `of ${name}`])));
    const { rows } = await staged(spec, [line, line], names.map(columnName).join(', '));
    const row = Object.fromEntries(names.map((name) => [columnName(name), `of ${name}`]));
    expect(rows).toEqual([row, row]);
  });

  it('have fields and columns named as parts of the statement that reads them', async () => {
    const spec = feedSpec({ v1: 'BIGINT', v0: 'TIMESTAMP', x0: 'BOOLEAN', file: 'VARCHAR' });
    const line =
      '{"v1":1,"v0":"2026-01-05T08:00:00+02:00","x0":true,"file":"a","refused":"b","x1":null,"u0":2}';
    expect(await staged(spec, [line], 'v1, v0, x0, file, _rescued')).toEqual({
      rows: [
        {
          v1: 1,
          v0: new Date('2026-01-05T06:00:00Z'),
          x0: true,
          file: 'a',
          _rescued: '{"refused":"b","u0":2}',
        },
      ],
      rejects: [],
    });
  });

  it('keep fields with names that no column can have in _rescued', async () => {
    const spec = feedSpec({});
    const line = '{"a\\u0000b":1,"":2,"c":3,"_line":4}';
    expect(await staged(spec, [line], 'c, _line_, _rescued')).toEqual({
      rows: [{ c: 3, _line_: 4, _rescued: '{"":2,"a\\u0000b":1}' }],
      rejects: [],
    });
  });
});

it('the column of a field with a taken name says so in its comment', async () => {
  await using bench = await StagingBench.open();
  await bench.stage(feedSpec({}), [['{"rowid":1,"b":2}']]);
  await bench.stage(feedSpec({ _line_: 'BIGINT' }, { feed: 'calls2' }), [['{"_line":1}']]);
  const comments = await bench.session.rows(
    `SELECT column_name AS name, comment FROM duckdb_columns() WHERE column_name IN ('rowid_', '_line_')`,
  );
  expect(comments).toEqual([
    { name: 'rowid_', comment: 'Sent as rowid, a name that is taken here.' },
    { name: '_line_', comment: 'Sent as _line, a name that is taken here.' },
  ]);
});

it('a record comes back whole, whatever its fields are called and whichever way it is read', async () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.mixedCase(fc.constantFrom('id', 'rowid', '_line', 'filename', 'a"b', "a'b", 'a.b', '$.a', '\0')),
  );
  const record = fc.dictionary(name, fc.oneof(fc.string(), fc.integer(), fc.boolean()), { maxKeys: 6 });
  await using bench = await StagingBench.open();
  let feeds = 0;
  await fc.assert(
    fc.asyncProperty(record, fc.boolean(), async (fields, careful) => {
      fc.pre(!Object.hasOwn(fields, '__proto__'));
      // `Id` and `ID` without `id`: which is meant cannot be known.
      for (const own of ['id', 'rowid']) {
        const claims = Object.keys(fields).filter((each) => each.toLowerCase() === own);
        fc.pre(claims.length < 2 || claims.includes(own));
      }
      feeds += 1;
      const spec = feedSpec({ id: 'VARCHAR', rowid_: 'JSON' }, { feed: `calls${feeds}` });
      await bench.stage(spec, [[JSON.stringify({ ...fields, always: 1 })]], { careful });
      const [row] = await bench.rows(spec, 'id, rowid_, _rescued');
      const rescued = JSON.parse(String(row?._rescued)) as Record<string, unknown>;
      for (const [field, value] of Object.entries(fields)) {
        const isText = /^id$/i.test(field) && !(field in rescued);
        const isJson = /^rowid$/i.test(field) && !(field in rescued);
        if (isText) expect(row?.id).toBe(String(value));
        else if (isJson) expect(JSON.parse(String(row?.rowid_))).toEqual(value);
        else expect(rescued[field]).toEqual(value);
      }
    }),
    { numRuns: 25 },
  );
}, 120_000);
