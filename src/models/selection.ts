import { UsageError } from '../errors.ts';
import { didYouMean } from '../text.ts';
import { ancestors, descendants, type Graph } from './graph.ts';

/** What a selection can be about: a model, or a test. */
export interface Selectable {
  id: string;
  schema: string;
  name: string;
  /** As people know it, e.g. `models/marts/agents.sql`. */
  file: string;
  tags: readonly string[];
  config: Readonly<Record<string, unknown>>;
  sources: readonly { group: string; feed: string }[];
}

export interface SelectionContext {
  models: Iterable<Selectable>;
  graph: Graph;
  /** For `state:modified`: ids whose definition is not that of their last build; undefined where there was none. */
  modified?: ReadonlySet<string>;
  /** For `result:error`: ids of models and tests that failed when they were built or run last. */
  failed?: ReadonlySet<string>;
}

/** A part of a selection: a method and its value, with the operators around it. */
interface Term {
  text: string;
  /** `@`: what it is needed for, and all that those need. */
  whole: boolean;
  up: number;
  down: number;
  method: string;
  value: string;
}

/**
 * What `--select` and `--exclude` mean, as in dbt: names, `schema.name`, folders and patterns of them, `+m`, `m+`,
 * `2+m+1`, `@m`, `tag:`, `path:`, `source:`, `config.KEY:`, `state:modified`, `result:error`; a space is or, a comma is
 * and. `source:messaging` are the models that read that group themselves. Pure.
 * @param select empty for everything
 * @returns ids in the order in which they are built
 * @throws UsageError for a term that matches nothing, with the nearest that would
 */
export function selectModels(
  select: readonly string[],
  exclude: readonly string[],
  context: SelectionContext,
): string[] {
  const models = [...context.models];
  const chosen = select.length > 0 ? union(select, models, context) : new Set(models.map(({ id }) => id));
  for (const id of union(exclude, models, context)) chosen.delete(id);
  return context.graph.order.filter((id) => chosen.has(id));
}

function union(
  terms: readonly string[],
  models: readonly Selectable[],
  context: SelectionContext,
): Set<string> {
  const parts = terms.flatMap((text) => text.split(/\s+/)).filter((part) => part !== '');
  return new Set(parts.flatMap((part) => [...intersection(part, models, context)]));
}

function intersection(text: string, models: readonly Selectable[], context: SelectionContext): Set<string> {
  const terms = text.split(',').map(parseTerm);
  const [first, ...others] = terms.map((term) => expand(term, models, context));
  const both = new Set([...(first as Set<string>)].filter((id) => others.every((set) => set.has(id))));
  if (both.size === 0 && !terms.some(({ method }) => VOLATILE.has(method)))
    throw new UsageError(`the selection ${text} matches nothing: no model is all of it at once`, {
      hint: HINT,
    });
  return both;
}

const HINT = 'asapp-warehouse ls shows the names that there are';

/** What was modified or failed changes from run to run: that there is nothing of it is no mistake. */
const VOLATILE: ReadonlySet<string> = new Set(['state', 'result']);

/** Whether a selection means something else after each build, so that it is to be known what came of the last ones. */
export function asksOfBuilds(terms: readonly string[]): boolean {
  return terms.some((text) => [...VOLATILE].some((method) => text.includes(`${method}:`)));
}

const TERM = /^(@)?(?:(\d*)\+)?(?:([a-z_]+(?:\.[\w.]+)?):)?([^+]+)(?:\+(\d*))?$/;

function parseTerm(text: string): Term {
  const match = TERM.exec(text);
  if (!match) throw new UsageError(`${JSON.stringify(text)} is not a selection`, { hint: HINT });
  const [, whole, up, method, value = '', down] = match;
  const steps = (count: string | undefined) =>
    count === undefined ? 0 : count === '' ? Number.POSITIVE_INFINITY : Number(count);
  return {
    text,
    whole: whole !== undefined,
    up: steps(up),
    down: steps(down),
    method: method ?? (/\/|\.sql$/.test(value) ? 'path' : 'name'),
    value,
  };
}

function expand(term: Term, models: readonly Selectable[], context: SelectionContext): Set<string> {
  const { graph } = context;
  const start = matching(term, models, context);
  const all = new Set(start);
  const add = (ids: Iterable<string>) => {
    for (const id of ids) all.add(id);
  };
  for (const id of start) {
    add(ancestors(graph, id, term.up));
    add(descendants(graph, id, term.whole ? Number.POSITIVE_INFINITY : term.down));
  }
  if (term.whole) for (const id of [...all]) add(ancestors(graph, id));
  return all;
}

/** Ids that a term names by itself. @throws UsageError where there are none, and there should be */
function matching(term: Term, models: readonly Selectable[], context: SelectionContext): string[] {
  const { method, value, text } = term;
  if (method === 'state') return volatile(term, 'modified', context.modified, models);
  if (method === 'result') return volatile(term, 'error', context.failed, models);
  const names = namesBy(method);
  if (!names) {
    const known = [...Object.keys(NAMES), 'config.KEY', ...VOLATILE];
    throw new UsageError(
      `there is no selection by ${JSON.stringify(method)}${didYouMean(method, known)}: there are ${known.join(', ')}`,
      { hint: HINT },
    );
  }
  const pattern = glob(method === 'path' ? value.replace(/^\.\/|\/$/g, '') : value);
  const found = models.filter((model) => names(model).some((name) => pattern.test(name)));
  if (found.length === 0) {
    const guess = didYouMean(value, new Set(models.flatMap(names)));
    throw new UsageError(`the selection ${text} matches nothing${guess}`, { hint: HINT });
  }
  return found.map(({ id }) => id);
}

/** By method, everything that a model is called. */
const NAMES: Readonly<Record<string, (model: Selectable) => string[]>> = {
  name: ({ id, name, file }) => [name, id, ...folders(file).map((folder) => folder.replaceAll('/', '.'))],
  tag: ({ tags }) => [...tags],
  path: ({ file }) => [
    file,
    file.split('/')[0] as string,
    ...folders(file).map((at) => `${file.split('/')[0]}/${at}`),
  ],
  source: ({ sources }) => sources.flatMap(({ group, feed }) => [group, `${group}.${feed}`]),
};

/** The folders around a file, below the folder of models: `marts`, `marts/daily`. */
function folders(file: string): string[] {
  const parts = file.split('/').slice(1, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function namesBy(method: string): ((model: Selectable) => string[]) | undefined {
  const key = /^config\.(.+)$/.exec(method)?.[1];
  if (key !== undefined) return (model) => configOf(model, key);
  return Object.hasOwn(NAMES, method) ? NAMES[method] : undefined;
}

function configOf({ config }: Selectable, key: string): string[] {
  const value = config[key];
  return (Array.isArray(value) ? value : [value]).filter((item) => item !== undefined).map(String);
}

function volatile(
  { method, value, text }: Term,
  allowed: string,
  ids: ReadonlySet<string> | undefined,
  models: readonly Selectable[],
): string[] {
  if (value !== allowed)
    throw new UsageError(`there is no selection ${text}: there is ${method}:${allowed}`, { hint: HINT });
  if (!ids)
    throw new UsageError(`${text} needs an earlier build, and there is none`, {
      hint: 'build once without it',
    });
  return models.map(({ id }) => id).filter((id) => ids.has(id));
}

/** A pattern of a shell: `*`, `?` and `[abc]`. */
function glob(pattern: string): RegExp {
  const source = pattern.replace(/\[[^\]]+\]|[\s\S]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[.+^${}()|[\]\\]/, '\\$&');
  });
  try {
    return new RegExp(`^(?:${source})$`);
  } catch {
    throw new UsageError(
      `${JSON.stringify(pattern)} is not a pattern: the range in [ ] is the wrong way round`,
    );
  }
}
