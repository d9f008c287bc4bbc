import { Scope, type Value } from './engine.ts';

/** Between JavaScript values and those of a template. */

const scratch = new Scope();

/** Wraps plain data (what JSON can hold), or a function of plain data. */
export function box(value: unknown): Value {
  scratch.variables.delete('value');
  return scratch.set('value', value);
}

// The library does not export these classes; an example of each has its constructor.
const FunctionValue = box(() => null).constructor as new (call: Callable) => Value;
const ListValue = box([]).constructor as new (items: Value[]) => Value;
const MappingValue = box({}).constructor as new (entries: Map<string, Value>) => Value;

/** A function as the library calls it: keyword arguments come last, as one value of type `KeywordArgumentsValue`. */
export type Callable = (args: Value[], scope: Scope) => Value;

export function functionOf(call: Callable): Value {
  return new FunctionValue(call);
}

export function listOf(items: Value[]): Value {
  return new ListValue(items);
}

export function mappingOf(entries: Iterable<readonly [string, Value]>): Value {
  return new MappingValue(new Map(entries));
}

/** The name of a relation as SQL, which also has parts to ask for, as `this.schema`. */
export function relationOf(sql: string, parts: Readonly<Record<string, string>>): Value {
  const value = box(sql);
  for (const [name, part] of Object.entries(parts)) value.builtins.set(name, box(part));
  return value;
}

export function isUndefined(value: Value): boolean {
  return value.type === 'UndefinedValue';
}

export function isList(value: Value): value is Value & { value: Value[] } {
  return value.type === 'ArrayValue';
}

export function isMapping(value: Value): value is Value & { value: Map<string, Value> } {
  return value.type === 'ObjectValue' || value.type === 'KeywordArgumentsValue';
}

export function isText(value: Value): value is Value & { value: string } {
  return value.type === 'StringValue';
}

export function isFunction(value: Value): value is Value & { value: Callable } {
  return value.type === 'FunctionValue';
}

/** Plain data again. A function has no such form: it gives undefined. */
export function unbox(value: Value): unknown {
  if (isFunction(value)) return undefined;
  // The library's `none` holds undefined.
  if (value.type === 'NullValue') return null;
  if (value.value instanceof Map)
    return Object.fromEntries([...value.value].map(([key, item]) => [key, unbox(item)]));
  if (Array.isArray(value.value)) return value.value.map(unbox);
  return value.value;
}

/** The positional and the keyword arguments of a call. */
export function splitArguments(args: readonly Value[]): {
  positional: Value[];
  keywords: Map<string, Value>;
} {
  const last = args.at(-1);
  if (last?.type === 'KeywordArgumentsValue')
    return { positional: args.slice(0, -1), keywords: last.value as Map<string, Value> };
  return { positional: [...args], keywords: new Map() };
}

/** What a person would call a value: `text`, `a list`. */
export function kindOf(value: Value): string {
  const kinds: Record<string, string> = {
    StringValue: 'text',
    IntegerValue: 'a number',
    FloatValue: 'a number',
    BooleanValue: 'true or false',
    NullValue: 'none',
    UndefinedValue: 'nothing',
    ArrayValue: 'a list',
    ObjectValue: 'a mapping',
    FunctionValue: 'a macro or function',
    NamespaceValue: 'a namespace',
  };
  return kinds[value.type] ?? value.type;
}
