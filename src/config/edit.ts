import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isScalar, type Pair, parseDocument, stringify, type YAMLMap } from 'yaml';
import { ConfigError, UsageError } from '../errors.ts';
import { parseYaml } from '../yaml.ts';
import { toProblems } from './problems.ts';

/** @throws ConfigError when the text of `file` is not YAML */
export function requireYaml(text: string, file: string): void {
  const { document, mistakes } = parseYaml(text);
  if (document.errors.length === 0) return;
  const findings = mistakes.map((mistake) => ({ path: [], subject: 'YAML', ...mistake }));
  throw new ConfigError(toProblems(findings, file, []));
}

/** Text that replaces a range of another text. */
interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * Sets keys of one source in the text of `warehouse.yaml`; a source that does not exist is added after the others.
 * Pure.
 *
 * Only the lines in question change. Writing the document out again would lose its layout, and attach comments between
 * two sources to the wrong one; that is done only where the lines are too unusual to edit.
 * @param text checked by {@link requireYaml}
 * @throws UsageError where a mapping is expected and something else is there
 */
export function setSourceKeys(text: string, source: string, keys: Readonly<Record<string, string>>): string {
  const wanted = parseDocument(text);
  const sources = mappingAt(wanted, ['sources']);
  if (!sources) wanted.set('sources', wanted.createNode({ [source]: keys }));
  else if (!mappingAt(wanted, ['sources', source])) sources.set(source, wanted.createNode(keys));
  else for (const [key, value] of Object.entries(keys)) wanted.setIn(['sources', source, key], value);
  const edited = applyEdits(text, editsFor(text, source, keys));
  const result = parseDocument(edited);
  const isRight = result.errors.length === 0 && isDeepStrictEqual(result.toJS(), wanted.toJS());
  return isRight ? edited : wanted.toString({ lineWidth: 0 });
}

/** The mapping at a path; undefined where there is nothing. */
function mappingAt(document: Document, path: string[]): YAMLMap | undefined {
  const node = document.getIn(path, true);
  if (isMap(node)) return node;
  if (node === undefined || (isScalar(node) && node.value === null)) return undefined;
  throw new UsageError(`${path.join('.')} is not a mapping`, {
    hint: 'correct it in the configuration first',
  });
}

/** The edits for {@link setSourceKeys}; none where the document is not laid out in the usual way. */
function editsFor(text: string, source: string, keys: Readonly<Record<string, string>>): Edit[] {
  const sources = parseDocument(text).get('sources', true);
  if (!isBlock(sources)) return [];
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const own = sources.get(source, true);
  if (own === undefined) {
    const indent = columnOf(text, sources.items[0]);
    const lines = [`${source}:`, ...Object.entries(keys).map(([key, value]) => `  ${keyLine(key, value)}`)];
    return [insertion(text, endOf(sources), ['', ...lines.map((each) => indent + each)], end)];
  }
  if (!isBlock(own)) return [];
  const edits: Edit[] = [];
  const missing: string[] = [];
  for (const [key, value] of Object.entries(keys)) {
    const there = own.items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.value;
    if (there === undefined) missing.push(columnOf(text, own.items[0]) + keyLine(key, value));
    else if (isScalar(there) && there.range && there.value !== value) {
      const [start, stop] = there.range;
      // A key without a value has none to replace.
      edits.push({ start, end: stop, text: `${start === stop ? ' ' : ''}${scalarText(value)}` });
    }
  }
  const connector = own.items.find((pair) => isScalar(pair.key) && pair.key.value === 'connector');
  const after = isScalar(connector?.value) ? (connector.value.range?.[1] ?? 0) : endOf(own);
  if (missing.length > 0) edits.push(insertion(text, after, missing, end));
  return edits;
}

function isBlock(node: unknown): node is YAMLMap {
  return isMap(node) && !node.flow && node.items.length > 0;
}

/** Where the last value of a mapping ends, before comments that follow it. */
function endOf(map: YAMLMap): number {
  const value = map.items.at(-1)?.value;
  if (isBlock(value)) return endOf(value);
  return (value as { range?: [number, number, number] } | null)?.range?.[1] ?? map.range?.[1] ?? 0;
}

/** The blanks before a key. */
function columnOf(text: string, pair: Pair | undefined): string {
  const start = isScalar(pair?.key) ? (pair.key.range?.[0] ?? 0) : 0;
  return text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
}

/** Inserts lines after the line that contains `position`. */
function insertion(text: string, position: number, lines: string[], end: string): Edit {
  const newline = text.indexOf('\n', position);
  const at = newline === -1 ? text.length : newline + 1;
  const whole = lines.map((each) => each + end).join('');
  return { start: at, end: at, text: newline === -1 ? end + whole : whole };
}

function keyLine(key: string, value: string): string {
  return `${key}: ${scalarText(value)}`;
}

function scalarText(value: string): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

function applyEdits(text: string, edits: Edit[]): string {
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce(
      (result, { start, end, text: piece }) => result.slice(0, start) + piece + result.slice(end),
      text,
    );
}
