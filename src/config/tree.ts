import { isAlias, isMap, isScalar, isSeq, type ParsedNode } from 'yaml';
import { parseYaml } from '../yaml.ts';
import type { Environment } from './config.ts';
import { interpolate } from './interpolate.ts';
import { type ConfigFinding, type Path, pathId } from './problems.ts';

/** Where a value was written, and how. */
export interface Mark {
  /** 1-based: the line of its key, or of the list item. */
  line: number;
  /** A number as the file spells it. */
  source?: string;
  /** The environment variables that it was made from. */
  variables: readonly string[];
}

/** A configuration file as plain values, with a record of where each was written. */
export interface Tree {
  /** Undefined when the file holds nothing, or is not YAML. */
  value: unknown;
  findings: ConfigFinding[];
  mark(path: Path): Mark | undefined;
  /**
   * Whether a problem of the value at `path` was already reported. The value is then a stand-in, and nothing more
   * should be said about it.
   */
  isStandIn(path: Path): boolean;
}

/**
 * Reads YAML text. Variables are replaced after parsing, so that their values are data and can neither add keys nor
 * break the file. Pure.
 * @param whereToSet where an unset variable could be set, besides the environment
 */
export function readTree(text: string, env: Environment, whereToSet: string): Tree {
  const { document, mistakes, lineAt } = parseYaml(text, { uniqueKeys: false });
  const marks = new Map<string, Mark>();
  const standIns = new Set<string>();
  const findings: ConfigFinding[] = mistakes.map((mistake) => ({ path: [], subject: 'YAML', ...mistake }));
  const lineOf = (node: ParsedNode) => lineAt(node.range[0]);

  /** Reports a problem of the value at `path`, and returns the stand-in for it. */
  function refuse(path: Path, line: number, message: string): null {
    findings.push({ path, line, message });
    standIns.add(pathId(path));
    return null;
  }

  function plain(node: ParsedNode | null, path: Path, line: number): unknown {
    if (node === null) return mark(path, { line, variables: [] }, null);
    if (isAlias(node)) return refuse(path, line, 'aliases (*name) are not supported: write the value out');
    if (isMap(node)) return mark(path, { line, variables: [] }, mapping(node.items, path));
    if (isSeq(node)) {
      const items = node.items as ParsedNode[];
      const values = items.map((item, index) => plain(item, [...path, index], lineOf(item)));
      return mark(path, { line, variables: [] }, values);
    }
    return scalar(node.value, node.source, path, line);
  }

  function mapping(pairs: readonly { key: ParsedNode; value: ParsedNode | null }[], path: Path): unknown {
    const entries = new Map<string, unknown>();
    const first = new Map<string, number>();
    for (const { key, value } of pairs) {
      const line = lineOf(key);
      if (!isScalar(key) || typeof key.value !== 'string') {
        findings.push({ path, line, message: 'a key must be text: put it in quotes' });
        continue;
      }
      const name = key.value;
      const at = [...path, name];
      if (name === '<<')
        findings.push({ path: at, line, message: 'merge keys are not supported: write the keys out' });
      else if (name === '__proto__') findings.push({ path: at, line, message: 'no key can be called this' });
      else if (first.has(name))
        findings.push({ path: at, line, message: `is written twice; first on line ${first.get(name)}` });
      else {
        first.set(name, line);
        entries.set(name, plain(value, at, line));
      }
    }
    return Object.fromEntries(entries);
  }

  function scalar(value: unknown, source: string | undefined, path: Path, line: number): unknown {
    if (typeof value === 'string') {
      const { text: replaced, variables, problems } = interpolate(value, env, whereToSet);
      for (const message of problems) refuse(path, line, message);
      return mark(path, { line, variables }, replaced);
    }
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
      return refuse(path, line, `${source} has too many digits for a number: put it in quotes`);
    return mark(path, { line, source, variables: [] }, value);
  }

  function mark<T>(path: Path, where: Mark, value: T): T {
    marks.set(pathId(path), where);
    return value;
  }

  const broken = findings.length > 0 || document.contents === null;
  const value = broken ? undefined : plain(document.contents, [], 1);
  return {
    value,
    findings,
    mark: (path) => marks.get(pathId(path)),
    isStandIn: (path) => path.some((_, index) => standIns.has(pathId(path.slice(0, index + 1)))),
  };
}

/** The value at `path`; undefined when there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
