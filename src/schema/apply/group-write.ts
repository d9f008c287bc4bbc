import { feedId, type KnownFeed } from '../../feeds/followed.ts';
import { fieldName, stagingTable } from '../../feeds/names.ts';
import type { EpochFormat } from '../../feeds/types.ts';
import { recountMisfits } from '../../ledger/column-misfits.ts';
import { forgetUndeclaredFields } from '../../ledger/files.ts';
import { storeKnownFeeds } from '../../ledger/followed-feeds.ts';
import { rebuildModelsReading } from '../../ledger/models.ts';
import { storeChanges, updateChange } from '../../ledger/schema-changes.ts';
import type { SchemaChange } from '../../ledger/tables.ts';
import type { Session } from '../../warehouse/session.ts';
import { qualified } from '../../warehouse/sql.ts';
import { tableKind } from '../../warehouse/tables.ts';
import type { GroupPlan } from './group-plan.ts';
import { undoTable } from './moves.ts';
import { type NumberedChange, rowsRewritten } from './table-plan.ts';
import type { UndoNote } from './undo.ts';

export interface WriteContext {
  documentId: number | null;
  runId: number | null;
  now: Date;
  /** Stops a plan, which may have thousands of statements, between two of them. */
  signal?: AbortSignal;
}

/** Carries out a plan and records it in the ledger. Runs inside the caller's transaction. */
export async function writePlan(session: Session, plan: GroupPlan, context: WriteContext): Promise<void> {
  for (const { sql } of plan.statements) {
    context.signal?.throwIfAborted();
    await session.run(sql);
  }
  await recount(session, plan);
  await dropEmptyUndoTables(session, plan);
  await storeKnownFeeds(session, plan.group, plan.before, plan.next, context.now);
  const rows = changeRows(plan, context);
  const known = new Map(plan.changes.map(({ id, known }) => [id, known?.decision]));
  await storeChanges(
    session,
    rows.filter(({ change_id }) => known.get(change_id) === undefined),
  );
  for (const { change_id, decision, applied_at, decided_at, rows_rewritten, undo } of rows) {
    const before = known.get(change_id);
    if (before === undefined || before === decision) continue;
    await updateChange(session, change_id, { decision, applied_at, decided_at, rows_rewritten, undo });
  }
  for (const { change_id } of plan.withdrawn) {
    await updateChange(session, change_id, { decision: 'withdrawn', decided_at: context.now });
  }
  await forgetDeclaredFields(session, plan);
}

/** The ledger's rows for the changes of a plan once it is carried out. */
export function changeRows(plan: GroupPlan, context: WriteContext): SchemaChange[] {
  return plan.changes.map((change) => changeRow(plan, change, context));
}

function changeRow(
  plan: GroupPlan,
  change: NumberedChange,
  { documentId, runId, now }: WriteContext,
): SchemaChange {
  const { id, decision, severity, known } = change;
  const { kind, feed, version, column, before, after } = change.change;
  const step = plan.steps.find((each) => each.change === id);
  // A person who accepted a change need not be asked to look at it.
  const open = decision === 'held' || (severity === 'attention' && known === undefined);
  return {
    change_id: id,
    detected_at: now,
    source: plan.source,
    feed,
    column_name: column ?? null,
    kind,
    severity,
    before: before ?? null,
    after: after ?? null,
    decision,
    applied_at: decision === 'applied' ? now : null,
    feed_group: plan.group,
    version,
    document_id: documentId,
    run_id: runId,
    decided_at: open ? null : now,
    rows_rewritten: decision === 'applied' && step ? rowsRewritten(step, plan.counts) : null,
    undo: decision === 'applied' ? undoNote(plan, change) : null,
    found_in: change.change.fromData ? 'data' : 'document',
  };
}

/** How to undo a change; NULL for a change that rewrites and rebuilds nothing. */
function undoNote({ before, steps }: GroupPlan, { id, change }: NumberedChange): string | null {
  const was = before.find((feed) => feedId(feed) === feedId({ name: change.feed, version: change.version }));
  const step = steps.find((each) => each.change === id);
  const note = ((): UndoNote | undefined => {
    switch (change.kind) {
      case 'column_added':
        return step ? { kind: 'column' } : undefined;
      case 'type_widened':
      case 'type_narrowed':
      case 'type_changed':
        return step && 'retype' in step ? { kind: 'type', type: step.retype.from } : undefined;
      case 'format_changed':
        return step ? { kind: 'format', format: change.before as EpochFormat | undefined } : undefined;
      case 'unique_condition_changed':
        return was && { kind: 'key', key: [...was.key] };
      case 'ordering_changed':
        return was && { kind: 'order', orderBy: [...was.orderBy] };
      case 'version_added': {
        const read = before.find((feed) => feed.name === change.feed && feed.modelled);
        return read && { kind: 'version', version: read.version };
      }
      default:
        return undefined;
    }
  })();
  return note ? JSON.stringify(note) : null;
}

/** Counts misfits again, since values have moved between columns and `_rescued`. */
async function recount(session: Session, { group, steps, next }: GroupPlan): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'create') continue;
    const feed = next.find(
      ({ name, version }) => stagingTable(group, name, version).table === step.table.table,
    );
    const name = 'column' in step ? step.column.name : step.retype.column;
    if (!feed) continue;
    const of = { group, feed: feed.name, version: feed.version };
    await recountMisfits(session, step.table, of, [{ name, exists: true }]);
    // Neither the files nor the columns have changed, so an incremental build would not notice.
    if (step.kind === 'reread') await rebuildModelsReading(session, feed.name);
  }
}

/** Drops the undo tables of changes that overwrote no values. */
async function dropEmptyUndoTables(session: Session, { steps }: GroupPlan): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'create' || !step.undoable || step.change === undefined) continue;
    await dropIfEmpty(session, step.change);
  }
}

async function dropIfEmpty(session: Session, changeId: number): Promise<void> {
  const kept = undoTable(changeId);
  if ((await tableKind(session, kept)) === undefined) return;
  const name = qualified(kept);
  const [row] = await session.rows(`SELECT 1 FROM ${name} LIMIT 1`);
  if (!row) await session.run(`DROP TABLE ${name}`);
}

/** Removes fields that have a column now from the undeclared ones. */
async function forgetDeclaredFields(session: Session, { group, steps, next }: GroupPlan): Promise<void> {
  const feeds = new Map<string, KnownFeed>(next.map((feed) => [feedId(feed), feed]));
  const added = steps.filter((step) => step.kind === 'add');
  if (added.length === 0) return;
  for (const feed of feeds.values()) {
    const names = feed.columns.map(({ name }) => fieldName(name));
    await forgetUndeclaredFields(
      session,
      { feed_group: group, feed: feed.name, version: feed.version },
      names,
    );
  }
}
