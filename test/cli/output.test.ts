import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type PrintOptions, printTable } from '../../src/cli/output.ts';
import { wantsColor } from '../../src/cli/terminal.ts';
import { type Cell, ExactNumber, JsonText, type ResultTable } from '../../src/warehouse/values.ts';

function tableOf(columns: Record<string, string>, ...rows: Cell[][]): ResultTable {
  return { columns: Object.entries(columns).map(([name, type]) => ({ name, type })), rows };
}

/** What is printed; `columns` makes the stream a terminal of that width. */
async function printed(
  table: ResultTable,
  { format = 'table', columns, color = false }: Partial<PrintOptions> & { columns?: number } = {},
): Promise<string> {
  const stream = Object.assign(new PassThrough(), columns === undefined ? {} : { isTTY: true, columns });
  const all = text(stream);
  await printTable(table, { format, stream, color });
  stream.end();
  return all;
}

const queues = tableOf(
  { queue: 'VARCHAR', issues: 'BIGINT', share: 'DECIMAL(5,2)', oldest: 'TIMESTAMP' },
  ['billing', 9007199254740993n, new ExactNumber('61.50'), '2026-01-31 07:00:00'],
  ['retention', 12n, null, '2026-01-31 07:31:02.500000'],
);

describe('a printed table', () => {
  it('aligns numbers by their last digit and shows NULL', async () => {
    expect(await printed(queues)).toBe(
      [
        'queue                issues  share  oldest',
        '─────────  ────────────────  ─────  ──────────────────────────',
        'billing    9007199254740993  61.50  2026-01-31 07:00:00',
        'retention                12   NULL  2026-01-31 07:31:02.500000',
        '',
      ].join('\n'),
    );
  });

  it('never cuts where there is no terminal', async () => {
    const long = 'x'.repeat(5000);
    const output = await printed(tableOf({ a: 'VARCHAR', b: 'INTEGER' }, [long, 1], ['y', 2]));
    expect(output).toContain(`${long}  1\n`);
    // and does not blow up every other row for it
    expect(output.split('\n')[3]?.length).toBeLessThan(80);
  });

  it('cuts long texts to the width of a terminal, but no number and no time', async () => {
    const table = tableOf({ note: 'VARCHAR', issues: 'BIGINT', at: 'TIMESTAMP' }, [
      'a customer asked for a refund',
      9007199254740993n,
      '2026-01-31 07:00:00',
    ]);
    const lines = (await printed(table, { columns: 50 })).trimEnd().split('\n');
    expect(lines.at(-1)).toBe('a customer…  9007199254740993  2026-01-31 07:00:00');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(50);
  });

  it('cuts the first column last: it says what a row is about', async () => {
    const table = tableOf({ feed: 'VARCHAR', note: 'VARCHAR' }, ['messaging.convos_metrics', 'x'.repeat(30)]);
    expect(await printed(table, { columns: 40 })).toContain(`messaging.convos_metrics  ${'x'.repeat(13)}…\n`);
    expect(await printed(table, { columns: 30 })).toContain(`messaging.con…  ${'x'.repeat(13)}…\n`);
  });

  it('counts two places for a wide character', async () => {
    const table = tableOf({ name: 'VARCHAR', n: 'INTEGER' }, ['中文字', 1], ['abcdefgh', 2]);
    expect(await printed(table)).toContain('中文字    1\nabcdefgh  2\n');
    const wide = tableOf({ name: 'VARCHAR' }, ['中'.repeat(30)]);
    expect(await printed(wide, { columns: 20 })).toContain(`${'中'.repeat(9)}…\n`);
  });

  it('gives each row a block where the columns do not fit next to each other', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `column_${index}`);
    const columns = Object.fromEntries(names.map((name) => [name, 'VARCHAR']));
    const output = await printed(
      tableOf(
        columns,
        names.map((name) => `${name} `.repeat(9)),
      ),
      { columns: 40 },
    );
    const lines = output.trimEnd().split('\n');
    expect(lines).toHaveLength(9);
    expect(lines[0]).toBe(`── row 1 ${'─'.repeat(31)}`);
    expect(lines[1]).toBe('column_0  column_0 column_0 column_0 co…');
  });

  it('says that there are no rows', async () => {
    expect(await printed(tableOf({ queue: 'VARCHAR' }))).toBe('queue\n─────\n(no rows)\n');
  });

  it('spells out control characters, in values and in names', async () => {
    const hostile = '\u001b[2Jgone\r\n\u009b1A\u202eoverride\u007f';
    for (const columns of [undefined, 200, 20]) {
      const output = await printed(tableOf({ 'na\u001b[1mme': 'VARCHAR' }, [hostile], [[hostile]]), {
        ...(columns === undefined ? {} : { columns }),
      });
      expect(output.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    }
    expect(await printed(tableOf({ a: 'VARCHAR' }, [hostile]))).toContain(
      '\\x1b[2Jgone\\r\\n\\x9b1A\\u202eoverride\\x7f',
    );
  });

  it('is coloured only when asked to, and reads the same', async () => {
    const colored = await printed(queues, { color: true });
    expect(colored).toContain('\u001b[2mNULL\u001b[22m');
    expect(stripVTControlCharacters(colored)).toBe(await printed(queues));
    expect(await printed(queues, { columns: 100 })).not.toContain('\u001b');
  });
});

describe('printed JSON', () => {
  it('is one array, with every digit', async () => {
    const table = tableOf(
      {
        big: 'HUGEINT',
        price: 'DECIMAL(18,2)',
        f: 'DOUBLE',
        flag: 'BOOLEAN',
        none: 'VARCHAR',
        text: 'VARCHAR',
      },
      [170141183460469231731687303715884105727n, new ExactNumber('1.50'), 1e-7, true, null, 'a "b"\n'],
      [-1n, new ExactNumber('-0.01'), 2, false, null, ''],
    );
    expect(await printed(table, { format: 'json' })).toBe(
      [
        '[',
        '{"big":170141183460469231731687303715884105727,"price":1.50,"f":1e-7,"flag":true,"none":null,"text":"a \\"b\\"\\n"},',
        '{"big":-1,"price":-0.01,"f":2,"flag":false,"none":null,"text":""}',
        ']',
        '',
      ].join('\n'),
    );
  });

  it('embeds nested values and what JSON columns hold', async () => {
    const row = [
      [1n, null],
      { a: { b: new ExactNumber('2.0') } },
      new JsonText('{"id": 12345678901234567890}'),
    ];
    expect(await printed(tableOf({ l: '', s: '', j: 'JSON' }, row), { format: 'json' })).toBe(
      '[\n{"l":[1,null],"s":{"a":{"b":2.0}},"j":{"id": 12345678901234567890}}\n]\n',
    );
  });

  it('stays JSON whatever a value is', async () => {
    const row = [
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      new JsonText('[1,]'),
      '\u009b\u2028\u007f',
      new JsonText('"\u009b"'),
    ];
    const output = await printed(tableOf({ a: '', b: '', c: '', d: '', e: '' }, row), { format: 'json' });
    expect(JSON.parse(output)).toEqual([
      { a: 'NaN', b: '-Infinity', c: '[1,]', d: '\u009b\u2028\u007f', e: '\u009b' },
    ]);
    expect(output).not.toMatch(/[\u007f-\u009f\u2028]/);
  });

  it('is [] when there are no rows', async () => {
    expect(await printed(tableOf({ a: '' }), { format: 'json' })).toBe('[]\n');
  });

  it('gives columns of the same name different keys, without taking one that is there', async () => {
    const columns = ['a', 'a', 'a_1', 'a'].map((name) => ({ name, type: 'INTEGER' }));
    const output = await printed({ columns, rows: [[1, 2, 3, 4]] }, { format: 'json' });
    expect(JSON.parse(output)).toEqual([{ a: 1, a_2: 2, a_1: 3, a_3: 4 }]);
  });

  it('holds more rows than fit in one batch', async () => {
    const rows = Array.from({ length: 1201 }, (_, n) => [n]);
    const parsed = JSON.parse(await printed(tableOf({ n: 'INTEGER' }, ...rows), { format: 'json' }));
    expect(parsed).toEqual(rows.map(([n]) => ({ n })));
  });
});

describe('printed CSV', () => {
  it('is quoted as RFC 4180 says, and tells NULL from an empty text', async () => {
    const table = tableOf(
      { 'a,b': '', c: '', n: '' },
      ['x,y', 'say "hi"', 9007199254740993n],
      ['two\nlines', '', null],
      [new JsonText('{"k": [1, 2]}'), [1, 'z'], new ExactNumber('1.50')],
      ['lone\rreturn', ' blank ', true],
    );
    expect(await printed(table, { format: 'csv' })).toBe(
      [
        '"a,b",c,n',
        '"x,y","say ""hi""",9007199254740993',
        '"two\nlines","",',
        '"{""k"": [1, 2]}","[1,""z""]",1.50',
        '"lone\rreturn", blank ,true',
        '',
      ].join('\n'),
    );
  });

  it('has a header when there are no rows, and a row for a single NULL', async () => {
    expect(await printed(tableOf({ a: '', b: '' }), { format: 'csv' })).toBe('a,b\n');
    expect(await printed(tableOf({ a: '' }, [null], ['x']), { format: 'csv' })).toBe('a\n""\nx\n');
  });

  it('has control characters as they are in a file, but spelled out on a terminal', async () => {
    const table = tableOf({ a: '' }, ['\u001b[2J']);
    expect(await printed(table, { format: 'csv' })).toBe('a\n\u001b[2J\n');
    expect(await printed(table, { format: 'csv', columns: 80 })).toBe('a\n\\x1b[2J\n');
  });
});

describe('the stream that is printed to', () => {
  it('may be closed by its reader at any time', async () => {
    const head = spawn('head', ['-n', '2']);
    const seen = text(head.stdout);
    const rows = Array.from({ length: 200_000 }, (_, n) => [`row ${n}`]);
    await printTable(
      { columns: [{ name: 'a', type: 'VARCHAR' }], rows },
      { format: 'csv', stream: head.stdin, color: false },
    );
    expect(await seen).toBe('a\nrow 0\n');
  });

  it('is an error when it cannot be written to', async () => {
    const stream = createWriteStream(join(tmpdir(), 'no-such-folder', 'out.csv'));
    await expect(printTable(queues, { format: 'csv', stream, color: false })).rejects.toThrow('ENOENT');
  });
});

describe('colour', () => {
  it.each<[string, { isTTY?: boolean }, NodeJS.ProcessEnv, boolean]>([
    ['a terminal', { isTTY: true }, { TERM: 'xterm' }, true],
    ['a pipe', {}, {}, false],
    ['NO_COLOR', { isTTY: true }, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR, which is none', { isTTY: true }, { NO_COLOR: '' }, true],
    ['a terminal that cannot', { isTTY: true }, { TERM: 'dumb' }, false],
  ])('is wanted only where it can be shown and NO_COLOR is not set: %s', (_, stream, env, expected) => {
    expect(wantsColor(stream, env)).toBe(expected);
  });
});
