/** What one check found about one feed, file or model. */
export interface Finding {
  check:
    | 'conservation'
    | 'incremental'
    | 'determinism'
    | 'ties'
    | 'null keys'
    | 'misfits'
    | 'orphans'
    | 'gaps'
    | 'proofs'
    | 'published';
  /** A feed or model, `group.name`; for a file that something is wrong with, its source and path. */
  name: string;
  /**
   * `remark`: nothing is wrong, and it is worth knowing. `skipped`: it cannot be said, and `detail` says why.
   */
  result: 'holds' | 'broken' | 'remark' | 'skipped';
  detail: string;
}
