import { UsageError } from '../errors.ts';
import { changesById, openChanges } from '../ledger/schema-changes.ts';
import type { SchemaChange } from '../ledger/tables.ts';
import type { Session } from '../warehouse/session.ts';
import type { GroupPlan } from './apply/group-plan.ts';

/** What a person decided now about changes in the ledger. */
export interface Judgement {
  accept: ReadonlySet<number>;
  reject: ReadonlySet<number>;
  /** The rows of these changes. All wait for a decision, except applied ones that are to be undone. */
  rows: readonly SchemaChange[];
}

/**
 * Looks up the changes that a person accepts and rejects.
 * @throws UsageError for one that does not exist, or that has nothing left to decide
 */
export async function readJudgement(
  session: Session,
  accept: readonly number[],
  reject: readonly number[],
): Promise<Judgement> {
  const judgement = { accept: new Set(accept), reject: new Set(reject) };
  const ids = [...new Set([...accept, ...reject])];
  const rows = await changesById(session, ids);
  for (const id of ids) {
    const row = rows.find(({ change_id }) => change_id === id);
    if (!row) throw await nothingToDecide(session, `there is no schema change ${id}`);
    const undoes = judgement.reject.has(id) && undoesOnReject(row);
    if (isOpen(row) || undoes) continue;
    const why =
      row.decision === 'applied' ? 'was applied, and nothing about it waits' : `was ${row.decision}`;
    throw await nothingToDecide(session, `schema change ${id} ${why}`);
  }
  return { ...judgement, rows };
}

/** Whether rejecting the change means to undo it. */
export function undoesOnReject({ decision, undo }: SchemaChange): boolean {
  return decision === 'applied' && undo !== null;
}

function isOpen({ decision, decided_at, severity }: SchemaChange): boolean {
  return decision === 'held' || (decision === 'applied' && severity === 'attention' && decided_at === null);
}

async function nothingToDecide(session: Session, message: string): Promise<UsageError> {
  const open = await openChanges(session);
  const hint =
    open.length === 0
      ? 'no schema change waits for anybody; asapp-warehouse schema history --feed FEED shows those of a feed'
      : `those that wait are: ${open.map(({ change_id }) => change_id).join(', ')}`;
  return new UsageError(message, { hint });
}

/**
 * Checks that the documents still ask for each change that was accepted.
 * @throws UsageError for one that they no longer ask for
 */
export function requireStillAsked({ rows }: Judgement, plans: readonly GroupPlan[]): void {
  const asked = new Set(plans.flatMap(({ changes }) => changes.map(({ id }) => id)));
  const stale = rows.find(
    ({ change_id, decision, kind }) =>
      decision === 'held' && kind !== 'document_held' && !asked.has(change_id),
  );
  if (!stale) return;
  throw new UsageError(`schema change ${stale.change_id} is not what the documents ask for any more`, {
    hint: 'asapp-warehouse schema apply brings the list up to date',
  });
}
