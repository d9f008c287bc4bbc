import { basename, dirname, join } from 'node:path';
import type { Problem } from '../errors.ts';
import { absolutePath } from '../files.ts';
import { readLimits } from '../limits.ts';
import { check } from './check.ts';
import type { Config, Connectors, Environment } from './config.ts';
import { rootKeys } from './definition.ts';
import { fileFindings } from './duckdb-files.ts';
import { freshnessBlock } from './freshness.ts';
import { maxMisfits } from './misfits.ts';
import { policyFindings } from './policy.ts';
import { type ConfigFinding, toProblems } from './problems.ts';
import { parseSource, type SourceSurroundings, secretVariables } from './source.ts';
import { isMapping, readTree, type Tree, valueAt } from './tree.ts';
import { shown } from './wording.ts';

/** What the text of a configuration is read with. */
export interface ParseContext {
  /** The file as people named it, for messages. */
  file: string;
  /** The same, absolute. */
  absoluteFile: string;
  /** The home folder, for `~/`. */
  home: string;
  env: Environment;
  connectors: Connectors;
  /** Groups that a source delivers if it has their name. */
  knownGroups: readonly string[];
}

/**
 * Parses the text of `warehouse.yaml` into a configuration. Pure.
 * @returns the configuration, or every problem with it in the order of its lines; `usable` is the configuration without
 *   its wrong sources, where nothing but sources is wrong
 */
export function parseConfig(
  text: string,
  context: ParseContext,
): { config: Config } | { problems: Problem[]; usable?: Config } {
  const tree = readTree(text, context.env, `.env beside ${basename(context.file)}`);
  if (!isMapping(tree.value)) return { problems: toProblems(noMapping(tree), context.file, []) };

  const directory = dirname(context.absoluteFile);
  const { data, findings } = check(rootKeys, tree, [], { of: basename(context.file) });
  const surroundings: SourceSurroundings = {
    ...context,
    directory,
    company: textOrStandIn(tree, 'company'),
    environment: textOrStandIn(tree, 'environment'),
    fullListing: data?.full_listing,
  };
  const named = isMapping(tree.value.sources) ? Object.keys(tree.value.sources) : [];
  const parsed = named.map((name) => parseSource(tree, name, surroundings));
  const secrets = [...new Set(parsed.flatMap((source) => source.secrets))];
  secrets.sort((a, b) => b.length - a.length);
  const sources = parsed.flatMap(({ source }) => source ?? []);

  const absolute = (path: string) => absolutePath(path, directory, context.home);
  const groups = [...context.knownGroups, ...sources.map(({ group }) => group)];
  const wrong = [
    ...tree.findings,
    ...findings,
    ...parsed.flatMap((source) => source.findings),
    ...fileFindings(tree, absolute, groups),
    ...policyFindings(tree, named),
  ];
  const problems = toProblems(wrong, context.file, secrets);
  if (data === undefined) return { problems };
  const warehouse = absolute(data.warehouse);
  const config: Config = {
    file: context.absoluteFile,
    directory,
    company: data.company,
    environment: data.environment,
    warehouse,
    publish: absolute(data.publish),
    landing: data.landing === undefined ? join(dirname(warehouse), 'landing') : absolute(data.landing),
    lookBackDays: data.look_back_days,
    freshness: freshnessBlock(data.freshness),
    maxRejectedRows: data.max_rejected_rows,
    maxMisfits: maxMisfits(data.max_misfits),
    memoryLimit: data.memory_limit,
    threads: data.threads,
    limits: readLimits(data.limits),
    models: data.models === undefined ? undefined : absolute(data.models),
    allowFiles: (data.allow_files ?? []).map(absolute),
    fileMode: Number.parseInt(data.file_mode, 8),
    publishMode: Number.parseInt(data.publish_mode, 8),
    vars: data.vars,
    policy: data.policy,
    sources,
    secrets,
    secretVariables: [...new Set(named.flatMap((name) => secretVariables(tree, name, context.connectors)))],
  };
  if (wrong.length === 0) return { config };
  const isOfSource = ({ path: [top, source] }: ConfigFinding) => top === 'sources' && source !== undefined;
  if (!wrong.every(isOfSource)) return { problems };
  const names = new Set(wrong.map(({ path: [, source] }) => source));
  const [unusable, usable] = [true, false].map((wrong) =>
    sources.filter(({ name }) => names.has(name) === wrong),
  );
  return { problems, usable: { ...config, sources: usable ?? [], unusable } };
}

/** What is wrong with a file that does not hold a mapping. */
function noMapping({ value, findings, mark }: Tree): ConfigFinding[] {
  if (findings.length > 0) return findings;
  if (value === undefined)
    return [{ path: [], message: 'is empty: `asapp-warehouse init` writes a starter' }];
  return [
    { path: [], message: `must be a mapping of keys to values, but is ${shown(value, mark([]), false)}` },
  ];
}

/** The text at a key of the file. A wrong value gives a stand-in, so that sources do not also report it as missing. */
function textOrStandIn(tree: Tree, key: string): string | undefined {
  const value = valueAt(tree.value, [key]);
  if (value === undefined) return undefined;
  return typeof value === 'string' && value !== '' && !tree.isStandIn([key]) ? value : 'unknown';
}
