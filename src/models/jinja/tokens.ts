import { ProjectError } from '../problems.ts';
import { type Token, tokenize } from './engine.ts';

/** A piece of a template, and where it stands. The library's own tokens do not say. */
export interface PlacedToken extends Token {
  /** 1-based. */
  line: number;
}

/**
 * Splits a template into tokens with their lines, and checks that its tags are closed and its blocks nest.
 * @param source with `\n` line ends
 * @throws ProjectError with the one thing that is wrong first
 */
export function readTokens(file: string, source: string): PlacedToken[] {
  let tokens: Token[];
  try {
    tokens = tokenize(source);
  } catch (error) {
    throw new ProjectError([{ file, ...lexicalProblem(source, error as Error) }]);
  }
  const placed = place(source, tokens);
  checkBlocks(file, placed);
  return placed;
}

/** Finds each token again in the text that it came from: they come in order, and only whitespace goes missing. */
function place(source: string, tokens: readonly Token[]): PlacedToken[] {
  let line = 1;
  let counted = 0;
  let cursor = 0;
  const skipSpace = () => {
    while (cursor < source.length && /\s/.test(source.charAt(cursor))) cursor++;
  };
  return tokens.map((token) => {
    const whole = token.type === 'Text' && source.startsWith(token.value, cursor);
    if (!whole) skipSpace();
    for (; counted < cursor; counted++) if (source[counted] === '\n') line++;
    cursor = endOf(source, cursor, token);
    return { ...token, line };
  });
}

/** Where a token that begins at `start` ends. */
function endOf(source: string, start: number, token: Token): number {
  switch (token.type) {
    case 'OpenStatement':
    case 'OpenExpression':
      return start + (source[start + 2] === '-' ? 3 : 2);
    case 'CloseStatement':
    case 'CloseExpression':
      return start + (source[start] === '-' ? 3 : 2);
    case 'Comment':
      return source.indexOf('#}', start) + 2;
    case 'StringLiteral': {
      let end = start + 1;
      while (end < source.length && source[end] !== source[start]) end += source[end] === '\\' ? 2 : 1;
      return end + 1;
    }
    default:
      return start + token.value.length;
  }
}

/** The tag that cannot be split: the first that cannot on its own either. */
function lexicalProblem(source: string, error: Error): { line: number; message: string } {
  const starts = [...source.matchAll(/\{[{%#]/g)].map(({ index }) => index);
  const culprit = starts.find((start, index) => {
    try {
      tokenize(source.slice(start, starts[index + 1]));
      return false;
    } catch {
      return true;
    }
  });
  const start = culprit ?? starts.at(-1) ?? 0;
  return { line: source.slice(0, start).split('\n').length, message: `Jinja: ${explain(error.message)}` };
}

function explain(message: string): string {
  if (message === 'Missing end of comment tag') return 'a comment {# is never closed with #}';
  if (message === 'Unexpected end of input') return 'a tag or a text in quotes is never closed';
  const escaped = /^Unexpected escaped character: (.*)$/s.exec(message)?.[1];
  if (escaped !== undefined) return `\\${escaped} is not an escape: write \\\\${escaped}`;
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** The blocks, by the statement that opens them. */
const BLOCKS = new Set(['if', 'for', 'macro', 'call', 'filter', 'set']);
const STATEMENTS = [...BLOCKS, 'do', 'import', 'from', 'break', 'continue', 'elif', 'else'];

/** Whether the `{% set %}` at `index` (its opening token) has its value in a block of its own. */
export function isBlockSet(tokens: readonly PlacedToken[], index: number): boolean {
  for (let at = index; at < tokens.length; at++) {
    if (tokens[at]?.type === 'Equals') return false;
    if (tokens[at]?.type === 'CloseStatement') return true;
  }
  return true;
}

/** The statement that the tag at `index` holds, e.g. `if`; undefined for an expression. */
export function statementAt(tokens: readonly PlacedToken[], index: number): string | undefined {
  return tokens[index]?.type === 'OpenStatement' ? (tokens[index + 1]?.value ?? '') : undefined;
}

function checkBlocks(file: string, tokens: readonly PlacedToken[]): void {
  const fail = (line: number, message: string): never => {
    throw new ProjectError([{ file, line, message: `Jinja: ${message}` }]);
  };
  const open: { name: string; line: number }[] = [];
  let tag: PlacedToken | undefined;
  for (const [index, token] of tokens.entries()) {
    if (token.type.startsWith('Close') && /^[%}]}$/.test(token.value)) tag = undefined;
    if (token.type !== 'OpenStatement' && token.type !== 'OpenExpression') continue;
    if (tag) fail(tag.line, `this ${tag.value} is never closed`);
    tag = token;
    const name = statementAt(tokens, index);
    if (name === undefined) continue;
    const innermost = open.at(-1);
    if (name.startsWith('end')) {
      if (innermost?.name !== name.slice(3))
        fail(
          token.line,
          innermost
            ? `{% ${name} %} where the {% ${innermost.name} %} of line ${innermost.line} is to be closed`
            : `{% ${name} %} closes nothing`,
        );
      open.pop();
    } else if (name === 'elif' || name === 'else') {
      if (innermost?.name !== 'if' && !(name === 'else' && innermost?.name === 'for'))
        fail(token.line, `{% ${name} %} is not inside an {% if %}`);
    } else if (!STATEMENTS.includes(name)) {
      fail(token.line, `there is no statement {% ${name} %} here; there are ${STATEMENTS.join(', ')}`);
    } else if (BLOCKS.has(name) && (name !== 'set' || isBlockSet(tokens, index))) {
      open.push({ name, line: token.line });
    }
  }
  const unclosed = open.at(-1);
  if (unclosed) fail(unclosed.line, `this {% ${unclosed.name} %} has no {% end${unclosed.name} %}`);
}
