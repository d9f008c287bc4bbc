/** The kinds of attention items. These words are stable, since scripts, metrics and the page depend on them. */
export type AttentionKind =
  | 'run_failed'
  | 'source_failed'
  | 'feed_failed'
  | 'file_failed'
  | 'document_failed'
  | 'model_failed'
  | 'test_failed'
  | 'stale_table'
  | 'withheld_table'
  | 'unmodelled_feed'
  | 'rejected_rows'
  | 'missing_partitions'
  | 'future_partition'
  | 'late_feed'
  | 'unknown_feed'
  | 'misplaced_files'
  | 'counts_differ'
  | 'counts_unreadable'
  | 'proof_empty'
  | 'key_misfits'
  | 'ordering_misfits'
  | 'misfits'
  | 'schema_change';

/**
 * An attention item: something that a person should look at. `status` lists them, and exit codes are made from them.
 * Items are derived from the ledger (`run/attention/attention.ts`), so each stays until it is mended or acknowledged,
 * and is the same for every command.
 */
export interface Attention {
  kind: AttentionKind;
  /** `failed`: the command that tried it ends with 1. `attention`: with 3. */
  severity: 'failed' | 'attention';
  source?: string;
  /** The name of the feed's table: `messaging.calls__v2`. */
  feed?: string;
  model?: string;
  count?: number;
  /** What happened, and to what. */
  message: string;
  /** What to do about it, as a command where there is one. */
  hint?: string;
}
