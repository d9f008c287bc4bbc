import type { z } from 'zod';
import { absolutePath } from '../files.ts';
import { SECRET_NAME } from '../redact.ts';
import { nearest } from '../text.ts';
import { check } from './check.ts';
import type { Connectors, Decryption, Environment, Source } from './config.ts';
import { sourceKeys } from './definition.ts';
import { milliseconds } from './duration.ts';
import { freshnessRule } from './freshness.ts';
import type { ConfigFinding, Path } from './problems.ts';
import { isMapping, type Tree, valueAt } from './tree.ts';
import { shown } from './wording.ts';

/** What a source takes from the rest of the configuration. */
export interface SourceSurroundings {
  connectors: Connectors;
  knownGroups: readonly string[];
  company?: string;
  environment?: string;
  directory: string;
  /** The file's own `full_listing`; undefined where the file is wrong. */
  fullListing?: string;
  /** The home folder, for `~/`. */
  home: string;
  env: Environment;
}

export interface ParsedSource {
  /** Left out when anything is wrong with it. */
  source?: Source;
  findings: ConfigFinding[];
  /** The values of its secret keys. */
  secrets: string[];
}

/** Parses the source `name` of a configuration. Pure. */
export function parseSource(tree: Tree, name: string, surroundings: SourceSurroundings): ParsedSource {
  const path = ['sources', name];
  const line = tree.mark(path)?.line;
  const value = valueAt(tree.value, path);
  if (tree.isStandIn(path)) return { findings: [], secrets: [] };
  if (!isMapping(value)) {
    const actual = shown(value, tree.mark(path), false);
    return {
      findings: [{ path, line, message: `must be a mapping that begins with connector:, but is ${actual}` }],
      secrets: [],
    };
  }

  const { connectors } = surroundings;
  const connector = valueAt(value, ['connector']);
  const definition =
    typeof connector === 'string' && Object.hasOwn(connectors, connector) ? connectors[connector] : undefined;
  if (definition === undefined) return { findings: connectorFindings(tree, name, connectors), secrets: [] };

  const secretKeys = definition.secrets as readonly string[];
  const secrets = [...secretKeys.map((key) => [key]), PASSPHRASE].flatMap((key) => {
    const secret = valueAt(value, key);
    return typeof secret === 'string' && secret !== '' && !tree.isStandIn([...path, ...key]) ? [secret] : [];
  });
  // Also the values that the decrypting program gets from variables whose names suggest secrets.
  secrets.push(
    ...secretVariables(tree, name, connectors).flatMap((variable) => surroundings.env[variable] || []),
  );
  const { data, findings } = check(sourceKeys(definition), tree, path, {
    of: `the ${definition.name} connector`,
    secrets: [...secretKeys, 'decrypt'],
  });
  if (data === undefined) return { findings, secrets };

  const { connector: _, group, feeds, export_docs: exportDocs, precedence, ...rest } = data;
  const { decrypt, freshness, full_listing, ignore, ...input } = rest;
  const { company, environment, directory } = surroundings;
  const { health } = definition;
  const options = definition.resolve(input, { name, company, environment, directory });
  if (hasProblems(options))
    return {
      findings: options.problems
        .map(({ key, message }) => ({ path: [...path, ...key.split('.')], message }))
        .filter((finding) => !tree.isStandIn(finding.path))
        .map((finding) => ({ ...finding, line: tree.mark(finding.path)?.line ?? line })),
      secrets,
    };
  return {
    source: {
      name,
      group: group ?? (surroundings.knownGroups.includes(name) ? name : definition.defaultGroup),
      connector: definition.name,
      feeds,
      exportDocs,
      precedence,
      freshness: freshnessRule(freshness),
      fullListing: milliseconds(full_listing ?? definition.fullListing ?? surroundings.fullListing ?? '1d'),
      deliveryMinutes: definition.deliveryMinutes,
      ignore,
      decrypt: decrypt && decryption(decrypt, surroundings),
      options,
      open: (bounds) => definition.open(options, bounds),
      warnings: definition.warnings?.(options) ?? [],
      folder: definition.folder?.(options),
      server: definition.server?.(options),
      health: health && (() => health(options)),
    },
    findings: [],
    secrets,
  };
}

/** The environment variables that a source's secrets come from. Pure. */
export function secretVariables(tree: Tree, name: string, connectors: Connectors): string[] {
  const path = ['sources', name];
  const source = valueAt(tree.value, path);
  const connector = valueAt(source, ['connector']);
  const keys =
    typeof connector === 'string' && Object.hasOwn(connectors, connector)
      ? connectors[connector]?.secrets
      : [];
  const command = valueAt(source, COMMAND);
  const arguments_ = Array.isArray(command) ? command.map((_, index) => [...COMMAND, index]) : [];
  const direct = [...(keys as readonly string[]).map((key) => [key]), PASSPHRASE];
  const variables = (key: Path) => tree.mark([...path, ...key])?.variables ?? [];
  return [
    ...direct.flatMap(variables),
    ...arguments_.flatMap(variables).filter((variable) => SECRET_NAME.test(variable)),
  ];
}

/** Where a source of any connector may hold a secret. */
const PASSPHRASE = ['decrypt', 'openpgp', 'passphrase'];

const COMMAND = ['decrypt', 'command'];

function decryption(
  { openpgp, command = [] }: NonNullable<z.output<ReturnType<typeof sourceKeys>>['decrypt']>,
  { directory, home }: SourceSurroundings,
): Decryption {
  if (openpgp === undefined) return { command, directory };
  const { private_key, passphrase } = openpgp;
  return { openpgp: { privateKey: absolutePath(private_key, directory, home), passphrase } };
}

/** What is wrong with a `connector:` that is no connector. */
function connectorFindings(tree: Tree, name: string, connectors: Connectors): ConfigFinding[] {
  const path = ['sources', name, 'connector'];
  if (tree.isStandIn(path)) return [];
  const value = valueAt(tree.value, path);
  const meant = typeof value === 'string' ? nearest(value, Object.keys(connectors)) : undefined;
  const keys = Object.keys(valueAt(tree.value, path.slice(0, -1)) as object);
  const misspelt = value === undefined ? nearest('connector', keys) : undefined;
  const guess =
    meant !== undefined ? `; did you mean ${meant}?` : misspelt ? `; is ${misspelt} meant to be it?` : '';
  return [
    {
      path,
      line: (tree.mark(path) ?? tree.mark(path.slice(0, -1)))?.line,
      message: `must be one of ${Object.keys(connectors).join(', ')}, but is ${shown(value, tree.mark(path), false)}${guess}`,
    },
  ];
}

function hasProblems(options: unknown): options is { problems: { key: string; message: string }[] } {
  return (
    typeof options === 'object' &&
    options !== null &&
    Array.isArray((options as { problems?: unknown }).problems)
  );
}
