import { UsageError } from '../errors.ts';
import { changesById, openChanges } from '../ledger/schema-changes.ts';
import type { SchemaChange } from '../ledger/tables.ts';
import type { Session } from '../warehouse/session.ts';
import type { GroupPlan } from './apply/group-plan.ts';

/** What a person decided about changes that are in the ledger. */
export interface Judgement {
  accept: ReadonlySet<number>;
  reject: ReadonlySet<number>;
  /** The rows they are about; all wait for a decision, but for those that are to be undone. */
  rows: readonly SchemaChange[];
}

/**
 * Looks up the changes that a person accepts and rejects.
 * @throws UsageError for one that is not there, or about which there is nothing to decide
 */
export async function judgementOf(
  session: Session,
  accept: readonly number[],
  reject: readonly number[],
): Promise<Judgement> {
  const judgement = { accept: new Set(accept), reject: new Set(reject) };
  const ids = [...new Set([...accept, ...reject])];
  const rows = await changesById(session, ids);
  for (const id of ids) {
    const row = rows.find(({ change_id }) => change_id === id);
    if (!row) throw await nothingTo(session, `there is no schema change ${id}`);
    const undoes = judgement.reject.has(id) && isUndone(row);
    if (isOpen(row) || undoes) continue;
    const why =
      row.decision === 'applied' ? 'was applied, and nothing about it waits' : `was ${row.decision}`;
    throw await nothingTo(session, `schema change ${id} ${why}`);
  }
  return { ...judgement, rows };
}

/** Whether rejecting the change takes back what was done. */
export function isUndone({ decision, undo }: SchemaChange): boolean {
  return decision === 'applied' && undo !== null;
}

function isOpen({ decision, decided_at, severity }: SchemaChange): boolean {
  return decision === 'held' || (decision === 'applied' && severity === 'attention' && decided_at === null);
}

async function nothingTo(session: Session, message: string): Promise<UsageError> {
  const open = await openChanges(session);
  const hint =
    open.length === 0
      ? 'no schema change waits for anybody; asapp-warehouse schema history --feed FEED shows those of a feed'
      : `those that wait are: ${open.map(({ change_id }) => change_id).join(', ')}`;
  return new UsageError(message, { hint });
}

/**
 * Sees to it that each change that was accepted is one that the documents still ask for.
 * @throws UsageError for one that is not
 */
export function mustBeAskedFor({ rows }: Judgement, plans: readonly GroupPlan[]): void {
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
