import type { Bounds, Connector, ConnectorDefinition, Health, Server } from '../connectors/connector.ts';
import type { FreshnessRule } from '../feeds/freshness.ts';
import type { Policy } from '../feeds/policy.ts';
import type { Limits } from '../limits.ts';
import type { Freshness } from './freshness.ts';
import type { MaxMisfits } from './misfits.ts';

/** What `warehouse.yaml` says, complete: defaults filled in, variables replaced, paths absolute. */
export interface Config {
  /** The configuration file, absolute. */
  file: string;
  /** The folder it lies in; relative paths in it start there. */
  directory: string;
  company?: string;
  environment?: string;
  /** The loader's own DuckDB file, absolute. */
  warehouse: string;
  /** The DuckDB file that analysts open, absolute. */
  publish: string;
  /** The folder that fetched files are kept in until they are staged, absolute. */
  landing: string;
  /** How many days before the newest loaded partition of each feed a listing begins. */
  lookBackDays: number;
  /** How old the newest partition of a feed may be. */
  freshness: Freshness;
  /** More unresolved rejected rows than this in a run make its exit code 3. */
  maxRejectedRows: number;
  /** More values than this that do not fit their column are for a person to look at. */
  maxMisfits: MaxMisfits;
  /** DuckDB's memory limit, as DuckDB takes it: `1GB`. */
  memoryLimit?: string;
  /** How many threads DuckDB uses. */
  threads?: number;
  /** What keeps odd input from taking all memory, disk or time. */
  limits: Limits;
  /** The user's own folder of models, absolute. */
  models?: string;
  /** Folders and files that models may read, absolute. */
  allowFiles?: string[];
  /** Who may do what with the files that the loader makes; its folders follow. */
  fileMode?: number;
  /** The same of the first copy for analysts; one that is there keeps its own. */
  publishMode?: number;
  /** What `var()` gives in models. */
  vars: Record<string, unknown>;
  /** What is done with changes of the schema. */
  policy?: Policy;
  sources: Source[];
  /** Sources that are known and cannot be opened, since a secret is not there: for commands that touch none. */
  unusable?: Source[];
  /** Every secret value that the configuration holds, longest first: what logs must never show. */
  secrets: string[];
  /** The environment variables that those were made of: no model is given one. */
  secretVariables?: string[];
}

/** One configured place that feeds come from. */
export interface Source {
  name: string;
  /** The family of feeds that it delivers: names the schemas that their tables live in. */
  group: string;
  /** The connector's name. */
  connector: string;
  /** The feeds to load; left out: every feed found. */
  feeds?: string[];
  /** Which source is right where two deliver one partition: the higher one, then the one that is listed first. */
  precedence?: number;
  /** Where the schema document lies, relative to the source's root; left out: wherever one is found. */
  exportDocs?: string;
  /** How old the newest partition of its feeds may be; left out: as the file says. */
  freshness?: FreshnessRule;
  /** How often it is listed whole, in milliseconds; left out: a day. */
  fullListing?: number;
  /** Minutes from one delivery to the next, whatever a feed's cadence; left out: each feed has its own. */
  deliveryMinutes?: number;
  /** Patterns of paths that may break the vendor's conventions without anybody being told. */
  ignore?: readonly string[];
  /** How its encrypted files are decrypted; left out: not at all. May hold secrets. */
  decrypt?: Decryption;
  /** The connector's own keys, completed. May hold secrets. */
  options: unknown;
  /** Connects. @throws SourceError when that cannot be done */
  open(bounds?: Bounds): Promise<Connector>;
  /** What a person should know of its configuration though it works; left out: nothing. */
  warnings?: string[];
  /** The folder on this machine whose files are read in place; left out where there is none. */
  folder?: string;
  /** The server that connections go to; left out where there is none. */
  server?: Server;
  /** Asks the place how it is; left out where it cannot be asked. */
  health?: () => Promise<Health>;
}

/** What makes plain files of encrypted ones. */
export type Decryption = { openpgp: OpenpgpKey } | DecryptCommand;

export interface OpenpgpKey {
  /** The file with the private key, armoured or not, absolute. */
  privateKey: string;
  passphrase?: string;
}

/** A program that reads what is encrypted from stdin and writes what is plain to stdout. */
export interface DecryptCommand {
  /** The program and its arguments; no shell looks at them. */
  command: readonly string[];
  /** The folder it runs in. */
  directory: string;
}

/** The connectors that a configuration may name, by the value of `connector:`. */
// biome-ignore lint/suspicious/noExplicitAny: each connector has its own input and options; only it looks inside
export type Connectors = Readonly<Record<string, ConnectorDefinition<any, any>>>;

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Every source of the file that can be understood, also one whose secrets are not there. */
export function namedSources({ sources, unusable = [] }: Pick<Config, 'sources' | 'unusable'>): Source[] {
  return [...sources, ...unusable];
}
