import type { Value } from './engine.ts';
import {
  box,
  functionOf,
  isFunction,
  isList,
  isMapping,
  isText,
  kindOf,
  listOf,
  splitArguments,
} from './values.ts';

/** What people use of Python's lists, dicts and texts in dbt, and the library lacks or does without their arguments. */

type Method<Held> = (held: Held, args: Value[], keywords: Map<string, Value>) => Value;

const NONE = box(null);

const LIST: Record<string, Method<Value[]>> = {
  append: (list, [item]) => {
    list.push(given(item, 'append', 'the item to add'));
    return NONE;
  },
  extend: (list, [items]) => {
    list.push(...itemsOf(given(items, 'extend', 'a list')));
    return NONE;
  },
  insert: (list, [at, item]) => {
    list.splice(number(at, 'insert'), 0, given(item, 'insert', 'the item to insert'));
    return NONE;
  },
  pop: (list, [at]) => given(list.splice(at === undefined ? -1 : number(at, 'pop'), 1)[0], 'pop', 'an item'),
  remove: (list, [item]) => {
    list.splice(position(list, item), 1);
    return NONE;
  },
  index: (list, [item]) => box(position(list, item)),
  count: (list, [item]) => box(list.filter(({ value }) => value === item?.value).length),
};

const MAPPING: Record<string, Method<Map<string, Value>>> = {
  update: (mapping, [other], keywords) => {
    if (other && !isMapping(other)) throw new Error(`update() takes a mapping, not ${kindOf(other)}`);
    for (const [key, value] of [...(other?.value ?? []), ...keywords]) mapping.set(key, value);
    return NONE;
  },
  setdefault: (mapping, [key, value]) => {
    const name = text(key, 'setdefault');
    if (!mapping.has(name)) mapping.set(name, value ?? NONE);
    return mapping.get(name) as Value;
  },
  pop: (mapping, [key, fallback]) => {
    const name = text(key, 'pop');
    const value = given(mapping.get(name) ?? fallback, 'pop', `the key ${JSON.stringify(name)}`);
    mapping.delete(name);
    return value;
  },
};

const TEXT: Record<string, Method<string>> = {
  join: (separator, [items]) =>
    box(
      itemsOf(given(items, 'join', 'a list'))
        .map((item) => text(item, 'join'))
        .join(separator),
    ),
  // The library's own take no notice of which characters to strip.
  strip: (held, [characters]) => box(stripEnd(stripStart(held, characters), characters)),
  lstrip: (held, [characters]) => box(stripStart(held, characters)),
  rstrip: (held, [characters]) => box(stripEnd(held, characters)),
};

/** The method of `value` called `name`; undefined where the library has to know. */
export function methodOf(value: Value, name: string): Value | undefined {
  if (isList(value)) return bound(LIST, value.value, name);
  if (isMapping(value)) return value.value.has(name) ? undefined : bound(MAPPING, value.value, name);
  if (isText(value)) return bound(TEXT, value.value, name);
  return undefined;
}

function bound<Held>(methods: Record<string, Method<Held>>, held: Held, name: string): Value | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return (
    method &&
    functionOf((args) => {
      const { positional, keywords } = splitArguments(args);
      return method(held, positional, keywords);
    })
  );
}

function given(value: Value | undefined, method: string, what: string): Value {
  if (value === undefined) throw new Error(`${method}() needs ${what}`);
  return value;
}

function number(value: Value | undefined, method: string): number {
  if (typeof value?.value !== 'number') throw new Error(`${method}() needs a number`);
  return value.value;
}

function text(value: Value | undefined, method: string): string {
  if (value === undefined || !isText(value))
    throw new Error(`${method}() needs text${value ? `, not ${kindOf(value)}` : ''}`);
  return value.value;
}

function position(list: readonly Value[], item: Value | undefined): number {
  const at = list.findIndex(({ value }) => value === item?.value);
  if (at < 0) throw new Error(`the list does not hold ${JSON.stringify(item?.value)}`);
  return at;
}

function stripStart(held: string, characters: Value | undefined): string {
  if (characters === undefined) return held.trimStart();
  const set = text(characters, 'strip');
  let start = 0;
  while (start < held.length && set.includes(held.charAt(start))) start++;
  return held.slice(start);
}

function stripEnd(held: string, characters: Value | undefined): string {
  if (characters === undefined) return held.trimEnd();
  const set = text(characters, 'strip');
  let end = held.length;
  while (end > 0 && set.includes(held.charAt(end - 1))) end--;
  return held.slice(0, end);
}

/** What iterating over a value gives: a mapping's keys, a text's characters. */
function itemsOf(value: Value): Value[] {
  if (isList(value)) return value.value;
  if (isMapping(value)) return [...value.value.keys()].map(box);
  if (isText(value)) return [...value.value].map(box);
  throw new Error(`${kindOf(value)} is not a list`);
}

/** What a filter may ask of the template it runs in. */
interface FilterContext {
  args: Value[];
  filter(name: string, value: Value): Value;
  test(name: string, value: Value): boolean;
  truth(value: Value): boolean;
}

type Filter = (value: Value, context: FilterContext) => Value;

/** Filters of Jinja that the library lacks. */
export const FILTERS: Record<string, Filter> = {
  list: (value) => listOf([...itemsOf(value)]),
  map: (value, { args, filter }) => listOf(itemsOf(value).map((item) => filter(text(args[0], 'map'), item))),
  select: (value, context) => listOf(itemsOf(value).filter((item) => chosen(item, context))),
  reject: (value, context) => listOf(itemsOf(value).filter((item) => !chosen(item, context))),
  min: (value) => extreme(value, 'min', (a, b) => a < b),
  max: (value) => extreme(value, 'max', (a, b) => a > b),
  sum: (value) => box(itemsOf(value).reduce((total, item) => total + number(item, 'sum'), 0)),
  round: (value, { args }) => {
    const scale = 10 ** (args[0] === undefined ? 0 : number(args[0], 'round'));
    return box(Math.round(number(value, 'round') * scale) / scale);
  },
};

function chosen(item: Value, { args, test, truth }: FilterContext): boolean {
  return args[0] === undefined ? truth(item) : test(text(args[0], 'select'), item);
}

function extreme(value: Value, name: string, better: (a: never, b: never) => boolean): Value {
  const items = itemsOf(value);
  if (items.some(isFunction)) throw new Error(`${name} takes values, not macros`);
  return given(
    items.reduce<Value | undefined>(
      (best, item) => (best === undefined || better(item.value as never, best.value as never) ? item : best),
      undefined,
    ),
    name,
    'a list that is not empty',
  );
}
