import { ProjectError } from '../problems.ts';
import { isBlockSet, type PlacedToken, statementAt } from './tokens.ts';

/**
 * What dbt's Jinja has and the library has not, put in terms of what it has, between splitting a template and parsing
 * it: `{% do %}`, `{% import %}`, `{% from … import … %}`; and marks that say which line is being rendered.
 */

/** Names that no template can write, since `%` begins no word. */
export const HIDDEN = {
  /** `%at(template, token, captured)`: the tag that is rendered from here on. */
  at: '%at',
  /** `%discard(value)`: evaluated, and printed nowhere. */
  discard: '%discard',
  /** `%macros(file)`: the macros of one file, by name. */
  macros: '%macros',
} as const;

/** Opens and closes the number of a source line in rendered text. */
const [OPEN_MARK, CLOSE_MARK] = ['\u0001', '\u0002'];
const MARK = new RegExp(`${OPEN_MARK}(\\d+)${CLOSE_MARK}`);
const MARKS = new RegExp(MARK, 'g');

export function lineMark(line: number): string {
  return `${OPEN_MARK}${line}${CLOSE_MARK}`;
}

/** Text whose place in the output is not its own: a block that is kept in a name, or handed to something. */
const CAPTURING = new Set(['macro', 'call', 'filter']);

/**
 * @param template the key that marks give; the file is for messages
 * @param captured whether all of the file is rendered into something else, as macros are
 */
export function rewrite(
  tokens: readonly PlacedToken[],
  template: { file: string; key: string },
  captured: boolean,
): PlacedToken[] {
  const out: PlacedToken[] = [];
  let depth = captured ? 1 : 0;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] as PlacedToken;
    const { line } = token;
    const make = (type: string, value: string): PlacedToken => ({ type, value, line });
    if (token.type === 'Text') {
      out.push(depth === 0 ? { ...token, value: markLines(token) } : token);
    } else if (token.type === 'OpenExpression' || token.type === 'OpenStatement') {
      const statement = statementAt(tokens, index);
      const block = statement?.replace(/^end/, '');
      const captures =
        CAPTURING.has(block ?? '') ||
        (block === 'set' && (statement === 'endset' || isBlockSet(tokens, index)));
      if (captures && statement !== block) depth--;
      const ends = statement !== undefined && /^(end|elif$|else$)/.test(statement);
      if (!ends) out.push(...atTag(make, template.key, index, depth > 0));
      if (captures && statement === block) depth++;

      const close = tokens.findIndex(({ type }, at) => at > index && type === 'CloseStatement');
      const inside = tokens.slice(index + 2, close);
      if (statement === 'do') {
        out.push(...call(make, HIDDEN.discard, inside));
        index = close;
      } else if (statement === 'import' || statement === 'from') {
        out.push(...importing(make, template.file, statement, inside));
        index = close;
      } else {
        out.push(token);
      }
    } else {
      out.push(token);
    }
  }
  return out;
}

type Make = (type: string, value: string) => PlacedToken;

/** Text with its line before each line's content. */
function markLines({ value, line }: PlacedToken): string {
  return value
    .split('\n')
    .map((text, index) => lineMark(line + index) + text)
    .join('\n');
}

function atTag(make: Make, key: string, index: number, captured: boolean): PlacedToken[] {
  const comma = make('Comma', ',');
  return call(make, HIDDEN.at, [
    make('StringLiteral', key),
    comma,
    make('NumericLiteral', String(index)),
    comma,
    make('NumericLiteral', captured ? '1' : '0'),
  ]);
}

/** `{{ name(args) }}` */
function call(make: Make, name: string, args: readonly PlacedToken[]): PlacedToken[] {
  return [
    make('OpenExpression', '{{'),
    make('Identifier', name),
    make('OpenParen', '('),
    ...args,
    make('CloseParen', ')'),
    make('CloseExpression', '}}'),
  ];
}

/** `import F as x` is `set x = %macros(F)`; `from F import a as b` is `set b = %macros(F).a`. */
function importing(
  make: Make,
  from: string,
  statement: string,
  inside: readonly PlacedToken[],
): PlacedToken[] {
  const at = inside.findIndex(({ value }) => value === (statement === 'import' ? 'as' : 'import'));
  const file = at < 0 ? inside : inside.slice(0, at);
  const set = (name: PlacedToken[], member: PlacedToken[]): PlacedToken[] => [
    make('OpenStatement', '{%'),
    make('Identifier', 'set'),
    ...name,
    make('Equals', '='),
    make('Identifier', HIDDEN.macros),
    make('OpenParen', '('),
    ...file,
    make('CloseParen', ')'),
    ...member,
    make('CloseStatement', '%}'),
  ];
  const names = at < 0 ? [] : inside.slice(at + 1);
  if (names.length === 0) {
    const wanted = statement === 'import' ? `import 'FILE' as NAME` : `from 'FILE' import NAME`;
    throw new ProjectError([
      { file: from, line: make('', '').line, message: `Jinja: write {% ${wanted} %}` },
    ]);
  }
  if (statement === 'import') return set(names, []);
  return split(names).flatMap((part) => {
    const alias = part.findIndex(({ value }) => value === 'as');
    const member = alias < 0 ? part : part.slice(0, alias);
    return set(alias < 0 ? part : part.slice(alias + 1), [make('Dot', '.'), ...member]);
  });
}

/** The parts between commas. */
function split(tokens: readonly PlacedToken[]): PlacedToken[][] {
  const parts: PlacedToken[][] = [[]];
  for (const token of tokens) {
    if (token.type === 'Comma') parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** Rendered text without its marks. */
export function withoutMarks(rendered: string): string {
  return rendered.replace(MARKS, '');
}

/** The source line that each line of rendered text came from, by its marks. */
export function linesOf(rendered: string): number[] {
  let carried = 1;
  return rendered.split('\n').map((line) => {
    const pieces = line.split(MARK);
    // The pieces are text, line, text, line, … text.
    const marks = pieces.flatMap((piece, index) =>
      index % 2 === 1 ? [{ line: Number(piece), holds: (pieces[index + 1] ?? '').trim() !== '' }] : [],
    );
    const own = (pieces[0] ?? '').trim() === '' ? (marks.find(({ holds }) => holds) ?? marks[0]) : undefined;
    const first = own?.line ?? carried;
    carried = marks.at(-1)?.line ?? carried;
    return first;
  });
}
