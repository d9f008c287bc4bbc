import { UsageError } from '../errors.ts';
import { stagingTable } from '../feeds/names.ts';
import { knownFeeds, presentTables, storeKnownFeeds } from '../ledger/known-feeds.ts';
import { updateChange } from '../ledger/schema-changes.ts';
import type { SchemaChange } from '../ledger/tables.ts';
import type { Session } from '../warehouse/session.ts';
import { qualified } from '../warehouse/sql.ts';
import { type KnownFeed, sameName } from './known.ts';
import { convert, foldAway, type Moves, undoTable, unrescue } from './moves.ts';
import type { ColumnType } from './types.ts';

/** What takes a change back, beside the values in its undo table: `ops.schema_changes.undo`, as JSON. */
export type UndoNote =
  /** The column goes, its values go back to `_rescued`. */
  | { kind: 'column' }
  | { kind: 'type'; type: ColumnType }
  | { kind: 'key'; key: string[] }
  | { kind: 'order'; orderBy: string[] }
  /** The version that the model read before. */
  | { kind: 'version'; version: string };

/**
 * Takes back a change that was applied. Values are as they came: the change kept those that it could not make again.
 * Runs in a transaction of its own.
 * @throws UsageError for a change that rewrote nothing, or on top of which another was applied
 */
export async function undoChange(session: Session, row: SchemaChange, now: Date): Promise<void> {
  const { change_id: id, feed_group: group } = row;
  if (!row.undo || !group) {
    throw new UsageError(`schema change ${id} rewrote nothing that could be undone`, {
      hint: 'to leave such changes alone from now on, set policy: in warehouse.yaml',
    });
  }
  await mustBeNewest(session, row);
  const note = JSON.parse(row.undo) as UndoNote;
  const present = await presentTables(session, group);
  const before = await knownFeeds(session, group, present);
  const next = before.map((feed) => revert(feed, row, note));
  const table = stagingTable(group, row.feed, row.version ?? '1');
  const kept = undoTable(id);
  const originals = (await isThere(session, kept.schema, kept.table)) ? kept : undefined;
  const moves = await undoMoves(session, table, row, note, originals);
  await session.transaction(async () => {
    for (const sql of [...moves.read, ...moves.alter, ...moves.update]) await session.run(sql);
    if (originals) await session.run(`DROP TABLE ${qualified(originals)}`);
    await storeKnownFeeds(session, group, before, next, now);
    await updateChange(session, id, { decision: 'rejected', decided_at: now, applied_at: null, undo: null });
  });
}

/** What was applied on top of a change has to go first. */
async function mustBeNewest(session: Session, row: SchemaChange): Promise<void> {
  const later = await session.ledger
    .selectFrom('ops.schema_changes')
    .select('change_id')
    .where('feed_group', '=', row.feed_group ?? null)
    .where('feed', '=', row.feed)
    .where('version', '=', row.version ?? null)
    .where('column_name', row.column_name === null ? 'is' : '=', row.column_name)
    .where('kind', 'in', row.column_name === null ? [row.kind] : COLUMN_KINDS)
    .where('decision', '=', 'applied')
    .where('applied_at', '>', row.applied_at)
    .where('undo', 'is not', null)
    .orderBy('applied_at', 'desc')
    .executeTakeFirst();
  if (!later) return;
  throw new UsageError(`schema change ${later.change_id} was applied on top of ${row.change_id}`, {
    hint: `asapp-warehouse schema accept --reject ${later.change_id}`,
  });
}

/** Changes of one column that lie on top of each other. */
const COLUMN_KINDS = ['column_added', 'type_widened', 'type_narrowed', 'type_changed'];

async function undoMoves(
  session: Session,
  table: ReturnType<typeof stagingTable>,
  { change_id: id, column_name: column }: SchemaChange,
  note: UndoNote,
  originals: ReturnType<typeof undoTable> | undefined,
): Promise<Moves> {
  const nothing: Moves = { read: [], alter: [], update: [] };
  if (column === null) return nothing;
  const [there] = await session.rows<{ type: ColumnType }>(
    `SELECT data_type AS type FROM duckdb_columns() WHERE database_name = current_database()
       AND schema_name = $1 AND table_name = $2 AND lower(column_name) = lower($3)`,
    [table.schema, table.table, column],
  );
  if (!there) return nothing;
  if (note.kind === 'column') return foldAway(table, { name: column, type: there.type }, id, originals);
  if (note.kind !== 'type' || there.type === note.type) return nothing;
  const changed = convert(table, { column, from: there.type, to: note.type }, id, {
    undoes: { originals },
  });
  const moved = unrescue(table, { name: column, type: note.type }, id, undefined);
  return { ...changed, update: [...moved.update, ...changed.update] };
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
    columns: feed.columns.map((each) => (sameName(each.name, column) ? { ...each, type: note.type } : each)),
  };
}

async function isThere(session: Session, schema: string, table: string): Promise<boolean> {
  const rows = await session.rows(
    `SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2`,
    [schema, table],
  );
  return rows.length > 0;
}
