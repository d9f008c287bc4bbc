import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { explained, leadingWords, splitStatements, statementsOf } from '../../src/warehouse/lexer.ts';

describe('statements', () => {
  it.each<[string, string[]]>([
    ['', []],
    [' ; ; -- nothing\n; /* at all */', []],
    ['select 1', ['select 1']],
    ['select 1;', ['select 1']],
    ['select 1; select 2', ['select 1', 'select 2']],
    [
      'select \';\' -- ; \n, 2; select "a;b" /* ; /* ; */ ; */ from t',
      ["select ';' -- ; \n, 2", 'select "a;b" /* ; /* ; */ ; */ from t'],
    ],
    ["select 'it''s;', E'it\\';s'", ["select 'it''s;', E'it\\';s'"]],
    ['select $$;$$, $tag$ ; $$ ; $tag$; x', ['select $$;$$, $tag$ ; $$ ; $tag$', 'x']],
    ['select $1; select 2', ['select $1', 'select 2']],
    ["select 'open; select 2", ["select 'open; select 2"]],
  ])('are found in %j', (sql, statements) => {
    expect(statementsOf(sql)).toEqual(statements);
  });

  it.each(["select 'a\n", 'select "a\n', 'select $$a\n', 'select 1 /* a\n', "select E'\\'\n"])(
    'do not end inside of %j',
    (sql) => {
      expect(splitStatements(`${sql};`)).toMatchObject({ statements: [], open: true });
    },
  );

  test('are parts of what was typed, however hostile that is', () => {
    const piece = fc.constantFrom(
      "'",
      '"',
      ';',
      '--',
      '\n',
      '/*',
      '*/',
      '$$',
      '$a$',
      'select',
      ' ',
      '\\',
      'E',
      '中',
      '\u{1f600}',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const sql = pieces.join('');
        const { statements, rest } = splitStatements(sql);
        for (const statement of [...statements, rest]) expect(sql).toContain(statement.trim());
      }),
    );
  });

  test('of megabytes are found in no time', () => {
    expect(statementsOf(`select '${"''".repeat(2_000_000)}'; select 2`)).toHaveLength(2);
  });
});

test('the words that a statement begins with are found behind comments and brackets', () => {
  expect(leadingWords('-- x\n((select a, b')).toEqual(['SELECT', 'A', ',']);
  expect(leadingWords('show tables')).toEqual(['SHOW', 'TABLES']);
});

test('the statement that an EXPLAIN is about is found, however its options are read', () => {
  expect(explained('explain select 1')).toEqual(['select 1']);
  expect(explained('explain /* x */ analyze\ncopy t to 1')).toEqual(['analyze copy t to 1', 'copy t to 1']);
  expect(explained('explain (format json) select 1')).toEqual(['( format json ) select 1', 'select 1']);
});
