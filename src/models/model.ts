import type { ConfigEntries, ConfigEntry, ModelConfig } from './config.ts';
import { globalsOf, type Hooks, type Settings } from './context.ts';
import type { DataTest } from './data-tests.ts';
import {
  type CallSite,
  type Place,
  parseTemplate,
  type Rendered,
  relationOf,
  renderTemplate,
  type Template,
} from './jinja.ts';
import { ProjectError } from './problems.ts';
import type { ColumnProperties } from './properties.ts';
import type { RuleDecisions } from './rule.ts';

/** The staged rows of a feed, as a model asks for them. */
export interface SourceRef {
  group: string;
  feed: string;
  /** Of the model's own file. */
  line: number;
}

/** What a template is rendered for. */
export interface RenderContext {
  isIncremental: boolean;
  /** SQL that names the table or view of a model, by id. */
  relation(id: string): string;
  /** SQL that names the staged rows of a feed. */
  source(group: string, feed: string): string;
}

/** What a template gives, and what it had to say: `log(…, info=true)`. */
export interface RenderedModel extends Rendered {
  messages: readonly string[];
}

/** A `.sql` file that makes one table or view. */
export interface Model {
  /** `schema.name` */
  id: string;
  schema: string;
  name: string;
  /** As people know it, e.g. `models/marts/agents.sql`. */
  file: string;
  /** The text of the file. */
  template: string;
  /** Made from the schema documents: there is no such file, or it says what they said once. */
  generated: boolean;
  /** From the user's own folder of models: it says what it says, whatever the schema does. */
  own: boolean;
  config: ModelConfig;
  /** What decided the key and the ordering of a dedup model. */
  rule?: RuleDecisions;
  tags: readonly string[];
  enabled: boolean;
  description: string;
  columns: readonly ColumnProperties[];
  tests: readonly DataTest[];
  /** Ids of the models it reads, in the order it names them. */
  refs: readonly string[];
  /** The line on which it names each of them first. */
  refLines: ReadonlyMap<string, number>;
  sources: readonly SourceRef[];
  /** @throws ProjectError with file and line */
  render(context: RenderContext): RenderedModel;
}

/** A file of SQL as it reads on its own, before the models that it names are looked up. */
export interface ParsedSql {
  file: string;
  text: string;
  config: ConfigEntries;
  refs: readonly RefCall[];
  sources: readonly SourceRef[];
  render(context: RenderContext, names: ReadonlyMap<string, string>, self?: Self): RenderedModel;
}

/** The model that a template makes. */
export interface Self {
  id: string;
  schema: string;
  name: string;
}

/** A `ref()` of a file. */
interface RefCall extends Place {
  /** A model's name, or its schema and name. */
  name: readonly string[];
}

/** How a `ref()` is known in a map of names. */
export function refKey(name: readonly string[]): string {
  return name.join('.');
}

/**
 * Reads a file of SQL: parses it, and renders it once to see its configuration and what it reads; once more as an
 * incremental build does, where it makes a difference.
 * @param self undefined for a test, which makes nothing
 * @throws ProjectError with file and line
 */
export function parseSql(
  file: string,
  text: string,
  self: Self | undefined,
  settings: Settings,
  macros: readonly Template[],
): ParsedSql {
  const template = parseTemplate(file, text, 'model');
  const render = (hooks: Omit<Hooks, 'self'>, sql: string | undefined) =>
    renderTemplate(template, globalsOf(settings, { ...hooks, ...selfHook(self, sql) }), macros);

  const config = new Map<string, ConfigEntry>();
  const refs = new Map<string, RefCall>();
  const sources = new Map<string, SourceRef>();
  let asksIncremental = false;
  const noting = (isIncremental: boolean): Omit<Hooks, 'self'> => ({
    config: (keywords, site) => {
      if (isIncremental) return;
      for (const [key, value] of Object.entries(keywords)) config.set(key, { value, ...site.where(key) });
    },
    ref: (name, site) => {
      const key = refKey(name);
      if (!refs.has(key)) refs.set(key, { name, ...placeOf(site, name.at(-1)) });
      return key;
    },
    source: (group, feed, site) => {
      const key = refKey([group, feed]);
      if (!sources.has(key)) sources.set(key, { group, feed, line: placeOf(site, feed).line });
      return key;
    },
    isIncremental: () => {
      asksIncremental = true;
      return isIncremental;
    },
    log: () => undefined,
  });
  const { sql } = render(noting(false), self?.id);
  if (asksIncremental) render(noting(true), self?.id);
  if (isBlank(sql)) throw new ProjectError([{ file, message: 'there is no SQL in this file' }]);

  return {
    file,
    text,
    config,
    refs: [...refs.values()],
    sources: [...sources.values()],
    render: (context, names) => {
      const messages: string[] = [];
      const hooks: Omit<Hooks, 'self'> = {
        config: () => undefined,
        ref: (name) => {
          const id = names.get(refKey(name));
          if (id !== undefined) return context.relation(id);
          throw new Error(
            `this ref() was not seen when the models were read, so ${refKey(name)} may not be there yet: name it where it is always rendered, as in -- {{ ref('${name.join("', '")}') }}`,
          );
        },
        source: (group, feed) => context.source(group, feed),
        isIncremental: () => context.isIncremental,
        log: (message) => messages.push(message),
      };
      const rendered = render(hooks, self && context.relation(self.id));
      return { ...rendered, sql: withoutSemicolon(rendered.sql), messages };
    },
  };
}

function selfHook(self: Self | undefined, sql: string | undefined): Pick<Hooks, 'self'> {
  if (self === undefined || sql === undefined) return {};
  const { schema, name } = self;
  return { self: relationOf(sql, { schema, name, table: name, identifier: name }) };
}

/** The line of the model's own file, also where one of its macros makes the call. */
function placeOf(site: CallSite, word: string | undefined): Place {
  return site.whereInMain(word);
}

function isBlank(sql: string): boolean {
  return sql.replace(/\/\*[\s\S]*?\*\/|--.*$/gm, '').replace(/[\s;]/g, '') === '';
}

/** A model is part of a larger statement, in which the `;` that people end a query with has no place. */
function withoutSemicolon(sql: string): string {
  return sql.replace(/[\s;]+$/, '');
}
