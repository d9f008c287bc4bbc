import {
  type Change,
  type ChangeKind,
  changeIdentity,
  KIND_RULES,
  type Severity,
} from '../../feeds/changes.ts';
import { feedId } from '../../feeds/followed.ts';
import { actionOf, type Policy, ruleFor } from '../../feeds/policy.ts';
import type { SchemaChange } from '../../ledger/tables.ts';

/** A change and the decision about it. */
export interface Decided {
  change: Change;
  decision: 'applied' | 'held' | 'ignored' | 'rejected';
  severity: Severity;
  /** The row of `ops.schema_changes` where it is already recorded. */
  known: SchemaChange | undefined;
}

export interface DecideOptions {
  policy: Policy;
  /** The source whose document the changes were found in. */
  source: string;
  /** Earlier changes of this group, with what was decided. */
  earlier: readonly SchemaChange[];
  /** Held changes that a person accepts now. */
  accept: ReadonlySet<number>;
  /** Held changes that a person rejects now. */
  reject: ReadonlySet<number>;
  /**
   * Changes that would leave a table without rows. They are held until rows have come, even where the policy says to
   * apply them.
   */
  emptying: ReadonlySet<Change>;
}

/**
 * Decides about each change. Pure. Changes inside a feed or column that is itself not applied are left out: they are
 * found again once it is.
 */
export function decide(changes: readonly Change[], options: DecideOptions): Decided[] {
  const earlier = new Map<string, SchemaChange>();
  for (const row of options.earlier) {
    if (row.decision !== 'applied' && row.decision !== 'withdrawn') earlier.set(rowIdentity(row), row);
  }
  const decided = changes.map((change): Decided => {
    const known = earlier.get(changeIdentity(change));
    const decision = decisionOn(change, known, options);
    return { change, decision, severity: severityOf(change, decision, options), known };
  });
  const left = new Set(
    decided
      .filter(({ change, decision }) => PARENTS.includes(change.kind) && decision !== 'applied')
      .map(({ change }) => placeOf(change)),
  );
  return decided.filter(({ change }) => {
    if (PARENTS.includes(change.kind)) return true;
    return !left.has(placeOf({ ...change, column: undefined })) && !left.has(placeOf(change));
  });
}

/** Changes that others of the same feed or column depend on. */
const PARENTS: readonly ChangeKind[] = ['feed_added', 'column_added'];

function placeOf({ feed, version, column }: Pick<Change, 'feed' | 'version' | 'column'>): string {
  return JSON.stringify([feedId({ name: feed, version }), column?.toLowerCase() ?? null]);
}

function decisionOn(
  change: Change,
  known: SchemaChange | undefined,
  { policy, source, accept, reject, emptying }: DecideOptions,
): Decided['decision'] {
  if (known !== undefined && accept.has(known.change_id)) return 'applied';
  if (known?.decision === 'rejected' || (known !== undefined && reject.has(known.change_id)))
    return 'rejected';
  const place = { source, change };
  const action =
    ruleFor(policy, place) ??
    (change.fromData ? 'hold' : change.corrected ? 'apply' : actionOf(policy, place));
  if (action === 'apply' && emptying.has(change)) return 'held';
  return action === 'apply' ? 'applied' : action === 'hold' ? 'held' : 'ignored';
}

function severityOf(
  change: Change,
  decision: Decided['decision'],
  { policy, source }: DecideOptions,
): Severity {
  if (decision === 'held') return 'attention';
  if (decision !== 'applied') return 'info';
  const { severity } = KIND_RULES[change.kind];
  // Where the policy has a rule for personal data, nobody needs to be told.
  return change.kind === 'pii_on' && ruleFor(policy, { source, change }) !== undefined ? 'info' : severity;
}

/** The identity of the change in a row of the ledger. */
export function rowIdentity(row: SchemaChange): string {
  return changeIdentity(changeOf(row));
}

/** The change in a row of the ledger. */
export function changeOf(row: SchemaChange): Change {
  return {
    kind: row.kind as ChangeKind,
    feed: row.feed,
    version: row.version ?? '1',
    column: row.column_name ?? undefined,
    before: row.before ?? undefined,
    after: row.after ?? undefined,
    ...(row.found_in === 'data' && { fromData: true }),
  };
}
