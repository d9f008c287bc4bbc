import { randomBytes } from 'node:crypto';
import { literal } from '../../warehouse/sql.ts';

/**
 * Numbers as they were sent. DuckDB's JSON reads a number that is no 64-bit integer through a double and writes that one's
 * digits: `12345678901234567.89` comes out as `…568.0`, `1.50` as `1.5`, `1e2` as `100.0`. Where a number ends as text or as
 * JSON, that loses what was sent. So numbers that DuckDB would spell otherwise become strings with a mark before the line is
 * read, and numbers again where they come out: by `line-scan.ts` in lines that are staged, and here in what is stored already. Pure,
 * SQL expressions over texts.
 *
 * One thing is not kept: `-0` is `0`, as DuckDB reads it where nobody can see it.
 */

/** Nobody can know it beforehand, so that no text that is sent has it. */
export const MARK = `n${randomBytes(8).toString('hex')}:`;
const [OPEN, CLOSE] = [`<${MARK}`, `${MARK}>`];

/** Sixteen digits or more with a point somewhere: one for each place of the point. */
const LONG = [...Array(15).keys()].map((n) => `\\d{${n + 1}}\\.\\d{${15 - n},}`).concat('\\d{16,}\\.');
/** What DuckDB may spell otherwise: an exponent, a zero at the end, a small number, many digits. */
const RESPELLED = `\\d+(?:\\.\\d+)?[eE]|\\d+\\.\\d+0\\s*[,}\\]]|0\\.00|${LONG.join('|')}`;
/** Where a value begins: behind a field's name, or in an array. */
const BEFORE = '(?:"\\s*:|[,\\[])\\s*';

/** Whether a line of valid JSON may have numbers that DuckDB would spell otherwise. */
export function mayRespell(line: string): string {
  return `regexp_matches(${line}, ${literal(`${BEFORE}-?(?:${RESPELLED})`)})`;
}

/** A line of valid JSON with its numbers as strings with a mark. */
export function marked(line: string): string {
  // Strings are matched so that nothing inside them is.
  const tokens = literal('("(?:[^"\\\\]|\\\\.)*")|(-?[0-9][0-9.eE+-]*)');
  const bracketed = `regexp_replace(${line}, ${tokens}, ${literal(`\\1${OPEN}\\2${CLOSE}`)}, 'g')`;
  const replacements = [
    [`${OPEN}${CLOSE}`, ''],
    [`${OPEN}-0${CLOSE}`, '0'],
    [OPEN, `"${MARK}`],
    [CLOSE, '"'],
  ] as const;
  return replacements.reduce(
    (sql, [from, to]) => `replace(${sql}, ${literal(from)}, ${literal(to)})`,
    bracketed,
  );
}

/** JSON out of a marked line, its numbers as they were sent. */
export function unmarkedJson(json: string): string {
  return `regexp_replace(${json}, ${literal(`"${MARK}([^"]*)"`)}, '\\1', 'g')`;
}

/** Text out of a marked line: a number as it was sent, a nested value with its numbers as they were sent. */
export function unmarkedText(text: string): string {
  return `regexp_replace(${text}, ${literal(`"?${MARK}([0-9.eE+-]*)"?`)}, '\\1', 'g')`;
}

const WORD = 'nan|inf(?:inity)?';
/** As text: a number that is no integer, or a nested value with one in it. */
const NOT_AS_SENT = [
  `-?(?:${WORD}|\\d+(?:\\.\\d+(?:e[+-]?\\d+)?|e[+-]?\\d+))`,
  `(?:\\[|[\\[{].*(?:":|[,\\[]))-?(?:${WORD}|\\d+[.e]).*`,
];

/** What those begin with, besides `-` and digits, which stand before `:`. */
const BEGINNINGS = [...'INin[{'];

/** Whether a value that DuckDB's reader gave as text or as JSON may have had other digits in the line. */
export function mayBeRespelled(value: string): string {
  // Few texts begin so, and only those are given to the expression. No IN: of such a list DuckDB makes a join.
  const text = `CAST(${value} AS VARCHAR)`;
  const starts = BEGINNINGS.map(
    (first) => `${text} BETWEEN '${first}' AND '${String.fromCharCode(first.charCodeAt(0) + 1)}'`,
  );
  return `((${text} < ':' OR ${starts.join(' OR ')})
    AND regexp_full_match(${text}, ${literal(`(?is)${NOT_AS_SENT.join('|')}`)}))`;
}
