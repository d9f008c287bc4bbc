import { Composer, CST, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, Parser } from 'yaml';
import { type Limits, limitText } from '../../limits.ts';
import type { Problems } from './problems.ts';

/**
 * Text that may be hostile, YAML or JSON, as values that know their line. Pure.
 *
 * Limits keep a document from taking minutes or all memory: its bytes, its values and its aliases, counted as they are
 * read, its depth, and its size with every alias written out ("billion laughs"): a few kilobytes that are read in no time
 * can ask for a million tables. What passes can be walked without a thought: it is a tree, and no larger than its size says.
 */

const MAX_DEPTH = 100;
/** Tokens that a value may take, with the marks, blanks and line ends around it: what is held while it is read. */
const TOKENS_OF_A_VALUE = 8;
/** What a value counts beside its characters, towards `limits.document_bytes`. */
const VALUE_SIZE = 16;

interface Place {
  line: number;
  /** With all it holds, aliases written out. Infinite while it is being read: it cannot hold itself. */
  size: number;
  /** How many values it is, with all it holds, aliases written out. */
  nodes: number;
}

export type Value = Place &
  (
    | { kind: 'nothing' }
    /** A scalar as it was written: `1.0` and `2020-11-10` stay so. */
    | { kind: 'text'; text: string }
    | { kind: 'list'; items: Value[] }
    | { kind: 'map'; entries: Entry[] }
  );

interface Entry {
  key: string;
  line: number;
  value: Value;
}

/**
 * Reads the first document of `text`. What is not YAML is a problem; the rest is read as far as it makes sense.
 * @returns undefined when the text goes beyond a limit: nothing of it counts then
 */
export function readValues(text: string, problems: Problems, limits: Limits): Value | undefined {
  if (Buffer.byteLength(text) > limits.document_bytes) {
    problems.refuse(1, `is larger than ${limitText(limits, 'document_bytes')}`);
    return undefined;
  }
  const lines = new LineCounter();
  const tokens = tokenize(text, lines, problems, limits);
  if (tokens === undefined) return undefined;
  // The rules are fixed here so that no `%YAML 1.1` line turns `no` into false.
  const composer = new Composer({ schema: 'core', merge: false, uniqueKeys: false, prettyErrors: false });
  const [document, second] = composer.compose(tokens, true, text.length);
  const lineOf = (offset: number) => Math.max(1, lines.linePos(offset).line);

  const reported = new Set<number>();
  for (const error of document?.errors ?? []) {
    const line = lineOf(error.pos[0]);
    // One slip makes several errors, of which the first tells the most.
    if (!reported.has(line)) problems.add(line, 'YAML', error.message);
    reported.add(line);
  }
  if (second)
    problems.add(lineOf(second.range[0]), 'YAML', 'a second document begins; only the first counts');
  const value = toValue(document?.contents ?? null, lineOf, problems);
  const beyond = (['document_bytes', 'document_nodes'] as const).find(
    (name) => value[name === 'document_bytes' ? 'size' : 'nodes'] > limits[name],
  );
  if (beyond === undefined) return value;
  const limit = limitText(limits, beyond);
  problems.refuse(1, `grows beyond ${limit}, or without end, with its aliases (*name) written out`);
  return undefined;
}

/** Undefined when there are too many, or they are nested too deep. */
function tokenize(
  text: string,
  lines: LineCounter,
  problems: Problems,
  limits: Limits,
): CST.Token[] | undefined {
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  let count = 0;
  let aliases = 0;
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    count += 1;
    if (CST.tokenType(lexeme) === 'alias') aliases += 1;
    const limit =
      parser.stack.length > MAX_DEPTH
        ? `is nested deeper than ${MAX_DEPTH} levels`
        : count > limits.document_nodes * TOKENS_OF_A_VALUE
          ? `holds more values than ${limitText(limits, 'document_nodes')}`
          : aliases > limits.document_aliases
            ? `holds more aliases than ${limitText(limits, 'document_aliases')}`
            : undefined;
    if (limit !== undefined) {
      problems.refuse(lines.linePos(parser.offset).line, limit);
      return undefined;
    }
  }
  tokens.push(...parser.end());
  return tokens;
}

function toValue(root: Node | null, lineOf: (offset: number) => number, problems: Problems): Value {
  const anchors = new Map<string, Value>();

  function convert(node: Node | null, above: number): Value {
    const line = node?.range ? lineOf(node.range[0]) : above;
    if (isAlias(node)) {
      const value = anchors.get(node.source);
      if (!value) problems.add(line, 'YAML', `nothing before this line is named &${node.source}`);
      return value ?? nothing(line);
    }
    const value = empty(node, line);
    // Before what it holds, which may refer to it.
    if (node?.anchor) anchors.set(node.anchor, value);
    if (isSeq(node) && value.kind === 'list') {
      for (const item of node.items as Node[]) value.items.push(convert(item, line));
    }
    if (isMap(node) && value.kind === 'map') {
      for (const pair of node.items as { key: Node; value: Node | null }[]) {
        const key = convert(pair.key, line);
        if (key.kind === 'text') {
          value.entries.push({ key: key.text, line: key.line, value: convert(pair.value, key.line) });
        } else problems.add(key.line, 'YAML', 'a key that is not text');
      }
    }
    measure(value);
    return value;
  }

  return convert(root, 1);
}

/** What a node is, without what it holds. */
function empty(node: Node | null, line: number): Value {
  const open = { line, size: Number.POSITIVE_INFINITY, nodes: Number.POSITIVE_INFINITY };
  if (isMap(node)) return { kind: 'map', ...open, entries: [] };
  if (isSeq(node)) return { kind: 'list', ...open, items: [] };
  if (!isScalar(node) || node.value === null) return nothing(line);
  return { kind: 'text', ...open, text: node.source ?? String(node.value) };
}

function nothing(line: number): Value {
  return { kind: 'nothing', line, size: VALUE_SIZE, nodes: 1 };
}

/** Notes how large a value is, once all that it holds is known. */
function measure(value: Value): void {
  let size = VALUE_SIZE;
  let nodes = 1;
  if (value.kind === 'text') size += value.text.length;
  if (value.kind === 'list')
    for (const item of value.items) {
      size += item.size;
      nodes += item.nodes;
    }
  if (value.kind === 'map')
    for (const { key, value: held } of value.entries) {
      size += key.length + held.size;
      nodes += 1 + held.nodes;
    }
  value.size = size;
  value.nodes = nodes;
}
