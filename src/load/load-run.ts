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

/** What one load has for itself, beside what every command has open. */
export interface LoadRun {
  /** In `ops.runs`. */
  runId: number;
  options: LoadOptions;
  /** Where files lie between their arrival and their staging. */
  landing: Landing;
}

/** What was done, of one source or of all of them. */
interface Loaded {
  /** Files that were staged, and their bytes as delivered. */
  files: number;
  bytes: number;
  rows: number;
  rejected: number;
  /** Files that could not be staged; they are tried again by the next run. */
  failedFiles: number;
  /** Feeds that could not be read, though their source can; a feed as its table is called. */
  failedFeeds: { source: string; feed: string; error: Error }[];
  /** Feeds of which all that a source holds was listed. */
  listedWhole: { feed_group: string; feed: string; version: string }[];
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

/** What was done of one source. */
export interface SourceResult extends Loaded {
  source: string;
  /** Found to be loaded. */
  expected: { files: number; bytes: number };
  /** Feeds that were found, by the names of their folders and as `group.feed`. */
  found: string[];
  /** What ended it before its end. */
  error?: Error;
}

export interface LoadResult extends Loaded {
  /** Sources that were looked into. */
  triedSources: string[];
  /** Those of them that could not be read to the end. */
  failedSources: { source: string; error: Error }[];
}
