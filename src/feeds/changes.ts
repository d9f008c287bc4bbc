/**
 * What can change in the shape of the feeds: the kinds, and what each does unless the policy says otherwise. Pure data.
 */

/** What happens to a change: it is done by itself, it waits for a person, or it is left alone. */
export type Action = 'apply' | 'hold' | 'ignore';

/** `info`: a note. `warning`: said once, in the log. `attention`: exit 3 until a person has decided. */
export type Severity = 'info' | 'warning' | 'attention';

interface KindRule {
  action: Action;
  /** Of a change that was applied; a held one is always `attention`. */
  severity: Severity;
}

const free: KindRule = { action: 'apply', severity: 'info' };
const told: KindRule = { action: 'apply', severity: 'warning' };
const held: KindRule = { action: 'hold', severity: 'info' };

/** By kind. What adds or widens is applied; what could lose data, or read it in another way, waits for a person. */
export const KIND_RULES = {
  feed_added: free,
  feed_deprecated: told,
  /** An end of life was announced. */
  feed_ending: told,
  feed_ended: told,
  /** No document lists it any more. Its tables stay. */
  feed_gone: told,
  feed_back: free,
  /**
   * The new version gets its own staging table at once; what is held is the switch of the feed's model to it. Under `apply`
   * too, as long as that would leave the table without rows.
   */
  version_added: held,
  column_added: free,
  /** Its column stays; it is NULL from then on. */
  column_removed: told,
  column_back: free,
  /** One column gone, one new, of one type and in one place. Only reported: nothing is renamed. */
  column_likely_renamed: told,
  type_widened: free,
  type_narrowed: held,
  type_changed: held,
  /** A person says how a column's times are sent: those that were rescued move into it. */
  format_changed: free,
  /** A feed of which nobody knew how to tell its records apart. */
  unique_condition_added: free,
  unique_condition_changed: held,
  ordering_changed: held,
  cadence_changed: free,
  /** A column is marked as personal data. Attention until a person has seen it, unless the policy has a rule for it. */
  pii_on: { action: 'apply', severity: 'attention' },
  pii_off: free,
  description_changed: free,
} satisfies Record<string, KindRule>;

export type ChangeKind = keyof typeof KIND_RULES;

export const CHANGE_KINDS = Object.keys(KIND_RULES) as ChangeKind[];

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
   * Values of the data ask for it, and no document: of a key, whose lines are rejected meanwhile. Waits for a person
   * whatever its kind does, unless the policy names that kind there.
   */
  fromData?: boolean;
  /** A user's own `schemas/overrides.yaml` says so: it is decided already, unless the policy names that kind there. */
  corrected?: boolean;
}

/** Two changes with one identity are the same change, found on two days. */
export function changeIdentity({ kind, feed, version, column, after }: Change): string {
  return JSON.stringify([kind, feed.toLowerCase(), version, column?.toLowerCase() ?? null, after ?? null]);
}
