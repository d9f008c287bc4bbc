/**
 * Finds where SQL statements begin and end. Only for convenience: which kind a statement is and whether it is valid is
 * decided by DuckDB, and nothing is allowed because of what is found here.
 */

interface SqlToken {
  kind: 'nothing' | 'end' | 'word' | 'other';
  text: string;
  /** Whether a quote or comment that it opens is not closed. */
  open: boolean;
}

type Rule = [kind: SqlToken['kind'], pattern: RegExp];

/** In patterns of tokens that can stay open, the last group matches what closes them. */
const RULES: readonly Rule[] = [
  ['nothing', /\s+/y],
  ['nothing', /--[^\n]*/y],
  ['end', /;/y],
  ['other', /[eE]'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*('?)/y],
  ['other', /'[^']*(?:''[^']*)*('?)/y],
  ['other', /"[^"]*(?:""[^"]*)*("?)/y],
  ['other', /\$((?:[\p{L}_][\p{L}\d_]*)?)\$[\s\S]*?(\$\1\$|$)/uy],
  ['word', /[\p{L}_][\p{L}\d_$]*/uy],
  ['other', /[\s\S]/uy],
];

function* tokens(sql: string): Generator<SqlToken> {
  for (let at = 0; at < sql.length; ) {
    const token = sql.startsWith('/*', at) ? comment(sql, at) : next(sql, at);
    yield token;
    at += token.text.length;
  }
}

function next(sql: string, at: number): SqlToken {
  for (const [kind, pattern] of RULES) {
    pattern.lastIndex = at;
    const found = pattern.exec(sql);
    if (found) return { kind, text: found[0], open: found.length > 1 && found.at(-1) === '' };
  }
  throw new Error(`no rule takes the character at ${at}`);
}

/** Comments nest. */
function comment(sql: string, start: number): SqlToken {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(sql); mark; mark = marks.exec(sql)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return { kind: 'nothing', text: sql.slice(start, marks.lastIndex), open: false };
  }
  return { kind: 'nothing', text: sql.slice(start), open: true };
}

/**
 * Splits text at the semicolons that end statements, and drops empty statements. Pure.
 * @returns the complete statements without their semicolons, and the incomplete rest; `open` when the rest ends inside
 *   a quote or comment
 */
export function splitStatements(sql: string): { statements: string[]; rest: string; open: boolean } {
  const statements: string[] = [];
  let text = '';
  let says = false;
  let open = false;
  for (const token of tokens(sql)) {
    if (token.kind === 'end') {
      if (says) statements.push(text.trim());
      text = '';
      says = false;
      continue;
    }
    text += token.text;
    says ||= token.kind !== 'nothing';
    open ||= token.open;
  }
  return { statements, rest: says || open ? text : '', open };
}

/** All statements of a text, ended or not. Pure. */
export function statementsOf(sql: string): string[] {
  const { statements, rest } = splitStatements(sql);
  return rest.trim() === '' ? statements : [...statements, rest.trim()];
}

/** The words that a statement begins with, in capitals; opening brackets are skipped. Pure. */
export function leadingWords(sql: string): string[] {
  const words: string[] = [];
  for (const { kind, text } of tokens(sql)) {
    if (kind === 'nothing' || (text === '(' && words.length === 0)) continue;
    if (kind !== 'word') return [...words, text];
    words.push(text.toUpperCase());
  }
  return words;
}

/**
 * The statements that an `EXPLAIN` may be about: the text behind it, behind `ANALYZE`, or behind options in brackets.
 * Pure.
 */
export function explained(sql: string): string[] {
  const rest = [...tokens(sql)].filter(({ kind }) => kind !== 'nothing');
  const textFrom = (index: number) =>
    rest
      .slice(index)
      .map(({ text }) => text)
      .join(' ');
  const found = [textFrom(1)];
  if (rest[1]?.text.toUpperCase() === 'ANALYZE') found.push(textFrom(2));
  const closing = rest[1]?.text === '(' ? rest.findIndex(({ text }) => text === ')') : -1;
  if (closing > 0) found.push(textFrom(closing + 1));
  return found.filter((text) => text !== '');
}
