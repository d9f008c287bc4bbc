import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recountMisfits } from '../../../src/ledger/column-misfits.ts';
import { feedSpec, StagingBench } from '../../support/staging.ts';

describe('staging', () => {
  it('keeps 64-bit integers to the last digit, in clean files and in others', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ issue_id: 'BIGINT' });
    const ids = ['9007199254740993', '9223372036854775807', '-9223372036854775808', '42'];
    await bench.stage(spec, [
      ids.map((id) => `{"issue_id":${id}}`),
      ['{"issue_id":"9007199254740995"}', 'broken'],
    ]);
    const rows = await bench.rows(spec, 'issue_id::VARCHAR AS id, _rescued');
    expect(rows.map(({ id }) => id)).toEqual([...ids, '9007199254740995']);
    expect(rows.every(({ _rescued }) => _rescued === null)).toBe(true);
  });

  it('keeps decimals exact where the type says so', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ amount: 'DECIMAL(38,5)' });
    await bench.stage(spec, [
      [
        '{"amount":123456789012345.12345}',
        '{"amount":"123456789012345678.12345"}',
        '{"amount":1.5}',
        '{"amount":7}',
      ],
      ['{"amount":1.123456}', '{"amount":0.1}'],
    ]);
    expect(await bench.rows(spec, 'amount::VARCHAR AS amount, _rescued')).toEqual([
      { amount: '123456789012345.12345', _rescued: null },
      { amount: '123456789012345678.12345', _rescued: null },
      { amount: '1.50000', _rescued: null },
      { amount: '7.00000', _rescued: null },
      { amount: null, _rescued: '{"amount":1.123456}' },
      { amount: '0.10000', _rescued: null },
    ]);
  });

  it.each([
    ['2026-01-05T14:03:11Z', '2026-01-05 14:03:11'],
    ['2026-01-05T14:03:11.123Z', '2026-01-05 14:03:11.123'],
    ['2026-01-05T14:03:11.123456+00:00', '2026-01-05 14:03:11.123456'],
    ['2026-01-05T14:03:11+02:00', '2026-01-05 12:03:11'],
    ['2026-01-05 14:03:11+0200', '2026-01-05 12:03:11'],
    ['2026-01-05 14:03:11 +0200', '2026-01-05 12:03:11'],
    ['2026-01-05 14:03:11', '2026-01-05 14:03:11'],
    ['2026-01-05 14:03:11.5', '2026-01-05 14:03:11.5'],
    ['2026-01-05T14:03:11.123456789Z', '2026-01-05 14:03:11.123456'],
    ['2026-01-05 14:03:11 UTC', '2026-01-05 14:03:11'],
  ])('reads the timestamp %s', async (written, expected) => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ at: 'TIMESTAMP' });
    const line = `{"at":"${written}"}`;
    await bench.stage(spec, [[line], [line, 'broken']]);
    const rows = await bench.rows(spec, '"at"::VARCHAR AS "at"');
    expect(rows.map(({ at }) => at)).toEqual([expected, expected]);
  });

  it('keeps nested values as JSON, and missing keys as NULL', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ tags: 'JSON', note: 'VARCHAR' });
    await bench.stage(spec, [['{"tags":["a",{"b":12345678901234567890}],"note":{"c":1}}', '{"note":"x"}']]);
    expect(await bench.rows(spec, 'tags, note')).toEqual([
      { tags: '["a",{"b":12345678901234567890}]', note: '{"c":1}' },
      { tags: null, note: 'x' },
    ]);
  });

  it('reads a tinyint(1) as a flag however it is spelled', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ flag: 'BOOLEAN' });
    await bench.stage(spec, [
      ['true', 'false', '1', '0', '"1"', 'null', '2'].map((flag) => `{"flag":${flag}}`),
    ]);
    expect(await bench.rows(spec, 'flag, _rescued')).toEqual([
      ...[true, false, true, false, true, null].map((flag) => ({ flag, _rescued: null })),
      { flag: null, _rescued: '{"flag":2}' },
    ]);
  });

  it('rescues values that do not fit, with their names, and loses none', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ waits: 'INTEGER', seconds: 'DOUBLE', at: 'TIMESTAMP' });
    await bench.stage(spec, [
      ['{"waits":1.5,"seconds":"n/a","at":"soon"}', '{"waits":3000000000,"seconds":2.5}'],
    ]);
    expect(await bench.rows(spec, 'waits, seconds, "at", _rescued')).toEqual([
      { waits: null, seconds: null, at: null, _rescued: '{"at":"soon","seconds":"n/a","waits":1.5}' },
      { waits: null, seconds: 2.5, at: null, _rescued: '{"waits":3000000000}' },
    ]);
  });

  it('rejects a whole line whose key does not fit, and does not show the value', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT', n: 'BIGINT' }, { key: ['id'] });
    await bench.stage(spec, [['{"id":7,"n":1}']]);
    const odd = ['"ABC21352352"', '""', '" 77 "', '1.5', '{"a":1}', '9223372036854775808'];
    const lines = odd.map((id) => `{"id":${id},"n":"x"}`);
    const counts = await bench.stage(spec, [[...lines, '{"id":8,"n":2}', '{"n":3}', '{"id":null,"n":4}']]);
    expect(counts).toEqual({ rows: 3, rejected: 6 });
    expect(await bench.rows(spec, 'id, n, _line, _rescued')).toEqual([
      { id: 7, n: 1, _line: 1, _rescued: null },
      { id: 8, n: 2, _line: 7, _rescued: null },
      { id: null, n: 3, _line: 8, _rescued: null },
      { id: null, n: 4, _line: 9, _rescued: null },
    ]);
    expect(await bench.rejects()).toEqual(
      lines.map((raw, index) => ({ file_id: 2, line: index + 1, reason: 'key_type', raw })),
    );
    const [first] = await bench.session.rows('SELECT DISTINCT detail FROM ops.rejected_rows');
    expect(first).toEqual({ detail: 'the value of id, which identifies a record, is no BIGINT' });
    // Values of lines that are rejected are not misfits: they are not staged.
    expect(await bench.session.rows('FROM ops.column_misfits')).toEqual([]);
    expect(await bench.session.rows('SELECT column_name, decision FROM ops.schema_changes')).toEqual([
      { column_name: 'id', decision: 'held' },
    ]);
  });

  it('rejects a line for whatever column its readers use as a key', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT', at: 'TIMESTAMP' }, { key: ['id'] });
    const lines = ['{"id":1,"at":1767600000000}', '{"id":"x","at":"2026-01-05"}'];
    expect(await bench.stage(spec, [lines], { keyColumns: ['ID', 'At'] })).toEqual({ rows: 0, rejected: 2 });
    expect(await bench.stage(spec, [lines], { keyColumns: ['at'] })).toEqual({ rows: 1, rejected: 1 });
  });

  it('counts the values that do not fit, by file and column', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT', n: 'BIGINT', at: 'TIMESTAMP' });
    const nine = '"2023-08-09T19:21:34.224620050Z"';
    await bench.stage(spec, [
      [`{"id":1,"n":"x","at":${nine}}`, '{"id":"y","n":"z"}', 'broken', '{"id":2,"n":null}'],
      ['{"id":3}'],
      ['{"id":4,"at":"soon"}', `{"id":5,"at":${nine}}`],
    ]);
    const totals = () =>
      bench.session.rows(
        'SELECT column_name AS name, misfits, files, rows FROM ops.column_misfit_totals ORDER BY 1',
      );
    expect(await totals()).toEqual([
      { name: 'at', misfits: 1, files: 1, rows: 6 },
      { name: 'id', misfits: 1, files: 1, rows: 6 },
      { name: 'n', misfits: 2, files: 1, rows: 6 },
    ]);
    await bench.stage(spec, [['{"id":6,"n":6}']], { supersedes: [1] });
    expect(await totals()).toEqual([{ name: 'at', misfits: 1, files: 1, rows: 4 }]);
    // What staging counts as it goes is what there is.
    const table = { schema: 'staging_messaging', table: 'calls' };
    const before = await bench.session.rows("SELECT * FROM ops.column_misfits WHERE column_name = 'at'");
    await recountMisfits(bench.session, table, spec, [{ name: 'at', exists: true }]);
    expect(await bench.session.rows("SELECT * FROM ops.column_misfits WHERE column_name = 'at'")).toEqual(
      before,
    );
  });

  it('keeps the text of an instant that has more digits than a TIMESTAMP', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ at: 'TIMESTAMP' });
    const lines = [
      '{"at":"2023-08-09T19:21:34.224620050Z","x":1}',
      '{"at":"2023-08-09T19:21:34.224620000Z"}',
    ];
    for (const careful of [false, true]) await bench.stage(spec, [lines], { careful });
    const rescued = '{"at":"2023-08-09T19:21:34.224620050Z","x":1}';
    const at = '2023-08-09 19:21:34.22462';
    expect(await bench.rows(spec, '"at"::VARCHAR AS "at", _rescued')).toEqual([
      { at, _rescued: rescued },
      { at, _rescued: null },
      { at, _rescued: rescued },
      { at, _rescued: null },
    ]);
    expect(await bench.session.rows('FROM ops.column_misfits')).toEqual([]);
  });

  it('reads counts since 1970 where the column says so, and texts there all the same', async () => {
    await using bench = await StagingBench.open();
    const column = { name: 'at', type: 'TIMESTAMP', format: 'epoch_ms', description: '', pii: '' } as const;
    const spec = feedSpec({}, { columns: [column] });
    const values = [
      '1767600000000',
      '"1767600000000"',
      '1767600000000.25',
      '"2026-01-05T08:00Z"',
      '"soon"',
      '1e12',
    ];
    const lines = values.map((at) => `{"at":${at}}`);
    for (const careful of [false, true]) await bench.stage(spec, [lines], { careful });
    const rows = await bench.rows(spec, '"at"::VARCHAR AS "at", _rescued');
    const eight = { at: '2026-01-05 08:00:00', _rescued: null };
    const expected = [
      eight,
      eight,
      { at: '2026-01-05 08:00:00.00025', _rescued: null },
      eight,
      { at: null, _rescued: '{"at":"soon"}' },
      { at: null, _rescued: '{"at":1e12}' },
    ];
    expect(rows).toEqual([...expected, ...expected]);
  });

  // DuckDB's cast to TIMESTAMPTZ takes the zone of one row for those that follow.
  it('reads a time the same whatever rows are around it', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ at: 'TIMESTAMP' });
    const texts = ['2026-01-05 10:00:00', '2026-01-05 10:00:00 PST', '2026-01-05 10:00:00'];
    for (const careful of [false, true])
      await bench.stage(spec, [texts.map((text) => JSON.stringify({ at: text }))], { careful });
    const ten = { at: '2026-01-05 10:00:00', _rescued: null };
    const rows = [ten, { at: null, _rescued: '{"at":"2026-01-05 10:00:00 PST"}' }, ten];
    expect(await bench.rows(spec, '"at"::VARCHAR AS "at", _rescued')).toEqual([...rows, ...rows]);
  });
});

describe('the digits', () => {
  const numbers = [
    '12345678901234567.89',
    '1.50',
    '1e2',
    '1E-7',
    '0.000001',
    '9007199254740993.0',
    '1e400',
    '123456789012345.6',
    '100000000000000000000000.0',
    '-12.340',
    '0.1',
    '7',
    '12345678901234567890123',
    '-0.00',
    '0.30000000000000004',
  ];

  it.each(numbers)('of %s are kept in text, in JSON, in _rescued, nested too', async (number) => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({
      text: 'VARCHAR',
      json: 'JSON',
      nested: 'JSON',
      flag: 'BOOLEAN',
      deep: 'VARCHAR',
    });
    const nested = `{"a":[${number},{"b":${number}}],"c":"1.50, 1e2"}`;
    const line = `{"text":${number},"json":${number},"nested":${nested},"flag":${number},"deep":${nested},"none":${number}}`;
    for (const careful of [false, true]) await bench.stage(spec, [[line], [line]], { careful });
    for (const row of await bench.rows(
      spec,
      '* EXCLUDE (_partition_ts, _loaded_at, _file_id, _line, flag)',
    )) {
      expect(row).toEqual({
        text: number,
        json: number,
        nested,
        deep: nested,
        _rescued: `{"flag":${number},"none":${number}}`,
      });
    }
  });

  it('need no careful reading in a file whose numbers DuckDB spells as they were sent', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ n: 'BIGINT', text: 'VARCHAR', json: 'JSON' });
    const line = (number: string) => `{"n":${number},"text":${number},"json":[${number}],"none":${number}}`;
    const statements: string[] = [];
    const { run } = bench.session;
    bench.session.run = (sql, ...more) => {
      statements.push(sql);
      return run.call(bench.session, sql, ...more);
    };
    const withCare = () => statements.splice(0).filter((sql) => sql.includes('careful_typed AS')).length;
    await bench.stage(spec, [[line('1.5')], [line('-0.25')], [line('123456.789')]]);
    expect(withCare()).toBe(0);
    await bench.stage(spec, [[line('2.5')], [line('1.50')], [line('3.5')]]);
    expect(withCare()).toBe(1);
    expect(await bench.rows(spec, 'n, text, json, _rescued')).toEqual(
      ['1.5', '-0.25', '123456.789', '2.5', '1.50', '3.5'].map((number) => ({
        n: null,
        text: number,
        json: `[${number}]`,
        _rescued: `{"n":${number},"none":${number}}`,
      })),
    );
  });

  it('of a whole number are the same however it is spelled', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ n: 'BIGINT' });
    const spelled = [
      '9007199254740993.0',
      '9007199254740993',
      '"9007199254740993"',
      '9.007199254740993e15',
      '1e3',
    ];
    for (const careful of [false, true])
      await bench.stage(spec, [spelled.map((n) => `{"n":${n}}`)], { careful });
    const rows = await bench.rows(spec, 'n::VARCHAR AS n, _rescued');
    const wanted = ['9007199254740993', '9007199254740993', '9007199254740993', '9007199254740993', '1000'];
    expect(rows).toEqual([...wanted, ...wanted].map((n) => ({ n, _rescued: null })));
  });

  it('of a large DOUBLE are those that were sent, or the number is rescued', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ n: 'DOUBLE' });
    const fits = ['1e300', '9007199254740992', '9007199254740994.0', '0.1', '"-1.5e3"', '123456789.125'];
    const others = [
      '9007199254740993',
      '12345678901234567.89',
      '1e400',
      '"nan"',
      '"Infinity"',
      '"-inf"',
      '"x"',
    ];
    for (const careful of [false, true])
      await bench.stage(spec, [[...fits, ...others].map((n) => `{"n":${n}}`)], { careful });
    const rows = await bench.rows(spec, 'n, _rescued');
    const wanted = [
      ...fits.map((n) => ({ n: Number(JSON.parse(n)), _rescued: null })),
      ...others.map((n) => ({ n: null, _rescued: `{"n":${n}}` })),
    ];
    expect(rows).toEqual([...wanted, ...wanted]);
  });

  it.each(['NaN', 'Infinity', '-Infinity', 'nan', '[1,NaN]', '[NaN]', '{"a":-inf}'])(
    'are not those of %s, which makes a line no JSON',
    async (value) => {
      await using bench = await StagingBench.open();
      const types = { d: 'DOUBLE', n: 'BIGINT', text: 'VARCHAR', json: 'JSON', at: 'TIMESTAMP' } as const;
      const spec = feedSpec({ ...types, money: 'DECIMAL(9,2)', flag: 'BOOLEAN' });
      for (const name of [...spec.columns.map((column) => column.name), 'none', 'none']) {
        expect(await bench.stage(spec, [[`{"${name}":${value}}`, '{"text":"NaN, inf: nan"}']])).toEqual({
          rows: 1,
          rejected: 1,
        });
      }
    },
  );
});

describe('fields that nobody declared', () => {
  it('land in _rescued, even once the loader has learned of them', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT' });
    for (const id of [1, 2]) {
      await bench.stage(spec, [
        [`{"id":${id},"mood":"good","z":{"a":[1]}}`, `{"id":${id}0}`, `{"id":0,"mood":null}`],
      ]);
    }
    const rescued = '{"mood":"good","z":{"a":[1]}}';
    expect((await bench.rows(spec, '_rescued')).map(({ _rescued }) => _rescued)).toEqual([
      rescued,
      null,
      null,
      rescued,
      null,
      null,
    ]);
    expect(await bench.session.rows('SELECT field FROM ops.undeclared_fields ORDER BY field')).toEqual([
      { field: 'mood' },
      { field: 'z' },
    ]);
  });

  it.each(['ID', '', 'file_index', 'a"b', "it's", '_line', '_rescued', 'ünï.[0]'])(
    'may have any name: %j',
    async (name) => {
      await using bench = await StagingBench.open();
      const spec = feedSpec({ id: 'BIGINT' });
      const line = JSON.stringify({ id: 1, [name]: 'kept' });
      await bench.stage(spec, [[line], [line]]);
      await bench.stage(spec, [[line]]);
      const rescued = JSON.stringify({ [name]: 'kept' });
      expect(await bench.rows(spec, 'id, _line, _rescued')).toEqual(
        [1, 2, 3].map(() => ({ id: 1, _line: 1, _rescued: rescued })),
      );
    },
  );
});

describe('files', () => {
  it.each([
    ['Windows line ends', '{"id":1}\r\n{"id":2}\r\n', [1, 2]],
    ['no newline at the end', '{"id":1}\n{"id":2}', [1, 2]],
    ['blank lines, which count for the numbers of lines', '\n{"id":1}\n  \t\n\r\n{"id":2}\n\n', [2, 5]],
    ['a byte order mark', '\ufeff{"id":1}\n{"id":2}\n', [1, 2]],
    ['blanks around the object', '  {"id":1}  \n\t{"id":2}\n', [1, 2]],
  ])('may have %s', async (_, text, lines) => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT' });
    expect(await bench.stage(spec, [Buffer.from(text)])).toEqual({ rows: 2, rejected: 0 });
    expect(await bench.rows(spec, 'id, _line')).toEqual([
      { id: 1, _line: lines[0] },
      { id: 2, _line: lines[1] },
    ]);
  });

  it('may be empty', async () => {
    await using bench = await StagingBench.open();
    expect(await bench.stage(feedSpec({ id: 'BIGINT' }), [[], []])).toEqual({ rows: 0, rejected: 0 });
  });

  it('may have lines of 10 MB and more', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT', text: 'VARCHAR' });
    const lines = [10, 20].map((megabytes, id) =>
      JSON.stringify({ id, text: 'x'.repeat(megabytes * 2 ** 20) }),
    );
    await bench.stage(spec, [lines]);
    expect(await bench.rows(spec, 'id, len(text) AS length')).toEqual([
      { id: 0, length: 10 * 2 ** 20 },
      { id: 1, length: 20 * 2 ** 20 },
    ]);
  });

  it.each([5000, 20_000])(
    'have lines that are numbered for each file by itself, and in order: %i',
    async (lines) => {
      await using bench = await StagingBench.open();
      const spec = feedSpec({ id: 'BIGINT' });
      const file = (from: number) => Array.from({ length: lines }, (_, index) => `{"id":${from + index}}`);
      await bench.stage(spec, [file(0), file(100_000), ['oops', '{"id":1}'], file(200_000)]);
      const { wrong } = await bench.session.row<{ wrong: number }>(
        `SELECT count(*) AS wrong FROM staging_messaging.calls
       WHERE _file_id <> 3 AND _line <> id % 100000 + 1 OR _line IS NULL`,
      );
      expect(wrong).toBe(0);
      expect(await bench.session.rows('FROM ops.unnumbered')).toEqual([]);
    },
  );

  it('take the place of others in one step', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT' });
    await bench.stage(spec, [['{"id":1}', 'broken'], ['{"id":2}']]);
    await bench.stage(spec, [['{"id":3}']], { supersedes: [1] });
    expect(await bench.rows(spec, 'id')).toEqual([{ id: 2 }, { id: 3 }]);
    expect(await bench.session.rows('SELECT file_id, superseded_by FROM ops.files ORDER BY 1')).toEqual([
      { file_id: 1, superseded_by: 3 },
      { file_id: 2, superseded_by: null },
      { file_id: 3, superseded_by: null },
    ]);
  });
});

describe('broken lines', () => {
  it.each([
    ['invalid_json', '{"id":1,,}'],
    ['truncated', '{"id":1,"text":"ab'],
    ['truncated', '{"id":'],
    ['not_an_object', '[1]'],
    ['not_an_object', 'null'],
    ['not_an_object', '5'],
    ['more_than_one_value', '{"id":1}{"id":2}'],
    ['more_than_one_value', '{"id":1} {"id":2}'],
    ['duplicate_key', '{"id":1,"id":2}'],
    ['invalid_json', 'id=1'],
  ])('are rejected whole, with the reason %s: %s', async (reason, line) => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT' });
    expect(await bench.stage(spec, [['{"id":7}', line, '{"id":8}']])).toEqual({ rows: 2, rejected: 1 });
    expect(await bench.rows(spec, 'id, _line')).toEqual([
      { id: 7, _line: 1 },
      { id: 8, _line: 3 },
    ]);
    expect(await bench.rejects()).toEqual([{ file_id: 1, line: 2, reason, raw: line }]);
  });

  it('are kept byte for byte when they are no UTF-8', async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT', text: 'VARCHAR' });
    const bad = Buffer.concat([
      Buffer.from('{"id":1,"text":"'),
      Buffer.from([0xff, 0xc3, 0x28]),
      Buffer.from('"}'),
    ]);
    const file = Buffer.concat([Buffer.from('{"id":2}\n'), bad, Buffer.from('\n')]);
    expect(await bench.stage(spec, [file])).toEqual({ rows: 1, rejected: 1 });
    const [row] = await bench.session.rows<{ hex: string; reason: string }>(
      'SELECT hex(raw) AS hex, reason FROM ops.rejected_rows',
    );
    expect(row).toEqual({ hex: bad.toString('hex').toUpperCase(), reason: 'invalid_utf8' });
  });

  it('never take others with them: each line is either staged or rejected', {
    timeout: 120_000,
  }, async () => {
    await using bench = await StagingBench.open();
    const spec = feedSpec({ id: 'BIGINT', text: 'VARCHAR' });
    const good = fc.integer().map((id) => Buffer.from(`{"id":${id}}`));
    const noise = fc
      .uint8Array({ maxLength: 12 })
      .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10)));
    const junk = fc.constantFrom(
      ...['{', '}', '{}', ' ', '"', '{"id":1}x', '{"x":[}', '\u0000'].map((s) => Buffer.from(s)),
    );
    const newline = fc.constantFrom(Buffer.from('\n'), Buffer.from('\r\n'));
    const file = fc.array(fc.tuple(fc.oneof(good, noise, junk), newline).map(Buffer.concat), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(file.map(Buffer.concat), { minLength: 1, maxLength: 3 }), async (files) => {
        const { rows, rejected } = await bench.stage(spec, files);
        const blank = (line: string) => /^[ \t\v\f\r]*$/.test(line);
        const lines = files
          .flatMap((bytes) => bytes.toString('latin1').split('\n'))
          .filter((line) => !blank(line));
        expect(rows + rejected).toBe(lines.length);
      }),
      { numRuns: 40 },
    );
    const { holds } = await bench.session.row<{ holds: boolean }>(
      'SELECT bool_and(holds) AS holds FROM ops.conservation',
    );
    expect(holds).toBe(true);
    const counted = await bench.session.row(
      `SELECT (SELECT count(*) FROM staging_messaging.calls) AS staged, (SELECT sum(rows_staged)::BIGINT FROM ops.files) AS said`,
    );
    expect(counted.staged).toBe(counted.said);
  });
});

describe('a feed that nobody documents', () => {
  const undocumented = feedSpec({});

  it('gets columns that hold every value of its data', async () => {
    await using bench = await StagingBench.open();
    await bench.stage(undocumented, [
      ['{"id":9007199254740993,"rate":1,"at":"2026-01-05T10:00:00+02:00","ok":true,"tags":[1],"code":"007"}'],
      ['{"id":2,"rate":1.5,"at":null,"ok":false,"note":null}'],
    ]);
    const types = await bench.session.rows(
      `SELECT column_name AS name, data_type AS type FROM duckdb_columns()
       WHERE table_name = 'calls' AND column_name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY 1`,
    );
    expect(Object.fromEntries(types.map(({ name, type }) => [name, type]))).toEqual({
      id: 'BIGINT',
      rate: 'DOUBLE',
      at: 'TIMESTAMP',
      ok: 'BOOLEAN',
      tags: 'JSON',
      code: 'VARCHAR',
    });
    expect(
      await bench.rows(undocumented, 'id::VARCHAR AS id, rate, "at"::VARCHAR AS "at", ok, tags, code'),
    ).toEqual([
      { id: '9007199254740993', rate: 1, at: '2026-01-05 08:00:00', ok: true, tags: '[1]', code: '007' },
      { id: '2', rate: 1.5, at: null, ok: false, tags: null, code: null },
    ]);
  });

  it('gets more columns, and wider ones, as its data needs them', async () => {
    await using bench = await StagingBench.open();
    await bench.stage(undocumented, [['{"id":1,"n":1}']]);
    await bench.stage(undocumented, [['{"id":2,"n":2.5,"new":"x"}']]);
    await bench.stage(undocumented, [['{"id":"three","n":3}', 'broken']]);
    expect(await bench.rows(undocumented, 'id, n, "new", _rescued')).toEqual([
      { id: '1', n: 1, new: null, _rescued: null },
      { id: '2', n: 2.5, new: 'x', _rescued: null },
      { id: 'three', n: 3, new: null, _rescued: null },
    ]);
  });

  it('keeps every digit, whichever number came first', async () => {
    for (const files of [
      ['1.5', '9007199254740993'],
      ['9007199254740993', '1.5'],
    ]) {
      for (const together of [true, false]) {
        await using bench = await StagingBench.open();
        const lines = files.map((n) => [`{"n":${n}}`]);
        for (const batch of together ? [lines] : lines.map((file) => [file]))
          await bench.stage(undocumented, batch);
        expect((await bench.rows(undocumented, 'n')).map(({ n }) => n)).toEqual(files);
      }
    }
  });

  it('gets text for numbers that no DOUBLE holds, and a DOUBLE for the others', async () => {
    await using bench = await StagingBench.open();
    await bench.stage(undocumented, [
      ['{"a":12345678901234567.89,"b":1e300,"c":1.50,"d":9007199254740993.0}'],
    ]);
    const rows = await bench.rows(undocumented, 'a, b, c, d');
    expect(rows).toEqual([{ a: '12345678901234567.89', b: 1e300, c: 1.5, d: '9007199254740993' }]);
  });

  it('keeps a key of times whole when a value comes that is no time', async () => {
    await using bench = await StagingBench.open();
    const keyed = feedSpec({}, { key: ['at'] });
    await bench.stage(keyed, [['{"at":"2026-01-05T07:00:00Z","n":1,"time":"2026-01-05T07:00:00Z"}']]);
    await bench.stage(keyed, [['{"at":1767600000000,"time":"soon"}', '{"at":"2026-01-05 07:00"}']]);
    const seven = '2026-01-05 07:00:00';
    expect(await bench.rows(keyed, '"at", "time"::VARCHAR AS "time", _rescued')).toEqual([
      { at: seven, time: seven, _rescued: null },
      { at: '1767600000000', time: null, _rescued: '{"time":"soon"}' },
      { at: seven, time: null, _rescued: null },
    ]);
  });
});

describe('lines with very many fields', () => {
  // A lateral join that copies the line for each of its fields took 19.5 GB for the larger one.
  it.each([5000, 100_000])(
    'take memory with their size, not its square: %i fields',
    { timeout: 240_000 },
    async (count) => {
      await using bench = await StagingBench.open({}, '300MB');
      const line = JSON.stringify(
        Object.fromEntries(Array.from({ length: count }, (_, i) => [`field_${i}`, i])),
      );
      const spec = feedSpec({ id: 'BIGINT' });
      expect(await bench.stage(spec, [[line], [line]])).toEqual({ rows: 2, rejected: 0 });
      const [row] = await bench.rows(spec, 'len(json_keys(_rescued)) AS fields');
      expect(row).toEqual({ fields: count });
    },
  );
});
