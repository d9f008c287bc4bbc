// Why @huggingface/jinja (0.5.11): it walks a tree over wrapped values, so a template cannot reach JavaScript, has
// Python's truth, tuples and scopes, and is released often; nunjucks 3.2.4 (2023) compiles to `new Function`, from which
// `''.constructor.constructor('…')()` runs anything, takes `[]` for true, prints `('a', 'b')` as `b`, and has no
// `namespace()`, `map` or `{% do %}`; minijinja-js 2.11 sorts dicts, and a throwing `ref()` breaks its engine for good.

import type { Value } from './jinja/engine.ts';
import { Scope } from './jinja/engine.ts';
import { type Place, Returned, StrictInterpreter } from './jinja/interpreter.ts';
import { HIDDEN, linesOf, withoutMarks } from './jinja/rewrite.ts';
import type { Template } from './jinja/template.ts';
import { box, functionOf, isFunction, mappingOf, splitArguments, unbox } from './jinja/values.ts';

export type { Place } from './jinja/interpreter.ts';
export { parseTemplate, type Template } from './jinja/template.ts';
export { relationOf } from './jinja/values.ts';
export type { Value };

/** What a function may ask about where it was called. */
export interface CallSite {
  /** Where the call stands, in the template or in the file of macros; a word in the call finds its line. */
  where(word?: string): Place;
  /** Where in the template the call stands, or the macro that makes it was called. */
  whereInMain(word?: string): Place;
}

/** A function that templates call, on plain data. What it throws becomes a problem with the line of the call. */
type JinjaFunction = (
  args: readonly unknown[],
  keywords: Readonly<Record<string, unknown>>,
  site: CallSite,
) => unknown;

/** What a template can name: functions, values, and mappings of functions such as `exceptions`. */
export type Globals = Readonly<
  Record<string, JinjaFunction | Value | Readonly<Record<string, JinjaFunction>>>
>;

export interface Rendered {
  sql: string;
  /** The line of the model's file (both 1-based) that a line of `sql` came from, as near as can be said. */
  sourceLine(renderedLine: number): number;
}

const CONSTANTS: Readonly<Record<string, unknown>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

/** More than any model needs, and less than would fill the memory. */
const LONGEST_RANGE = 1_000_000;

/** Names that a macro cannot have, beside those of the globals. */
export const RESERVED_NAMES: readonly string[] = [...Object.keys(CONSTANTS), 'range', 'return', 'namespace'];

/**
 * Renders a template.
 * @param macros every file of macros; of two macros with one name the later file's counts
 * @throws ProjectError that names the file and line: of the macro, where the problem is in one
 */
export function renderTemplate(template: Template, globals: Globals, macros: readonly Template[]): Rendered {
  const scope = new Scope();
  const interpreter = new StrictInterpreter(scope, template, macros);
  for (const [name, value] of Object.entries(CONSTANTS)) scope.set(name, value);
  scope.setVariable('range', callable(range, interpreter));
  scope.setVariable('return', returning());
  for (const [name, value] of Object.entries(globals)) scope.setVariable(name, wrap(value, interpreter));
  declareMacros(scope, interpreter, macros);
  const rendered = interpreter.run(template, new Scope(scope));
  return {
    sql: withoutMarks(rendered),
    sourceLine: (line) => {
      const lines = linesOf(rendered);
      return lines[Math.min(Math.max(line, 1), lines.length) - 1] ?? 1;
    },
  };
}

function wrap(value: Globals[string], site: CallSite): Value {
  if (typeof value === 'function') return callable(value, site);
  if ('builtins' in value) return value as Value;
  return mappingOf(Object.entries(value).map(([name, member]) => [name, callable(member, site)]));
}

function callable(call: JinjaFunction, site: CallSite): Value {
  return functionOf((args) => {
    const { positional, keywords } = splitArguments(args);
    const named = Object.fromEntries([...keywords].map(([name, value]) => [name, unbox(value)]));
    const result = call(positional.map(unbox), named, site);
    return result !== null && typeof result === 'object' && 'builtins' in result
      ? (result as Value)
      : box(result ?? null);
  });
}

function range(args: readonly unknown[]): number[] {
  const [first = 0, second, step = 1] = args as number[];
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!Number.isSafeInteger(length)) throw new Error('range() takes whole numbers, and a step that is not 0');
  if (length > LONGEST_RANGE)
    throw new Error(`range() gives at most ${LONGEST_RANGE} numbers, not ${length}`);
  return Array.from({ length }, (_, index) => start + index * step);
}

function returning(): Value {
  return functionOf(([value]) => {
    throw new Returned(value ?? box(null));
  });
}

/** As in dbt, every macro can be called from everywhere by its name alone; `{% import %}` works as well. */
function declareMacros(scope: Scope, interpreter: StrictInterpreter, macros: readonly Template[]): void {
  const files = new Map<string, Value>();
  for (const template of macros) {
    const own = new Scope(scope);
    interpreter.declare(template, own);
    const declared = template.macros.flatMap(({ name }): [string, Value][] => {
      const macro = own.variables.get(name);
      return macro && isFunction(macro) ? [[name, confined(macro, own)]] : [];
    });
    for (const [name, macro] of declared) scope.setVariable(name, macro);
    files.set(template.file, mappingOf(declared));
  }
  scope.setVariable(
    HIDDEN.macros,
    functionOf(([path]) => {
      const wanted = String(path?.value);
      const file = [...files.keys()].find((known) => known === wanted || known.endsWith(`/${wanted}`));
      if (file === undefined) throw new Error(`there is no file of macros called ${JSON.stringify(wanted)}`);
      return files.get(file) as Value;
    }),
  );
}

/** A macro that sees the names of its own file, and not those of whoever calls it, save the block of a `{% call %}`. */
function confined(macro: Value & { value: (args: Value[], scope: Scope) => Value }, own: Scope): Value {
  return functionOf((args, caller) => {
    const scope = new Scope(own);
    const block = caller.lookupVariable('caller');
    if (isFunction(block)) scope.setVariable('caller', block);
    return macro.value(args, scope);
  });
}
