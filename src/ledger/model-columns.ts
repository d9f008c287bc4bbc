import { stagingTable, tableNameSql } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import { columnTypes } from '../warehouse/tables.ts';
import { ledger } from './ledger.ts';
import type { ModelColumn } from './tables.ts';

/**
 * Records which columns of feeds the models use as key and ordering, when that has changed. `load` and `status` need
 * it, and do not read the models.
 */
export async function recordModelColumns(session: Session, columns: readonly ModelColumn[]): Promise<void> {
  const known = await ledger(session)
    .selectFrom('ops.model_columns')
    .select(['model', 'feed_group', 'feed', 'column_name', 'used_as'])
    .execute();
  const ids = (rows: readonly ModelColumn[]) =>
    JSON.stringify(
      rows
        .map(({ model, feed_group, feed, column_name, used_as }) =>
          JSON.stringify([model, feed_group, feed, column_name, used_as]),
        )
        .sort(),
    );
  if (ids(known) === ids(columns)) return;
  await session.transaction(async () => {
    await session.run('DELETE FROM ops.model_columns');
    await session.insert({ schema: 'ops', table: 'model_columns' }, columns);
  });
}

/** How many values do not fit a column, and which models use the column as key or ordering. */
export interface ColumnMisfit {
  feed_group: string;
  /** Its table's name. */
  feed: string;
  column_name: string;
  misfits: number;
  /** Staged rows of the feed. */
  rows: number;
  type: string | null;
  /** Models that have it in their key. The feed's own rule counts as one. */
  keys: string[];
  /** Models that have it in their ordering. */
  orders: string[];
}

/** Columns with misfits, those with most first. */
export async function columnMisfits(session: Session): Promise<ColumnMisfit[]> {
  // To say of how many rows they are takes a look at every file there ever was.
  const [misfit] = await session.rows('SELECT 1 FROM ops.column_misfits LIMIT 1');
  if (!misfit) return [];
  const misfits = await session.rows<Omit<ColumnMisfit, 'type'>>(
    `WITH used AS (
       SELECT model, feed_group, feed, column_name, used_as FROM ops.model_columns
       UNION
       SELECT feed_group || '.' || feed, feed_group, ${TABLE}, lower(unnest(unique_condition)), 'key' FROM ops.feeds
       UNION
       SELECT feed_group || '.' || feed, feed_group, ${TABLE}, lower(unnest(order_by)), 'order' FROM ops.feeds),
     totals AS (SELECT feed_group, ${TABLE} AS feed, column_name, misfits, rows FROM ops.column_misfit_totals WHERE misfits > 0)
     SELECT t.feed_group, t.feed, t.column_name, t.misfits, t.rows,
       coalesce(list(DISTINCT u.model ORDER BY u.model) FILTER (u.used_as = 'key'), []) AS keys,
       coalesce(list(DISTINCT u.model ORDER BY u.model) FILTER (u.used_as = 'order'), []) AS orders
     FROM totals t
     LEFT JOIN used u ON u.feed_group = t.feed_group AND u.feed = t.feed AND u.column_name = lower(t.column_name)
     GROUP BY t.feed_group, t.feed, t.column_name, t.misfits, t.rows
     ORDER BY t.misfits DESC, t.feed_group, t.feed, t.column_name`,
  );
  const types = new Map<string, Map<string, string>>();
  for (const { feed_group, feed } of misfits) {
    const id = `${feed_group}.${feed}`;
    if (!types.has(id)) types.set(id, await columnTypes(session, stagingTable(feed_group, feed, '1')));
  }
  return misfits.map((misfit) => ({
    ...misfit,
    type: types.get(`${misfit.feed_group}.${misfit.feed}`)?.get(misfit.column_name) ?? null,
  }));
}

const TABLE = tableNameSql();
