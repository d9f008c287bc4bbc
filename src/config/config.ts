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
  /** More misfits than this in one column are for a person to look at. */
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
  /** The mode of files that the loader makes; folders get a matching one. */
  fileMode?: number;
  /** The mode of the first copy for analysts; an existing copy keeps its own. */
  publishMode?: number;
  /** The values of `var()` in models. */
  vars: Record<string, unknown>;
  /** What to do with schema changes. */
  policy?: Policy;
  sources: Source[];
  /** Sources that cannot be opened because a secret is missing. For commands that do not connect to any. */
  unusable?: Source[];
  /** Every secret value that the configuration holds, longest first: what logs must never show. */
  secrets: string[];
  /** The environment variables that these secrets came from. Models cannot read them. */
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
  /**
   * Decides between two sources that deliver the same partition: the higher one is right, then the one that is listed
   * first.
   */
  precedence?: number;
  /** Where the schema document lies, relative to the source's root; left out: wherever one is found. */
  exportDocs?: string;
  /** How old the newest partition of its feeds may be; left out: as the file says. */
  freshness?: FreshnessRule;
  /** How often it is listed whole, in milliseconds; left out: a day. */
  fullListing?: number;
  /** Minutes from one delivery to the next, whatever a feed's cadence; left out: each feed has its own. */
  deliveryMinutes?: number;
  /** Patterns of paths that may break the vendor's conventions without being reported. */
  ignore?: readonly string[];
  /** How its encrypted files are decrypted; left out: not at all. May hold secrets. */
  decrypt?: Decryption;
  /** The connector's own keys, completed. May hold secrets. */
  options: unknown;
  /** Connects. @throws SourceError when that cannot be done */
  open(bounds?: Bounds): Promise<Connector>;
  /** Warnings about a configuration that works; left out: none. */
  warnings?: string[];
  /** The folder on this machine whose files are read in place; left out where there is none. */
  folder?: string;
  /** The server that connections go to; left out where there is none. */
  server?: Server;
  /** Asks the server for its health; left out where it has no such call. */
  health?: () => Promise<Health>;
}

/** How encrypted files are decrypted. */
export type Decryption = { openpgp: OpenpgpKey } | DecryptCommand;

export interface OpenpgpKey {
  /** The file with the private key, armoured or not, absolute. */
  privateKey: string;
  passphrase?: string;
}

/** A program that reads the encrypted file from stdin and writes the plain one to stdout. */
export interface DecryptCommand {
  /** The program and its arguments, run without a shell. */
  command: readonly string[];
  /** The folder it runs in. */
  directory: string;
}

/** The connectors that a configuration may name, by the value of `connector:`. */
// biome-ignore lint/suspicious/noExplicitAny: each connector has its own input and options; only it looks inside
export type Connectors = Readonly<Record<string, ConnectorDefinition<any, any>>>;

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Every source of the file that can be understood, including those whose secrets are missing. */
export function namedSources({ sources, unusable = [] }: Pick<Config, 'sources' | 'unusable'>): Source[] {
  return [...sources, ...unusable];
}
