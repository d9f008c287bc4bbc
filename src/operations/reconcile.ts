import type { Session } from '../warehouse/session.ts';
import { identifier, literal, qualified } from '../warehouse/sql.ts';

/**
 * `ops.reconciliation`: the vendor's own row counts against what is in the warehouse, a row a feed, source and day.
 *
 * The feed `export_row_counts` says how many rows each export had. Its columns are not published: its key names
 * `export_date` and `export_job`, and the count is the whole number whose name speaks of rows or counts. What was received is
 * counted again from staging and the rejected lines, not taken from the loader's own counters.
 */
const COUNTS = { schema: 'messaging', table: 'export_row_counts' };

/** Counts again. Nothing is compared while the vendor sends no counts. */
export async function countAgain(session: Session): Promise<void> {
  const column = await countColumn(session);
  const tables = await session.rows<{ table: string; feed: string }>(
    `SELECT DISTINCT t.table_name AS table, f.feed FROM duckdb_tables() t
     JOIN ops.feeds f ON f.feed_group = 'messaging' AND t.schema_name = 'staging_messaging'
       AND t.table_name = f.feed || CASE WHEN f.version = '1' THEN '' ELSE '__v' || f.version END
     WHERE t.database_name = current_database() AND f.feed <> 'export_row_counts' ORDER BY 1`,
  );
  await session.transaction(async () => {
    await session.run('DELETE FROM ops.counted_days');
    if (column !== undefined && tables.length > 0) await session.run(countedDays(column, tables));
  });
}

/** Feeds and days whose counts differ, of days that are over. */
export async function countUnreconciled(session: Session): Promise<number> {
  const { days } = await session.row<{ days: number }>(
    'SELECT count(*) AS days FROM ops.reconciliation WHERE NOT reconciles AND over',
  );
  return days;
}

async function countColumn(session: Session): Promise<string | undefined> {
  const columns = await session.rows<{ name: string; type: string }>(
    `SELECT column_name AS name, data_type AS type FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2 ORDER BY column_index`,
    [COUNTS.schema, COUNTS.table],
  );
  const names = columns.map(({ name }) => name);
  if (!names.includes('export_date') || !names.includes('export_job')) return undefined;
  return columns.find(({ name, type }) => type === 'BIGINT' && /row|count/i.test(name))?.name;
}

function countedDays(column: string, tables: readonly { table: string; feed: string }[]): string {
  const staged = tables.map(
    ({ table, feed }) => `SELECT ${literal(feed)} AS feed, _file_id AS file_id, count(*) AS rows
    FROM ${qualified({ schema: 'staging_messaging', table })} GROUP BY _file_id`,
  );
  return `INSERT INTO ops.counted_days BY NAME
WITH exported AS (
  SELECT export_job AS feed, try_cast(export_date AS DATE) AS export_date, sum(${identifier(column)})::BIGINT AS rows
  FROM ${qualified(COUNTS)} GROUP BY ALL
), arrived AS (
  ${staged.join('\n  UNION ALL ')}
  UNION ALL SELECT f.feed, r.file_id, count(*) FROM ops.rejected_rows r JOIN ops.files f USING (file_id)
    WHERE f.feed_group = 'messaging' AND coalesce(r.resolution, '') <> 'replayed' GROUP BY ALL
), received AS (
  SELECT f.feed, f.source, CAST(f.partition_ts AS DATE) AS export_date, sum(a.rows)::BIGINT AS rows
  FROM arrived a JOIN ops.files f USING (file_id) WHERE f.superseded_by IS NULL GROUP BY ALL
)
SELECT feed, r.source, export_date, e.rows AS exported_rows, coalesce(r.rows, 0) AS received_rows
FROM exported e LEFT JOIN received r USING (feed, export_date)
-- Counts of feeds that are not loaded here, and of days from before the first one loaded, say nothing.
WHERE export_date >= (SELECT min(export_date) FROM received o WHERE o.feed = e.feed)
ORDER BY feed, export_date, r.source`;
}
