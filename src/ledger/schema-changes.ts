import { KEY_CHANGES, ORDER_CHANGES } from '../feeds/changes.ts';
import type { Session } from '../warehouse/session.ts';
import { hasDocumentTables } from './documents.ts';
import { ledger } from './ledger.ts';
import type { SchemaChange } from './tables.ts';

/** What changed in the shape of the feeds, and what was decided about it. */

export async function nextChangeId(session: Session): Promise<number> {
  const { next } = await session.row<{ next: number }>(
    'SELECT coalesce(max(change_id), 0) + 1 AS next FROM ops.schema_changes',
  );
  return next;
}

export async function changesOfGroup(session: Session, group: string): Promise<SchemaChange[]> {
  return ledger(session)
    .selectFrom('ops.schema_changes')
    .selectAll()
    .where('feed_group', '=', group)
    .orderBy('change_id')
    .execute();
}

export async function changesById(session: Session, ids: readonly number[]): Promise<SchemaChange[]> {
  if (ids.length === 0) return [];
  return ledger(session)
    .selectFrom('ops.schema_changes')
    .selectAll()
    .where('change_id', 'in', ids)
    .orderBy('change_id')
    .execute();
}

/** The changes that were applied to the key or the ordering of feeds, in the order in which they were. */
export async function ruleChanges(session: Session): Promise<SchemaChange[]> {
  return ledger(session)
    .selectFrom('ops.schema_changes')
    .selectAll()
    .where('decision', '=', 'applied')
    .where('kind', 'in', [...KEY_CHANGES, ...ORDER_CHANGES])
    .orderBy('applied_at')
    .orderBy('change_id')
    .execute();
}

/**
 * Changes that a person should look at: held ones, and applied ones that need to be seen. In the order in which they
 * were found.
 */
export async function openChanges(session: Session): Promise<SchemaChange[]> {
  if (!(await hasDocumentTables(session))) return [];
  return ledger(session)
    .selectFrom('ops.schema_changes')
    .selectAll()
    .where('severity', '=', 'attention')
    .where('decided_at', 'is', null)
    .where('decision', 'in', ['held', 'applied'])
    .orderBy('change_id')
    .execute();
}

export async function storeChanges(session: Session, rows: readonly SchemaChange[]): Promise<void> {
  await session.insert({ schema: 'ops', table: 'schema_changes' }, rows);
}

export async function updateChange(
  session: Session,
  id: number,
  now: Partial<Omit<SchemaChange, 'change_id'>>,
): Promise<void> {
  await ledger(session).updateTable('ops.schema_changes').set(now).where('change_id', '=', id).execute();
}
