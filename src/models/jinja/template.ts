import { ProjectError } from '../problems.ts';
import { type Node, parse } from './engine.ts';
import { rewrite } from './rewrite.ts';
import { type PlacedToken, readTokens, statementAt } from './tokens.ts';

/** A file that was parsed, and can be rendered many times. */
export interface Template {
  file: string;
  /** Tells it from every other template: two folders may have a file of one name. */
  key: string;
  program: Node;
  /** The macros that it declares, with their lines. */
  macros: readonly { name: string; line: number }[];
  /**
   * The line of a tag, by the number of its first token.
   * @param word a name or text inside the tag whose own line is wanted, where it is there
   */
  lineOf(token: number, word?: string): number;
}

let parsed = 0;

/**
 * Parses a template.
 * @param file as people know it, for messages
 * @param kind what a file of `macros` prints itself goes nowhere
 * @throws ProjectError with the first thing that cannot be understood, and its line
 */
export function parseTemplate(file: string, text: string, kind: 'model' | 'macros'): Template {
  const tokens = readTokens(file, text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n'));
  const key = String(parsed++);
  return {
    file,
    key,
    program: parseTokens(file, rewrite(tokens, { file, key }, kind === 'macros')),
    macros: macrosOf(tokens),
    lineOf: (token, word) => lineOf(tokens, token, word),
  };
}

function parseTokens(file: string, tokens: readonly PlacedToken[]): Node {
  try {
    return parse(tokens);
  } catch (error) {
    const token = tokens[Math.min(furthestRead(tokens), tokens.length - 1)];
    const message = `Jinja: ${explain(error as Error, JSON.stringify(token?.value))}`;
    throw new ProjectError([{ file, line: token?.line, message }], { cause: error });
  }
}

/** How far the parser gets before it fails. It does not say, but it never looks far ahead. */
function furthestRead(tokens: readonly PlacedToken[]): number {
  let furthest = 0;
  const watched = new Proxy(tokens, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) furthest = Math.max(furthest, Number(key));
      return Reflect.get(target, key);
    },
  });
  try {
    parse(watched);
  } catch {
    // As it did before.
  }
  return furthest;
}

/** The parser's words, without the names it has for tokens. */
function explain(error: Error, near: string): string {
  if (error instanceof RangeError) return 'nested too deeply';
  if (/^Unexpected token/.test(error.message)) return `unexpected ${near}`;
  const plain = error.message
    .replace(/^Parser Error: /, '')
    .replace(/\. \w+ !== \w+\.$/, '')
    .replace(/, got .*$/, '')
    .replace('closing expression token', '}}')
    .replace('closing statement token', '%}');
  return `${plain.charAt(0).toLowerCase()}${plain.slice(1)}, near ${near}`;
}

function macrosOf(tokens: readonly PlacedToken[]): { name: string; line: number }[] {
  return tokens.flatMap(({ line }, index) => {
    const name = tokens[index + 2];
    return statementAt(tokens, index) === 'macro' && name ? [{ name: name.value, line }] : [];
  });
}

function lineOf(tokens: readonly PlacedToken[], start: number, word: string | undefined): number {
  const line = tokens[start]?.line ?? 1;
  if (word === undefined) return line;
  for (const token of tokens.slice(start + 1)) {
    if (token.type === 'CloseStatement' || token.type === 'CloseExpression') break;
    if (token.value === word) return token.line;
  }
  return line;
}
