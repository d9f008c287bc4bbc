import { type Change, changeIdentity } from '../../feeds/changes.ts';
import { feedId, type KnownFeed, sameName } from '../../feeds/followed.ts';
import type { SchemaChange } from '../../ledger/tables.ts';
import { changeOf } from './decide.ts';

/**
 * Changes that the data ask for and no document: a value of a key does not fit its published type. Pure.
 *
 * Lines with such a value are rejected, and text is proposed as the column's type (`load/staging/widening.ts`). The
 * proposal is then one of the changes of its group, and is decided like the others.
 */

/**
 * Adds undecided proposals to the changes that the documents ask for, and leaves out changes that would revert an
 * accepted proposal: the document has not changed since, it still says what the proposal overruled.
 * @param known the feeds as they are followed
 * @param earlier the changes of the group in the ledger
 */
export function withProposals(
  asked: readonly Change[],
  known: readonly KnownFeed[],
  earlier: readonly SchemaChange[],
): Change[] {
  const kept = asked.filter((change) => !revertsAccepted(change, earlier));
  const there = new Set(kept.map(changeIdentity));
  const proposed = earlier
    .filter(({ found_in, decision }) => found_in === 'data' && decision === 'held')
    .map(changeOf)
    .filter((change) => !there.has(changeIdentity(change)) && stillApplies(change, known));
  return [...kept, ...proposed];
}

/** Whether a change would revert the last accepted proposal for its column. */
function revertsAccepted(
  { kind, feed, version, column, before, after }: Change,
  earlier: readonly SchemaChange[],
): boolean {
  if (!kind.startsWith('type_') || column === undefined) return false;
  const last = earlier.findLast(
    (row) =>
      row.decision === 'applied' &&
      row.kind.startsWith('type_') &&
      feedId({ name: row.feed, version: row.version ?? '1' }) === feedId({ name: feed, version }) &&
      sameName(row.column_name ?? '', column),
  );
  return last?.found_in === 'data' && last.before === after && last.after === before;
}

/** Whether the column still has the type that the values do not fit. */
function stillApplies({ feed, version, column = '', before }: Change, known: readonly KnownFeed[]): boolean {
  const followed = known.find((each) => feedId(each) === feedId({ name: feed, version }));
  return followed?.columns.find(({ name }) => sameName(name, column))?.type === before;
}
