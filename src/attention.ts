/** What kinds of things a person is asked to look at. The words are stable: scripts, metrics and the page go by them. */
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
 * Something that a person should look at: one item of what `status` lists, and what exit codes are made from. It follows
 * from the ledger (`run/attention/attention.ts`), so that it stays until it is mended or acknowledged, and is the same for each
 * command.
 */
export interface Attention {
  kind: AttentionKind;
  /** `failed`: the command that tried it ends with 1. `attention`: with 3. */
  severity: 'failed' | 'attention';
  source?: string;
  /** As its table is called: `messaging.calls__v2`. */
  feed?: string;
  model?: string;
  count?: number;
  /** What happened, and to what. */
  message: string;
  /** What to do about it, as a command where there is one. */
  hint?: string;
}
