import { decideDocument, storeDocument, storeDocumentFile, storeFollowed } from '../../ledger/documents.ts';
import { storeChanges, updateChange } from '../../ledger/schema-changes.ts';
import type { SchemaChange } from '../../ledger/tables.ts';
import type { Session } from '../../warehouse/session.ts';
import type { GroupDocument } from '../documents/group-documents.ts';
import type { GroupPlan } from './group-plan.ts';
import { type WriteContext, writePlan } from './group-write.ts';

/** What is to be done for one group: decided before any of it is done. */
export interface GroupTask {
  group: string;
  /** A version of its document that was met now; of the bundled one, only when the ledger does not have it. */
  received: GroupDocument | undefined;
  bundled: GroupDocument | undefined;
  /** Undefined where nothing that decides what is followed has changed. */
  plan: GroupPlan | undefined;
  /** What is followed from now on; undefined where that stays. */
  follows: { id: number | null; fingerprint: string } | undefined;
  /** The document that was received must not be acted upon: the row that says so. */
  held: SchemaChange | undefined;
  /** Rows that say so of documents that another one has overtaken. */
  overtaken: readonly SchemaChange[];
  /** A held document that a person decided about. */
  judged: { row: SchemaChange; state: 'accepted' | 'rejected' } | undefined;
  /** Rows that only wanted to be seen by a person, who has. */
  seen: readonly SchemaChange[];
}

/** Whether there is anything to write. */
export function hasWork({ plan, received }: GroupTask): boolean {
  return plan !== undefined || received !== undefined;
}

/** Whether there is anything to tell: a document that is found again unchanged is nothing. */
export function isNews({ plan, received }: GroupTask): boolean {
  return plan !== undefined || received?.fresh === true;
}

/** Does the work. Runs inside the caller's transaction. */
export async function writeTask(
  session: Session,
  task: GroupTask,
  { runId, now, signal }: Omit<WriteContext, 'documentId'>,
): Promise<void> {
  const { group, received, bundled, plan, follows, judged } = task;
  for (const document of [bundled, received]) {
    if (!document) continue;
    if (document.fresh) await storeDocument(session, document.facts, document.text);
    await storeDocumentFile(session, document.file);
  }
  for (const { change_id } of task.overtaken) {
    await updateChange(session, change_id, { decision: 'withdrawn', decided_at: now });
  }
  for (const { change_id } of task.seen) await updateChange(session, change_id, { decided_at: now });
  if (judged) {
    const { row, state } = judged;
    if (row.document_id) await decideDocument(session, row.document_id, state);
    const decision = state === 'accepted' ? 'applied' : 'rejected';
    const applied_at = state === 'accepted' ? now : null;
    await updateChange(session, row.change_id, { decision, decided_at: now, applied_at });
  }
  if (plan) await writePlan(session, plan, { documentId: follows?.id ?? null, runId, now, signal });
  if (task.held) await storeChanges(session, [task.held]);
  if (follows) await storeFollowed(session, group, follows.id, follows.fingerprint, now);
}
