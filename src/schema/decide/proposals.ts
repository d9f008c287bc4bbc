import { type Change, changeIdentity } from '../../feeds/changes.ts';
import { feedId, type KnownFeed, sameName } from '../../feeds/followed.ts';
import type { SchemaChange } from '../../ledger/tables.ts';
import { changeOf } from './decide.ts';

/**
 * Changes that the data ask for, and no document: a value of a key that does not fit its published type. Pure.
 *
 * Such a line is rejected, and text for the column is proposed (`load/staging/widening.ts`). From then on the proposal is
 * one of the changes of its group, and is decided as they are.
 */

/**
 * The changes that documents ask for, with those that the data ask for and that nobody has decided about; without those that
 * would take back what a person accepted because of the data: the document that says otherwise said so before.
 * @param known the feeds as they are followed
 * @param earlier what the ledger has of changes of the group
 */
export function withProposals(
  asked: readonly Change[],
  known: readonly KnownFeed[],
  earlier: readonly SchemaChange[],
): Change[] {
  const kept = asked.filter((change) => !takesBack(change, earlier));
  const there = new Set(kept.map(changeIdentity));
  const proposed = earlier
    .filter(({ found_in, decision }) => found_in === 'data' && decision === 'held')
    .map(changeOf)
    .filter((change) => !there.has(changeIdentity(change)) && isAsFound(change, known));
  return [...kept, ...proposed];
}

/** Whether a change would undo what was accepted last of its column, because of the data. */
function takesBack(
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

/** Whether the column still has the type that the values did not fit. */
function isAsFound({ feed, version, column = '', before }: Change, known: readonly KnownFeed[]): boolean {
  const followed = known.find((each) => feedId(each) === feedId({ name: feed, version }));
  return followed?.columns.find(({ name }) => sameName(name, column))?.type === before;
}
