import { z } from 'zod';
import { nearest } from '../text.ts';
import { type ConfigFinding, type Path, pathText } from './problems.ts';
import { type Tree, valueAt } from './tree.ts';
import { allowedMessage, NUMBER, problemMessage } from './wording.ts';

export interface CheckOptions {
  /** What the keys belong to, as in "is not a key of …". */
  of: string;
  /** Keys whose values are never shown. */
  secrets?: readonly string[];
}

/**
 * Checks the mapping at `path` of `tree` against its definition.
 *
 * Variables are always text. Where the definition wants a number or boolean, a text from a variable is read as one.
 * Nothing else is ever converted.
 * @returns the data with defaults filled in, or everything that is wrong with it
 */
export function check<T extends z.ZodObject>(
  definition: T,
  tree: Tree,
  path: Path,
  { of, secrets = [] }: CheckOptions,
): { data?: z.output<T>; findings: ConfigFinding[] } {
  const value = valueAt(tree.value, path);
  let result = definition.safeParse(value, { error: allowedMessage });
  if (!result.success) {
    const converted = convertVariables(value, path, result.error.issues, tree);
    if (converted !== undefined) result = definition.safeParse(converted, { error: allowedMessage });
  }
  if (result.success) return { data: result.data, findings: [] };

  const findings: ConfigFinding[] = [];
  const seen = new Set<string>();
  for (const issue of result.error.issues) {
    const below = issue.path as Path;
    const at = [...path, ...below];
    if (issue.code === 'unrecognized_keys') {
      const known = Object.keys(shapeAt(definition, below) ?? {});
      const owner = below.length > 0 && known.length > 0 ? pathText(below) : of;
      for (const key of issue.keys)
        findings.push({
          path: [...at, key],
          line: line(tree, [...at, key]),
          message: unknownKeyMessage(key, owner, known),
        });
      continue;
    }
    // Only the first problem of a value is reported: "" is too short, and does not fit its pattern either.
    if (tree.isStandIn(at) || seen.has(String(below))) continue;
    seen.add(String(below));
    const secret = secrets.includes(String(below[0]));
    const message = problemMessage(issue, valueAt(tree.value, at), tree.mark(at), secret);
    findings.push({ path: at, line: line(tree, at), message });
  }
  return { findings };
}

/** The keys that a definition allows at `path`; undefined where any are allowed. */
function shapeAt(definition: z.ZodObject, path: Path): z.ZodObject['shape'] | undefined {
  let at: unknown = definition;
  for (const part of path) {
    if (at instanceof z.ZodObject) at = at.shape[part];
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else return undefined;
    while (at instanceof z.ZodOptional || at instanceof z.ZodDefault) at = at.unwrap();
  }
  return at instanceof z.ZodObject ? at.shape : undefined;
}

/**
 * The line of a key or, where it is missing, of the mapping that should hold it; undefined when that is the whole file.
 */
function line(tree: Tree, path: Path): number | undefined {
  return (tree.mark(path) ?? (path.length > 1 ? tree.mark(path.slice(0, -1)) : undefined))?.line;
}

function unknownKeyMessage(key: string, of: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  const guess = meant === undefined ? '' : `; did you mean ${meant}?`;
  const choice = known.length === 0 ? '' : ` (allowed: ${known.join(', ')})`;
  return `is not a key of ${of}${guess}${choice}`;
}

/** How YAML spells true and false. */
const TRUE = /^(?:true|True|TRUE)$/;
const FALSE = /^(?:false|False|FALSE)$/;

/**
 * A copy of `value` with texts from variables converted to the types that the definition wants; undefined when nothing
 * was converted.
 */
function convertVariables(
  value: unknown,
  path: Path,
  issues: readonly z.core.$ZodIssue[],
  tree: Tree,
): unknown {
  let copy: unknown;
  for (const issue of issues) {
    if (issue.code !== 'invalid_type') continue;
    const below = issue.path as (string | number)[];
    const text = valueAt(value, below);
    if (typeof text !== 'string' || !tree.mark([...path, ...below])?.variables.length) continue;
    let wanted: number | boolean;
    if (issue.expected === 'boolean' && (TRUE.test(text) || FALSE.test(text))) wanted = TRUE.test(text);
    else if (issue.expected === 'number' && NUMBER.test(text)) wanted = Number(text);
    else continue;
    copy ??= structuredClone(value);
    const holder = valueAt(copy, below.slice(0, -1)) as Record<string | number, unknown>;
    holder[below.at(-1) as string | number] = wanted;
  }
  return copy;
}
