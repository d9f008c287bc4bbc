/**
 * Where statements begin and end, as a person sees it: what kind they are and whether they are right is DuckDB's to say. Nothing
 * is allowed because of what is found here.
 */

interface Token {
  kind: 'nothing' | 'end' | 'word' | 'other';
  text: string;
  /** Whether what it opened is still open: a quote, a comment. */
  open: boolean;
}

type Rule = [kind: Token['kind'], pattern: RegExp];

/** The last group of what can stay open is how it closes. */
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

function* tokens(sql: string): Generator<Token> {
  for (let at = 0; at < sql.length; ) {
    const token = sql.startsWith('/*', at) ? comment(sql, at) : next(sql, at);
    yield token;
    at += token.text.length;
  }
}

function next(sql: string, at: number): Token {
  for (const [kind, pattern] of RULES) {
    pattern.lastIndex = at;
    const found = pattern.exec(sql);
    if (found) return { kind, text: found[0], open: found.length > 1 && found.at(-1) === '' };
  }
  throw new Error(`no rule takes the character at ${at}`);
}

/** Comments nest. */
function comment(sql: string, start: number): Token {
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
 * Splits text at the semicolons that end statements. Statements that say nothing are left out. Pure.
 * @returns what has come to its end, without its semicolon, and what has not; `open` when that is in a quote or a comment
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

/** The words that a statement begins with, in capitals, brackets passed over. Pure. */
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
 * What an `EXPLAIN` could be about: the text behind it, that behind `ANALYZE`, and that behind options in brackets. Pure.
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
