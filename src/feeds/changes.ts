/**
 * What can change in the shape of the feeds: the kinds, and what each does unless the policy says otherwise. Pure data.
 */

/** What happens to a change: it is done by itself, it waits for a person, or it is left alone. */
export type Action = 'apply' | 'hold' | 'ignore';

/** `info`: a note. `warning`: said once, in the log. `attention`: exit 3 until a person has decided. */
export type Severity = 'info' | 'warning' | 'attention';

interface KindRule {
  action: Action;
  /** The severity once the change is applied. A held change is always `attention`. */
  severity: Severity;
}

const appliedSilently: KindRule = { action: 'apply', severity: 'info' };
const appliedWithWarning: KindRule = { action: 'apply', severity: 'warning' };
const held: KindRule = { action: 'hold', severity: 'info' };

/** By kind. What adds or widens is applied; what could lose data, or read it in another way, waits for a person. */
export const KIND_RULES = {
  feed_added: appliedSilently,
  feed_deprecated: appliedWithWarning,
  /** An end of life was announced. */
  feed_ending: appliedWithWarning,
  feed_ended: appliedWithWarning,
  /** No document lists it any more. Its tables stay. */
  feed_gone: appliedWithWarning,
  feed_back: appliedSilently,
  /**
   * The new version gets its own staging table at once; what is held is the switch of the feed's model to it. Under `apply`
   * too, as long as that would leave the table without rows.
   */
  version_added: held,
  column_added: appliedSilently,
  /** Its column stays; it is NULL from then on. */
  column_removed: appliedWithWarning,
  column_back: appliedSilently,
  /** One column gone, one new, of one type and in one place. Only reported: nothing is renamed. */
  column_likely_renamed: appliedWithWarning,
  type_widened: appliedSilently,
  type_narrowed: held,
  type_changed: held,
  /**
   * A person said how a column's times are written. Values that were rescued because nobody knew move into the column.
   */
  format_changed: appliedSilently,
  /** The feed had no key until now. */
  unique_condition_added: appliedSilently,
  unique_condition_changed: held,
  ordering_changed: held,
  cadence_changed: appliedSilently,
  /** A column is marked as personal data. Attention until a person has seen it, unless the policy has a rule for it. */
  pii_on: { action: 'apply', severity: 'attention' },
  pii_off: appliedSilently,
  description_changed: appliedSilently,
} satisfies Record<string, KindRule>;

export type ChangeKind = keyof typeof KIND_RULES;

export const CHANGE_KINDS = Object.keys(KIND_RULES) as ChangeKind[];

/** The kinds by which a feed's key changes, and its ordering: a key that is new brings its ordering along. */
export const KEY_CHANGES: readonly ChangeKind[] = ['unique_condition_added', 'unique_condition_changed'];
export const ORDER_CHANGES: readonly ChangeKind[] = ['unique_condition_added', 'ordering_changed'];

/** One difference between what the warehouse follows and what a document says. */
export interface Change {
  kind: ChangeKind;
  feed: string;
  version: string;
  /** Undefined for a change of the feed as a whole. */
  column: string | undefined;
  /** In words for a person: a type, a day, names of columns. */
  before: string | undefined;
  after: string | undefined;
  /**
   * The change comes from values in the data, not from a document: a value of a key does not fit the type of its
   * column, and lines with such values are rejected meanwhile. It is held until a person accepts it, unless the policy
   * has a rule for this kind of change at this place.
   */
  fromData?: boolean;
  /**
   * The change comes from a user's own `schemas/overrides.yaml`, so a person has decided it already. It is applied
   * unless the policy has a rule for this kind of change at this place.
   */
  corrected?: boolean;
}

/** Two changes with one identity are the same change, found on two days. */
export function changeIdentity({ kind, feed, version, column, after }: Change): string {
  return JSON.stringify([kind, feed.toLowerCase(), version, column?.toLowerCase() ?? null, after ?? null]);
}
