import { SECRET_NAME } from '../redact.ts';
import { didYouMean } from '../text.ts';
import { type CallSite, type Globals, relationOf, type Value } from './jinja.ts';

/** What stays the same through one run of the program. */
export interface Settings {
  /** What `var()` gives. */
  vars: Readonly<Record<string, unknown>>;
  /** What `env_var()` gives. */
  env: Readonly<Record<string, string | undefined>>;
  /** Values that `env_var()` does not give: what a model says is kept in the warehouse and in `target/`. */
  secrets: readonly string[];
  /** Names of variables that hold those, wherever else their values may stand. */
  secretVariables?: readonly string[];
  /** `target.name`: the configured environment. */
  targetName: string;
}

/** What the functions of a template do: note what is asked for when a file is read, answer it when it is built. */
export interface Hooks {
  config(keywords: Readonly<Record<string, unknown>>, site: CallSite): void;
  /** @returns SQL that names the staged rows of a feed */
  source(group: string, feed: string, site: CallSite): string;
  /** @param name a model's name, or its schema and name. @returns SQL that names its table or view */
  ref(name: readonly string[], site: CallSite): string;
  isIncremental(): boolean;
  log(message: string): void;
  /** The table or view that the template makes; a test makes none. */
  self?: Value;
}

/** The functions and values that dbt's templates have, as far as they mean anything here. */
export function globalsOf(
  { vars, env, secrets, secretVariables = [], targetName }: Settings,
  hooks: Hooks,
): Globals {
  return {
    config: (args, keywords, site) => {
      const [mapping] = args;
      if (mapping !== undefined && (mapping === null || typeof mapping !== 'object'))
        throw new Error("config() takes keywords, as in config(materialized='table')");
      hooks.config({ ...(mapping as object | undefined), ...keywords }, site);
      return '';
    },
    source: (args, keywords, site) => {
      const [group, feed] = texts(args, keywords);
      if (args.length !== 2 || group === undefined || feed === undefined)
        throw new Error("source() takes a group and a feed, as in source('messaging', 'convos_metrics')");
      return hooks.source(group, feed, site);
    },
    ref: (args, keywords, site) => {
      const name = texts(args, keywords);
      if (name.length !== args.length || (name.length !== 1 && name.length !== 2))
        throw new Error("ref() takes a model's name, or its schema and name");
      return hooks.ref(name, site);
    },
    var: (args, keywords) =>
      lookUp(args, keywords, 'var', (name) => {
        if (Object.hasOwn(vars, name)) return vars[name];
        const guess = didYouMean(name, Object.keys(vars));
        throw new Error(
          `var ${JSON.stringify(name)} is not set${guess}: set it under vars, or write var('${name}', DEFAULT)`,
        );
      }),
    env_var: (args, keywords) =>
      lookUp(args, keywords, 'env_var', (name) => {
        const value = env[name];
        const used = secretVariables.includes(name) || (value !== undefined && secrets.includes(value));
        if (used || SECRET_NAME.test(name))
          throw new SecretError(
            `the environment variable ${name} ${used ? 'is a secret of warehouse.yaml' : 'looks like a secret'}, and what a model ` +
              'says is kept where others read it: use one of another name, or var() and vars: in warehouse.yaml',
          );
        if (value !== undefined) return value;
        throw new Error(
          `the environment variable ${name} is not set: set it, or write env_var('${name}', DEFAULT)`,
        );
      }),
    is_incremental: () => hooks.isIncremental(),
    log: ([message], { info }) => {
      if (info === true) hooks.log(String(message));
      return '';
    },
    exceptions: {
      raise_compiler_error: ([message]) => {
        throw new Error(String(message));
      },
    },
    target: relationOf(targetName, { name: targetName }),
    ...(hooks.self ? { this: hooks.self } : {}),
  };
}

function texts(args: readonly unknown[], keywords: Readonly<Record<string, unknown>>): string[] {
  const [keyword] = Object.keys(keywords);
  if (keyword !== undefined) throw new Error(`there is no argument ${keyword} here`);
  return args.filter((arg): arg is string => typeof arg === 'string' && arg !== '');
}

/** A default does not help: the value is there, and is not given. */
class SecretError extends Error {}

/** A value by name, or the default that the call gives, which may be `none`. */
function lookUp(
  args: readonly unknown[],
  keywords: Readonly<Record<string, unknown>>,
  what: string,
  find: (name: string) => unknown,
): unknown {
  const [name, fallback = keywords.default] = args;
  if (typeof name !== 'string') throw new Error(`${what}() takes a name`);
  try {
    return find(name);
  } catch (error) {
    if (fallback === undefined || error instanceof SecretError) throw error;
    return fallback;
  }
}
