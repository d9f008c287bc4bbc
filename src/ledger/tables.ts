/**
 * The ledger as kysely sees it: the tables of the schema `ops`, which record every run, partition, file, rejected row
 * and schema change. `migrations.ts` makes them; `test/ledger/schema.golden.txt` shows what comes out.
 */
export interface LedgerTables {
  'ops.runs': Run;
  'ops.feeds': Feed;
  'ops.partitions': Partition;
  'ops.files': File;
  'ops.file_failures': FileFailure;
  'ops.failures': Failure;
  'ops.misfits': Misfit;
  'ops.listings': Listing;
  'ops.rejected_rows': RejectedRow;
  'ops.column_misfits': ColumnMisfits;
  'ops.undeclared_fields': UndeclaredField;
  'ops.unnumbered': Unnumbered;
  'ops.schema_changes': SchemaChange;
  'ops.columns': FollowedColumn;
  'ops.documents': StoredDocument;
  'ops.document_files': DocumentFile;
  'ops.followed_documents': FollowedDocument;
  'ops.model_runs': ModelRun;
  'ops.models': BuiltModel;
  'ops.published': PublishedCopy;
  'ops.published_tables': PublishedTable;
  'ops.unmodelled_feeds': UnmodelledFeed;
  'ops.test_results': TestResult;
  'ops.sources': SourceOrder;
  'ops.proofs': Proof;
  'ops.model_columns': ModelColumn;
}

/** One call of a command that changes the warehouse. */
export interface Run {
  run_id: number;
  command: string;
  started_at: Date;
  finished_at: Date | null;
  /** `killed`: it did not record how it ended, and the next run marked it. */
  status: 'running' | 'done' | 'attention' | 'failed' | 'killed';
  exit_code: number | null;
  rows_staged: number;
  rows_rejected: number;
  message: string | null;
  /** Where its time went; NULL for runs of an older program, and for one that did not record how it ended. */
  listing_seconds: number | null;
  fetching_seconds: number | null;
  staging_seconds: number | null;
  building_seconds: number | null;
  testing_seconds: number | null;
  publishing_seconds: number | null;
}

/** A feed that was seen, and what the schema documents say of it. */
export interface Feed {
  feed_group: string;
  feed: string;
  version: string;
  description: string;
  unique_condition: string[];
  order_by: string[];
  cadence_minutes: number | null;
  first_seen_at: Date;
  /** NULL for a feed that no document lists, or before a schema document was followed; so is what comes after. */
  state?: FeedState | null;
  origin?: 'bundled' | 'vendor' | null;
  /** Whether the feed's deduped table is made from this version. */
  modelled?: boolean | null;
  /** Days as `YYYY-MM-DD`. */
  active_on?: string | null;
  modified_on?: string | null;
  deprecated_on?: string | null;
  expected_end_on?: string | null;
  actual_end_on?: string | null;
  /** The day since which no document lists it. */
  gone_on?: string | null;
  replacement?: string | null;
}

export type FeedState = 'active' | 'deprecated' | 'ending' | 'ended' | 'gone';

/** A documented column: what is published, without changes that are held. */
export interface FollowedColumn {
  feed_group: string;
  feed: string;
  version: string;
  column_name: string;
  /** From 1. */
  position: number;
  /** What it is staged as. */
  type: string;
  /** As the document spells it; `''` when it does not say. */
  published_type: string;
  description: string;
  /** What the document says of personal data, and what that comes to. */
  pii: string;
  personal_data: boolean;
  /** Days as `YYYY-MM-DD`. */
  created_on: string | null;
  updated_on: string | null;
  removed_on: string | null;
  /** How its times are written, where a person said so. */
  format?: string | null;
}

/** One version of a schema document of a group. */
export interface StoredDocument {
  document_id: number;
  feed_group: string;
  /** `file`: given by hand. */
  origin: 'bundled' | 'source' | 'file';
  sha256: string;
  bytes: number;
  /** `held`: it waits for a person, and nothing in it is applied yet. */
  state: 'accepted' | 'held' | 'rejected';
  /** Why it is held. */
  reason: string | null;
  feeds: number;
  columns: number;
  problems: string[];
  first_seen_at: Date;
  /** Its text, compressed with gzip. */
  content: Uint8Array;
}

/** A place where a version of a document was found. */
export interface DocumentFile {
  document_id: number;
  source: string;
  path: string;
  etag: string;
  /** The time in its path. */
  document_ts: Date | null;
  seen_at: Date;
}

/** Which document a group follows. */
interface FollowedDocument {
  feed_group: string;
  /** NULL while no document of the vendor's has come. */
  document_id: number | null;
  fingerprint: string;
  followed_at: Date;
}

/**
 * `unsealed`: seen without `_SUCCESS`. `sealed`: complete, not all of it staged yet. `reopened`: loaded once, its files
 * have changed since. `missing`: a later one came, this did not.
 */
export type PartitionState = 'expected' | 'unsealed' | 'sealed' | 'loaded' | 'reopened' | 'missing' | 'empty';

export interface Partition {
  source: string;
  feed_group: string;
  feed: string;
  version: string;
  partition_ts: Date;
  /** Its folder, relative to the source's root; NULL while it is missing. */
  path: string | null;
  state: PartitionState;
  files: number;
  rows: number;
  /** When `_SUCCESS` was first seen. */
  sealed_at: Date | null;
  loaded_at: Date | null;
  /** When a person acknowledged that it is missing or in the future. */
  acknowledged_at?: Date | null;
  /** Since when files that were staged are no longer listed, though others of the partition are. */
  files_gone_at?: Date | null;
}

/** When everything that a source holds of a feed was last listed, not only its look-back. */
interface Listing {
  source: string;
  feed: string;
  /** NULL for a feed that the configuration names and that does not exist. */
  version: string | null;
  listed_at: Date;
}

export interface File {
  file_id: number;
  source: string;
  feed_group: string;
  feed: string;
  version: string;
  partition_ts: Date;
  path: string;
  bytes: number;
  etag: string;
  sha256: string;
  /** Lines that are not blank, counted apart from DuckDB. */
  lines: number;
  rows_staged: number;
  rows_rejected: number;
  run_id: number;
  loaded_at: Date;
  /** The file that took its place when its partition was exported again; its rows are gone from staging. */
  superseded_by: number | null;
}

/** A file that could not be staged as a whole. Tried again by each run until it can, or changes. */
export interface FileFailure {
  source: string;
  path: string;
  etag: string;
  bytes: number;
  message: string;
  attempts: number;
  first_failed_at: Date;
  last_failed_at: Date;
  resolved_at: Date | null;
  /**
   * A fingerprint of the keys or program that it could not be read with, see `load/back-off.ts`; NULL when each run
   * should try again. Left out: NULL.
   */
  fingerprint?: string | null;
}

/** A source, feed, model or test that failed as a whole: a standing failure until it is tried again and succeeds. */
export interface Failure {
  /** `document`: the schema document of a source. */
  kind: 'source' | 'feed' | 'document' | 'model' | 'test';
  /** The name of the source or test, or the table of the feed or model: `messaging.calls__v2`. */
  name: string;
  /** The source of a feed. */
  source: string | null;
  message: string;
  hint: string | null;
  /** Of a test: it keeps what it tests from being published. */
  blocks: boolean;
  /** The run that tried last. */
  run_id: number;
  attempts: number;
  first_failed_at: Date;
  last_failed_at: Date;
  resolved_at: Date | null;
}

/** A path that does not follow the vendor's conventions. */
export interface Misfit {
  source: string;
  path: string;
  reason: string;
  first_seen_at: Date;
  /** When a person acknowledged it. */
  acknowledged_at?: Date | null;
}

interface RejectedRow {
  file_id: number;
  line: number;
  /** The line, byte for byte, without its newline. */
  raw: Uint8Array;
  reason: string;
  detail: string;
  rejected_at: Date;
  resolved_at: Date | null;
  resolution: string | null;
}

/** Values of one file that do not fit their column: it is NULL in those rows, and the value is in `_rescued`. */
export interface ColumnMisfits {
  feed_group: string;
  feed: string;
  version: string;
  column_name: string;
  file_id: number;
  /** Rows of the file. */
  misfits: number;
}

/** A field that came in the data and that the staging table has no column for. */
export interface UndeclaredField {
  feed_group: string;
  feed: string;
  version: string;
  field: string;
  first_seen_at: Date;
}

/** Files whose rows are staged and whose `_line` is not filled yet, see `numbering.ts`. */
interface Unnumbered {
  schema_name: string;
  table_name: string;
  first_file_id: number;
  last_file_id: number;
}

export interface SchemaChange {
  change_id: number;
  detected_at: Date;
  source: string;
  feed: string;
  column_name: string | null;
  kind: string;
  severity: 'info' | 'warning' | 'attention';
  before: string | null;
  after: string | null;
  /** `withdrawn`: it was held, and the documents no longer ask for it. */
  decision: 'applied' | 'held' | 'rejected' | 'ignored' | 'withdrawn';
  applied_at: Date | null;
  /**
   * NULL where no document asked for the change but the values of a file: a key that did not fit its column. So are the
   * following.
   */
  feed_group?: string | null;
  version?: string | null;
  document_id?: number | null;
  /** The run that found it. */
  run_id?: number | null;
  /** When it was decided. Until then a change of severity `attention` is for a person to look at. */
  decided_at?: Date | null;
  rows_rewritten?: number | null;
  /** How to undo it, as JSON: `schema/apply/undo.ts`. */
  undo?: string | null;
  /** `data`: values of a key did not fit its type. NULL for what an older program found. */
  found_in?: 'document' | 'data' | null;
}

export interface ModelRun {
  run_id: number;
  model: string;
  materialized: string;
  started_at: Date;
  finished_at: Date;
  status: 'built' | 'unchanged' | 'skipped' | 'failed';
  rows_in: number | null;
  rows_kept: number | null;
  rows_superseded: number | null;
  message: string | null;
}

/** What a model was last built from. */
export interface BuiltModel {
  model: string;
  /** Its normalized SQL, its configuration and the columns that it read. */
  definition: string;
  /** A hash of its rendered file: while it is equal, the definition need not be compared. */
  text: string;
  /** How far the feeds and models it reads had come. */
  inputs: string;
  /** The newest file whose rows it has seen. */
  watermark: number;
  run_id: number;
  built_at: Date;
  /** The run that last built it from all of its rows; NULL where an older program built it. So are the following. */
  rebuilt_in: number | null;
  rows: number | null;
  /** The newest partition among its feeds, read directly or through other models. */
  data_up_to: Date | null;
  /** Those feeds, as `group.feed`. */
  sources: string[] | null;
  /** When it was withdrawn: it is no longer published, and its rows are kept. */
  withdrawn_at: Date | null;
}

/** The copy for analysts as this program left it. */
interface PublishedCopy {
  /** Absolute. */
  path: string;
  fingerprint: string;
  /** The run that made it, and how long that took. */
  run_id?: number | null;
  seconds?: number | null;
}

/** What the copy for analysts holds of a model. */
export interface PublishedTable {
  schema_name: string;
  table_name: string;
  /** How it is made: `dedup`, `table`, `incremental` or `view`; NULL where that is not known any more. */
  kind: string | null;
  /** The run that built what the copy holds; NULL, with the fields below, where it holds nothing of the model. */
  run_id: number | null;
  rebuilt_in: number | null;
  built_at: Date | null;
  rows: number | null;
  data_up_to: Date | null;
  sources: string[] | null;
  /** Whether it is older than it should be, or missing. */
  stale: boolean;
  /** What failed, why that matters to this table, and what to type. */
  cause: string | null;
  why: string | null;
  hint: string | null;
}

/** A feed whose rows are staged, and that no model makes a table of. */
interface UnmodelledFeed {
  feed_group: string;
  feed: string;
  since: Date;
}

/** How a test ended in one run. */
export interface TestResult {
  run_id: number;
  test: string;
  /** NULL for a query that is not about one model. */
  model: string | null;
  column_name: string | null;
  severity: 'error' | 'warn';
  /** `error`: it could not be run. `skipped`: what it is about is not there yet. */
  status: 'pass' | 'warn' | 'fail' | 'error' | 'skipped';
  failures: number;
  message: string | null;
  started_at: Date;
  finished_at: Date;
}

/** The place of a source in the order of sources; of all that are configured or ever delivered something. */
export interface SourceOrder {
  source: string;
  /** From 1: of two files of one partition and name, that of the first source is the later version. */
  place: number;
  configured: boolean;
}

/** How many rows a view had that proves something, see `proofs.ts`. */
interface Proof {
  proof: string;
  rows: number;
  last_seen_at: Date;
}

/** A column of a feed that a model has in its key or its ordering. */
export interface ModelColumn {
  model: string;
  feed_group: string;
  /** The feed's table. */
  feed: string;
  column_name: string;
  used_as: 'key' | 'order';
}
