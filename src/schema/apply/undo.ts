import { UsageError } from '../../errors.ts';
import { feedId, type KnownFeed, sameName } from '../../feeds/followed.ts';
import { isStagingColumn, stagingTable } from '../../feeds/names.ts';
import type { ColumnType, EpochFormat } from '../../feeds/types.ts';
import { recountMisfits } from '../../ledger/column-misfits.ts';
import { groupTables, knownFeeds, presentTableId, storeKnownFeeds } from '../../ledger/followed-feeds.ts';
import { ledger } from '../../ledger/ledger.ts';
import { rebuildModelsReading } from '../../ledger/models.ts';
import { updateChange } from '../../ledger/schema-changes.ts';
import type { SchemaChange } from '../../ledger/tables.ts';
import { type Moves, unrescue } from '../../load/staging/rescued-values.ts';
import { dataColumns } from '../../load/staging/table.ts';
import type { Session } from '../../warehouse/session.ts';
import { identifier, qualified, type TableName } from '../../warehouse/sql.ts';
import { tableKind } from '../../warehouse/tables.ts';
import { type RowLoss, rowLosses } from '../row-losses.ts';
import {
  convert,
  dropIntoRescued,
  misfitCountQuery,
  moveBackToRescued,
  type Retype,
  undoTable,
} from './moves.ts';
import { rejectAgain } from './reject-again.ts';

/** How to undo a change, besides the values in its undo table: `ops.schema_changes.undo`, as JSON. */
export type UndoNote =
  /** The column is dropped, and its values go back to `_rescued`. */
  | { kind: 'column' }
  | { kind: 'type'; type: ColumnType }
  /** Values that the new format made readable go back to `_rescued`. */
  | { kind: 'format'; format?: EpochFormat }
  | { kind: 'key'; key: string[] }
  | { kind: 'order'; orderBy: string[] }
  /** The version that the model read before. */
  | { kind: 'version'; version: string };

/** The undoing of a change, planned before any of it is done. */
export interface Undo {
  row: SchemaChange;
  group: string;
  /** The exact statements, in order, without those that write to the ledger. */
  statements: string[];
  /** How many staged rows they rewrite. */
  rows: number;
  /** The feeds of the group as they are followed, and as they will be. */
  before: readonly KnownFeed[];
  next: readonly KnownFeed[];
  /** Rows that the feed's table loses when its model switches back to another version. */
  losses: readonly RowLoss[];
}

/**
 * Plans the undoing of an applied change. Only reads.
 * @throws UsageError for a change that rewrote nothing, or after which another change was applied to the same column
 */
export async function planUndo(session: Session, row: SchemaChange): Promise<Undo> {
  const { change_id: id, feed_group: group } = row;
  if (!row.undo || !group) {
    throw new UsageError(`schema change ${id} rewrote nothing that could be undone`, {
      hint: 'to leave such changes alone from now on, set policy: in warehouse.yaml',
    });
  }
  await requireNewest(session, row);
  const note = JSON.parse(row.undo) as UndoNote;
  const present = await groupTables(session, group);
  const before = await knownFeeds(session, group, present);
  const table = stagingTable(group, row.feed, row.version ?? '1');
  const kept = undoTable(id);
  const originals = (await tableKind(session, kept)) && kept;
  const feed = before.find(
    (each) => feedId(each) === feedId({ name: row.feed, version: row.version ?? '1' }),
  );
  const columns = (present.get(presentTableId(table))?.columns ?? []).filter(
    ({ name }) => !isStagingColumn(name),
  );
  const { read, alter, update } = await undoMoves(session, table, row, note, {
    feed,
    originals,
    present: columns,
  });
  const moves = [...read, ...alter, ...update];
  const { rows } = await session.row<{ rows: number }>(
    row.column_name === null || moves.length === 0
      ? 'SELECT 0 AS rows'
      : `SELECT count(${identifier(row.column_name)}) AS rows FROM ${qualified(table)}`,
  );
  const statements = originals ? [...moves, `DROP TABLE ${qualified(originals)}`] : moves;
  const next = before.map((feed) => revert(feed, row, note));
  const losses = await rowLosses(session, group, { before, next, present });
  return { row, group, statements, rows, before, next, losses };
}

/**
 * Undoes a change. Values are restored exactly, since the change kept those that could not be computed again. One
 * transaction.
 */
export async function writeUndo(
  session: Session,
  { row, group, statements, before, next }: Undo,
  now: Date,
): Promise<void> {
  await session.transaction(async () => {
    for (const sql of statements) await session.run(sql);
    if (row.column_name !== null) await recount(session, group, row, row.column_name);
    if (row.kind === 'format_changed') await rebuildModelsReading(session, row.feed);
    await storeKnownFeeds(session, group, before, next, now);
    const undone = { decision: 'rejected', decided_at: now, applied_at: null, undo: null } as const;
    await updateChange(session, row.change_id, undone);
  });
}

/** Counts misfits again, since values have moved between the column and `_rescued`, or rows were removed. */
async function recount(
  session: Session,
  group: string,
  { feed, version }: SchemaChange,
  column: string,
): Promise<void> {
  const of = { group, feed, version: version ?? '1' };
  const table = stagingTable(group, feed, of.version);
  const there = (await dataColumns(session, table)) ?? [];
  const columns = there.map(({ name }) => ({ name, exists: true }));
  const gone = there.some(({ name }) => sameName(name, column)) ? [] : [{ name: column, exists: false }];
  await recountMisfits(session, table, of, [...columns, ...gone]);
}

/** Refuses to undo a change while a later one of the same column stands. */
async function requireNewest(session: Session, row: SchemaChange): Promise<void> {
  const later = await ledger(session)
    .selectFrom('ops.schema_changes')
    .select('change_id')
    .where('feed_group', '=', row.feed_group ?? null)
    .where('feed', '=', row.feed)
    .where('version', '=', row.version ?? null)
    .where('column_name', row.column_name === null ? 'is' : '=', row.column_name)
    .where('kind', 'in', row.column_name === null ? [row.kind] : COLUMN_KINDS)
    .where('decision', '=', 'applied')
    .where(({ eb, refTuple, tuple }) =>
      eb(refTuple('applied_at', 'change_id'), '>', tuple(row.applied_at, row.change_id)),
    )
    .where('undo', 'is not', null)
    .orderBy('applied_at', 'desc')
    .executeTakeFirst();
  if (!later) return;
  throw new UsageError(`schema change ${later.change_id} was applied on top of ${row.change_id}`, {
    hint: `asapp-warehouse schema accept --reject ${later.change_id}`,
  });
}

/** Kinds of changes of a column that build on each other. */
const COLUMN_KINDS = ['column_added', 'type_widened', 'type_narrowed', 'type_changed', 'format_changed'];

async function undoMoves(
  session: Session,
  table: TableName,
  { change_id: id, column_name: column }: SchemaChange,
  note: UndoNote,
  {
    feed,
    originals,
    present,
  }: {
    feed: KnownFeed | undefined;
    originals: TableName | undefined;
    present: readonly { name: string; type: ColumnType }[];
  },
): Promise<Moves> {
  const nothing: Moves = { read: [], alter: [], update: [] };
  if (column === null) return nothing;
  const there = present.find(({ name }) => sameName(name, column));
  if (!there) return nothing;
  const uses = (names: readonly string[] = []) => names.some((name) => sameName(name, column));
  if (note.kind === 'column') {
    if (uses(feed?.key) || uses(feed?.orderBy)) throw columnInUse(id, column);
    return dropIntoRescued(table, { name: column, type: there.type }, id, originals);
  }
  if (note.kind === 'format') return originals ? moveBackToRescued(table, column, originals) : nothing;
  if (note.kind !== 'type' || there.type === note.type) return nothing;
  const retype: Retype = { column, from: there.type, to: note.type };
  let rejected: Pick<Moves, 'read' | 'update'> = nothing;
  if (uses(feed?.key)) {
    const { unfit } = await session.row<{ unfit: number }>(misfitCountQuery(table, retype));
    // A key must not be NULL, so such lines are rejected, as staging would do.
    if (unfit > 0) rejected = rejectAgain(table, present, retype, id);
  }
  const changed = convert(table, retype, id, { undoes: { originals } });
  const moved = unrescue(table, { name: column, type: note.type }, id, undefined);
  return {
    read: [...rejected.read, ...changed.read],
    alter: changed.alter,
    update: [...moved.update, ...changed.update, ...rejected.update],
  };
}

/** The error for a column that the key or ordering uses now. */
function columnInUse(id: number, column: string): UsageError {
  return new UsageError(`schema change ${id} cannot be undone: the feed's key or ordering names ${column}`, {
    hint: 'reject the change of the key or ordering first: asapp-warehouse schema history --feed FEED shows it',
  });
}

function revert(feed: KnownFeed, row: SchemaChange, note: UndoNote): KnownFeed {
  if (note.kind === 'version') {
    if (!sameName(feed.name, row.feed)) return feed;
    return { ...feed, modelled: feed.version === note.version };
  }
  if (!sameName(feed.name, row.feed) || feed.version !== (row.version ?? '1')) return feed;
  if (note.kind === 'key') return { ...feed, key: note.key };
  if (note.kind === 'order') return { ...feed, orderBy: note.orderBy };
  const column = row.column_name ?? '';
  if (note.kind === 'column') {
    return { ...feed, columns: feed.columns.filter(({ name }) => !sameName(name, column)) };
  }
  return {
    ...feed,
    columns: feed.columns.map((each) => {
      if (!sameName(each.name, column)) return each;
      return note.kind === 'format' ? { ...each, format: note.format } : { ...each, type: note.type };
    }),
  };
}
