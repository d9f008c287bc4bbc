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
  /** A feed or model, `group.name`; for a broken file, its source and path. */
  name: string;
  /** `remark`: nothing is wrong, but it is worth knowing. `skipped`: it could not be checked, and `detail` says why. */
  result: 'holds' | 'broken' | 'remark' | 'skipped';
  detail: string;
}
