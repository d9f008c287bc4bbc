import { Composer, CST, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, Parser } from 'yaml';
import { type Limits, limitText } from '../../limits.ts';
import type { DocumentProblems } from './problems.ts';

/**
 * Reads YAML or JSON text that may be hostile into values that know their line. Pure.
 *
 * Limits keep a document from taking minutes or all memory. They bound its bytes, values, aliases and depth while it is
 * read, and afterwards its size with every alias written out: a few kilobytes of nested aliases ("billion laughs") are
 * read at once and stand for a million tables. What passes is a tree of bounded size, and can be walked without further
 * checks.
 */

const MAX_DEPTH = 100;
/**
 * How many tokens one value may take, with the punctuation, blanks and line ends around it. Bounds what is held in
 * memory while a document is read.
 */
const TOKENS_OF_A_VALUE = 8;
/** What each value counts towards `limits.document_bytes`, besides its characters. */
const VALUE_SIZE = 16;

interface ValueExtent {
  line: number;
  /**
   * Its size with everything in it, aliases written out. Infinite while it is being read, so that a value that contains
   * itself is beyond every limit.
   */
  size: number;
  /** How many values it is made of, aliases written out. */
  nodes: number;
}

export type DocumentValue = ValueExtent &
  (
    | { kind: 'nothing' }
    /** A scalar as written: `1.0` and `2020-11-10` stay text. */
    | { kind: 'text'; text: string }
    | { kind: 'list'; items: DocumentValue[] }
    | { kind: 'map'; entries: MapEntry[] }
  );

interface MapEntry {
  key: string;
  line: number;
  value: DocumentValue;
}

/**
 * Reads the first document in `text`. What is not YAML is reported as a problem, and the rest is read as far as
 * possible.
 * @returns undefined when the text goes beyond a limit: then nothing in it is used
 */
export function readValues(
  text: string,
  problems: DocumentProblems,
  limits: Limits,
): DocumentValue | undefined {
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
    // One mistake causes several errors on its line; the first says the most.
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
  problems: DocumentProblems,
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

function toValue(
  root: Node | null,
  lineOf: (offset: number) => number,
  problems: DocumentProblems,
): DocumentValue {
  const anchors = new Map<string, DocumentValue>();

  function convert(node: Node | null, above: number): DocumentValue {
    const line = node?.range ? lineOf(node.range[0]) : above;
    if (isAlias(node)) {
      const value = anchors.get(node.source);
      if (!value) problems.add(line, 'YAML', `nothing before this line is named &${node.source}`);
      return value ?? nullValue(line);
    }
    const value = withoutContents(node, line);
    // Set before the contents are read, since these may refer to the anchor.
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

/** The value of a node, still without its contents. */
function withoutContents(node: Node | null, line: number): DocumentValue {
  const open = { line, size: Number.POSITIVE_INFINITY, nodes: Number.POSITIVE_INFINITY };
  if (isMap(node)) return { kind: 'map', ...open, entries: [] };
  if (isSeq(node)) return { kind: 'list', ...open, items: [] };
  if (!isScalar(node) || node.value === null) return nullValue(line);
  return { kind: 'text', ...open, text: node.source ?? String(node.value) };
}

function nullValue(line: number): DocumentValue {
  return { kind: 'nothing', line, size: VALUE_SIZE, nodes: 1 };
}

/** Sets the size of a value once its contents are read. */
function measure(value: DocumentValue): void {
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
