import {
  setDocumentState,
  storeDocument,
  storeDocumentFile,
  storeFollowedDocument,
} from '../../ledger/documents.ts';
import { storeChanges, updateChange } from '../../ledger/schema-changes.ts';
import type { SchemaChange } from '../../ledger/tables.ts';
import type { Session } from '../../warehouse/session.ts';
import type { DocumentVersion } from '../documents/group-documents.ts';
import type { GroupPlan } from './group-plan.ts';
import { type WriteContext, writePlan } from './group-write.ts';

/** The work for one group, decided before any of it is done. */
export interface GroupTask {
  group: string;
  /**
   * The version of its document that was found now. The bundled document is only set while the ledger does not have it.
   */
  received: DocumentVersion | undefined;
  bundled: DocumentVersion | undefined;
  /** Undefined where nothing has changed that decides what is followed. */
  plan: GroupPlan | undefined;
  /** The document that is followed from now on; undefined where that does not change. */
  follows: { id: number | null; fingerprint: string } | undefined;
  /** The change that says that the received document is held. */
  held: SchemaChange | undefined;
  /** Such changes of earlier documents, which a newer document has made obsolete. */
  overtaken: readonly SchemaChange[];
  /** A held document that a person has decided about now. */
  judged: { row: SchemaChange; state: 'accepted' | 'rejected' } | undefined;
  /** Applied changes that a person only had to see, and has seen now. */
  seen: readonly SchemaChange[];
}

/** Whether there is anything to write. */
export function hasWork({ plan, received }: GroupTask): boolean {
  return plan !== undefined || received !== undefined;
}

/** Whether there is anything to report. A known document that is found again is nothing new. */
export function hasNews({ plan, received }: GroupTask): boolean {
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
    if (row.document_id) await setDocumentState(session, row.document_id, state);
    const decision = state === 'accepted' ? 'applied' : 'rejected';
    const applied_at = state === 'accepted' ? now : null;
    await updateChange(session, row.change_id, { decision, decided_at: now, applied_at });
  }
  if (plan) await writePlan(session, plan, { documentId: follows?.id ?? null, runId, now, signal });
  if (task.held) await storeChanges(session, [task.held]);
  if (follows) await storeFollowedDocument(session, group, follows.id, follows.fingerprint, now);
}
