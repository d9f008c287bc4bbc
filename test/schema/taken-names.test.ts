import { expect, test } from 'vitest';
import { readConditions } from '../../src/audit/why/condition.ts';
import { versionsOf } from '../../src/audit/why/versions.ts';
import { build, openProject } from '../../src/models/build/build.ts';
import { oneModel } from '../../src/models/one-model.ts';
import { columnDoc, feedDoc, SchemaBench } from './support.ts';

/** Documented fields whose names are taken, from the document to the deduped table and back. */

const CALLS = feedDoc(
  'calls',
  {
    rowid: 'bigint',
    _line: 'bigint',
    note: columnDoc('note', 'varchar', { description: "it's cut\0 here" }),
  },
  { key: ['rowid'], orderBy: ['_line'] },
);

const VERSIONS = [
  { rowid: 1, _line: 10, note: 'old', Filename: 1.5, rescue_me: 'a' },
  { rowid: 1, _line: 20, note: 'new', filename: 'f', FileName: 'g', Rescue_Me: 'b' },
  { RowId: 2, _line: 1, note: 'other' },
];

test('a key called rowid tells records apart, an ordering called _line ranks them, and both say what they are', async () => {
  await using bench = await SchemaBench.open();
  await bench.follow('2026-01-05', [CALLS]);
  await bench.load('calls', '2026-01-05', VERSIONS);
  expect((await build(bench.workspace, 1)).built).toEqual(['phones.calls']);
  expect(await bench.rows('SELECT rowid_, _line_, note FROM phones.calls ORDER BY rowid_')).toEqual([
    { rowid_: 1, _line_: 20, note: 'new' },
    { rowid_: 2, _line_: 1, note: 'other' },
  ]);
  const comments = await bench.rows(
    `SELECT column_name AS name, comment FROM duckdb_columns()
     WHERE schema_name = 'phones' AND column_name IN ('rowid_', 'note') ORDER BY name`,
  );
  expect(comments).toEqual([
    { name: 'note', comment: "it's cut here" },
    { name: 'rowid_', comment: 'Sent as rowid, a name that is taken here.' },
  ]);

  const { session, config, catalogue } = bench.workspace;
  const model = oneModel(await openProject(config, catalogue), 'phones.calls');
  for (const named of ['rowid=1', 'ROWID_=1']) {
    const { records, table } = await versionsOf(session, model, readConditions([named]), true);
    expect([records, table.rows.length]).toEqual([1, 2]);
  }
  // Nothing differs, so nothing is proposed.
  expect(await bench.follow('2026-01-06', [CALLS])).toMatchObject({ applied: 0, held: 0 });
});

test('a rescued value moves to its column on the day that this is declared, in whatever case', async () => {
  await using bench = await SchemaBench.open();
  await bench.follow('2026-01-05', [CALLS]);
  await bench.load('calls', '2026-01-05', VERSIONS);
  const more = [...CALLS.columns, columnDoc('filename', 'varchar'), columnDoc('rescue_me', 'varchar')];
  await bench.follow('2026-01-06', [{ ...CALLS, columns: more }]);
  const rows = await bench.rows(
    'SELECT rowid_, filename_, rescue_me, _rescued FROM staging_phones.calls ORDER BY _line',
  );
  expect(rows).toEqual([
    { rowid_: 1, filename_: '1.5', rescue_me: 'a', _rescued: null },
    { rowid_: 1, filename_: 'f', rescue_me: 'b', _rescued: '{"FileName":"g"}' },
    { rowid_: 2, filename_: null, rescue_me: null, _rescued: null },
  ]);
});

test("a user's own model may name the key as the field is called", async () => {
  await using bench = await SchemaBench.open('models: ./models');
  await bench.project.write(
    'models/phones/calls.sql',
    `{{ config(materialized='dedup', unique_key=['rowid'], order_by=['_line']) }}
select * from {{ source('phones', 'calls') }}
`,
  );
  await bench.follow('2026-01-05', [CALLS]);
  await bench.load('calls', '2026-01-05', VERSIONS);
  expect((await build(bench.workspace, 1)).failed).toEqual([]);
  expect(await bench.rows('SELECT rowid_, note FROM phones.calls ORDER BY 1')).toEqual([
    { rowid_: 1, note: 'new' },
    { rowid_: 2, note: 'other' },
  ]);
});
