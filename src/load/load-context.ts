import type { Source } from '../config/config.ts';
import type { Catalogue } from '../feeds/catalogue.ts';
import type { Limits } from '../limits.ts';
import type { Reporter } from '../reporter.ts';
import type { Session } from '../warehouse/session.ts';
import type { Landing } from './landing.ts';

export interface LoadOptions {
  /** Only these sources. */
  source?: readonly string[];
  /** Only these feeds, by the names of their folders or as `group.feed`. */
  feed?: readonly string[];
  /** From this day on, instead of the look-back. */
  since?: Date;
  /** Up to and with this day. */
  until?: Date;
  /** Lists the whole history and stages every file again. */
  fullRefresh?: boolean;
  /** Finds out what there is to do, and does nothing. */
  dryRun?: boolean;
}

export interface LoadContext {
  sources: readonly Source[];
  catalogue: Catalogue;
  lookBackDays: number;
  limits: Limits;
  /** The one that writes. */
  session: Session;
  /** Another one, that reads the ledger while a batch is being staged. */
  reader: Session;
  landing: Landing;
  reporter: Reporter;
  clock: () => Date;
  redact: (text: string) => string;
  runId: number;
  signal?: AbortSignal;
}

export interface LoadResult {
  /** Found so far to be loaded. */
  expected: { files: number; bytes: number };
  files: number;
  bytes: number;
  rows: number;
  rejected: number;
  /** Files that could not be staged; they are tried again by the next run. */
  failedFiles: number;
  /** Sources that were looked into. */
  triedSources: string[];
  /** Those of them that could not be read to the end. */
  failedSources: { source: string; error: Error }[];
  /** Feeds that could not be, though their source can; a feed as its table is called. */
  failedFeeds: { source: string; feed: string; error: Error }[];
  /** Feeds of which all that a source holds was listed. */
  listedWhole: { feed_group: string; feed: string; version: string }[];
  /** Feeds that were found, by the names of their folders and as `group.feed`. */
  found: Set<string>;
  /** Whether the ledger says anything new about partitions. */
  changed: boolean;
  /** What a dry run found to load, by feed. */
  planned: {
    source: string;
    group: string;
    feed: string;
    version: string;
    partitions: number;
    files: number;
    bytes: number;
  }[];
}
