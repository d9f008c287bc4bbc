import type { RuleOrigin } from '../feeds/catalogue.ts';
import type { ConfigEntries, ModelConfig } from './config.ts';

/** The rule by which a dedup model keeps one version of each record, and what decided it. Pure. */

/** What the schema documents say of how a feed's records are told apart. */
export interface FeedRule {
  group: string;
  feed: string;
  /** The version that is read. Left out: the first. */
  version?: string;
  /** Columns that the feed has and that identify a record; empty where nobody knows them. */
  key: readonly string[];
  /** Columns that tell a later version from an earlier one, most significant first. */
  orderBy: readonly string[];
  /** What decided those two. Left out: the published schema. */
  keyFrom?: RuleOrigin;
  orderByFrom?: RuleOrigin;
}

/** What decided a part of the rule: a file of the project, or what the schema says of the feed. */
type DecidedBy = RuleOrigin | { from: 'file'; file: string };

export interface RuleDecisions {
  key: DecidedBy;
  orderBy: DecidedBy;
}

const PUBLISHED: RuleOrigin = { from: 'schema' };

/** What decides the rule of a model that follows what the schema says of its feed. */
export function followedDecisions({ keyFrom = PUBLISHED, orderByFrom = PUBLISHED }: FeedRule): RuleDecisions {
  return { key: keyFrom, orderBy: orderByFrom };
}

/**
 * What decides the rule of a model that says it for itself.
 * @param file the model's own
 * @param sources in rising order of precedence, as `readModelConfig` takes them
 */
export function writtenDecisions(file: string, sources: readonly ConfigEntries[]): RuleDecisions {
  const decidedBy = (name: string): DecidedBy => ({
    from: 'file',
    file: sources.findLast((entries) => entries.has(name))?.get(name)?.file ?? file,
  });
  return { key: decidedBy('unique_key'), orderBy: decidedBy('order_by') };
}

/** One half of a rule, for a person. */
interface RuleLine {
  /** As `config()` calls it. */
  name: 'unique_key' | 'order_by';
  columns: readonly string[];
  /** What decided it, in words. */
  from: string;
}

/** The rule of a dedup model; of another model there is none. */
export function ruleLines({ config, rule }: { config: ModelConfig; rule?: RuleDecisions }): RuleLine[] {
  if (config.materialized !== 'dedup' || !rule) return [];
  return [
    { name: 'unique_key', columns: config.unique_key, from: inWords(rule.key) },
    { name: 'order_by', columns: config.order_by, from: inWords(rule.orderBy) },
  ];
}

function inWords(decided: DecidedBy): string {
  switch (decided.from) {
    case 'file':
      return decided.file;
    case 'schema':
      return 'the published schema';
    case 'overrides':
      return `schemas/overrides.yaml: ${decided.reason}`;
    case 'change':
      return `schema change ${decided.change}, applied on ${decided.on.toISOString().slice(0, 10)}`;
  }
}
