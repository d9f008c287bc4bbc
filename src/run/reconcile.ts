import { isCountColumn, ROW_COUNTS } from '../feeds/counts.ts';
import { stagingTable, tableNameSql } from '../feeds/names.ts';
import { recordProofs } from '../ledger/proofs.ts';
import { FILE_ORDER } from '../ledger/sources.ts';
import type { Session } from '../warehouse/session.ts';
import { identifier, literal, qualified } from '../warehouse/sql.ts';
import { tableColumns, tablesSql } from '../warehouse/tables.ts';

/**
 * `ops.reconciliation`: the vendor's own row counts against what is in the warehouse, a row a feed, source and day.
 *
 * The feed `export_row_counts` says how many rows each export had (`feeds/counts.ts`). Of a count that was sent again the
 * latest is compared, and one that is no number makes its own day unprovable and no other. What was received is counted
 * again from staging and the rejected lines, not taken from the loader's own counters.
 */
const COUNTS = stagingTable(ROW_COUNTS.group, ROW_COUNTS.feed, '1');

/** Counts again. Nothing is compared while the vendor sends no counts. */
export async function countAgain(session: Session, now: Date): Promise<void> {
  const columns = await countColumns(session);
  const tables = await session.rows<{ table: string; feed: string }>(
    `SELECT DISTINCT t.table, f.feed FROM (${tablesSql()}) t
     JOIN ops.feeds f ON f.feed_group = $1 AND t.kind = 'table' AND t.schema = $2 AND t.table = ${tableNameSql('f')}
     WHERE f.feed <> $3 ORDER BY 1`,
    [ROW_COUNTS.group, COUNTS.schema, ROW_COUNTS.feed],
  );
  await session.transaction(async () => {
    await session.run('DELETE FROM ops.counted_days');
    if (columns !== undefined && tables.length > 0) await session.run(countedDays(columns, tables));
    await recordProofs(session, now);
  });
}

/** Feeds and days whose counts differ, of days that are over. */
export async function countUnreconciled(session: Session): Promise<number> {
  const { days } = await session.row<{ days: number }>(
    'SELECT count(*) AS days FROM ops.reconciliation WHERE NOT reconciles AND over',
  );
  return days;
}

interface CountColumns {
  date: string;
  job: string;
  /** What part of the day a count is of; undefined where the feed does not say. */
  interval: string | undefined;
  /** The first that has a number counts: the vendor may come to spell the column in another way. */
  counts: readonly string[];
}

async function countColumns(session: Session): Promise<CountColumns | undefined> {
  const names = (await tableColumns(session, COUNTS)).map(({ name }) => name);
  const named = (wanted: string) => names.find((name) => name.toLowerCase() === wanted);
  const [date, job, interval] = [named('export_date'), named('export_job'), named('export_interval')];
  const counts = names.filter(isCountColumn);
  if (date === undefined || job === undefined || counts.length === 0) return undefined;
  const known = (name: string) => Number(name.toLowerCase() === 'exported_rows');
  return { date, job, interval, counts: counts.sort((a, b) => known(b) - known(a)) };
}

/** A whole number that is a count, of a column of whatever type; NULL for anything else. */
function countOf(name: string): string {
  const number = `try_cast(CAST(s.${identifier(name)} AS VARCHAR) AS DECIMAL(28,9))`;
  return `CASE WHEN ${number} >= 0 AND ${number} = trunc(${number}) THEN ${number}::BIGINT END`;
}

/** Of a count that was delivered twice, or by two sources, the latest: else a day would be counted double. */
function latestCounts({ date, job, interval, counts }: CountColumns): string {
  const day = `try_cast(left(CAST(s.${identifier(date)} AS VARCHAR), 10) AS DATE)`;
  const key = [date, job, interval].flatMap((name) => (name === undefined ? [] : `s.${identifier(name)}`));
  const latest = `QUALIFY row_number() OVER (PARTITION BY ${key.join(', ')} ORDER BY f.file_order DESC, s._line DESC) = 1`;
  // A count whose day cannot be read may be one of any day near its partition's: that day cannot be proved.
  return `SELECT s.${identifier(job)} AS feed, coalesce(${day}, CAST(s._partition_ts AS DATE)) AS export_date,
    CASE WHEN ${day} IS NOT NULL THEN coalesce(${counts.map(countOf).join(', ')}) END AS rows
  FROM ${qualified(COUNTS)} AS s JOIN (${FILE_ORDER}) AS f ON f.file_id = s._file_id
  ${interval === undefined ? '' : latest}`;
}

function countedDays(columns: CountColumns, tables: readonly { table: string; feed: string }[]): string {
  const staged = tables.map(
    ({ table, feed }) => `SELECT ${literal(feed)} AS feed, _file_id AS file_id, count(*) AS rows
    FROM ${qualified({ schema: COUNTS.schema, table })} GROUP BY _file_id`,
  );
  return `INSERT INTO ops.counted_days BY NAME
WITH exported AS (
  SELECT feed, export_date, coalesce(sum(rows), 0)::BIGINT AS rows, count(*) FILTER (rows IS NULL) AS unreadable
  FROM (${latestCounts(columns)}) GROUP BY ALL
), arrived AS (
  ${staged.join('\n  UNION ALL ')}
  UNION ALL SELECT f.feed, r.file_id, count(*) FROM ops.rejected_rows r JOIN ops.files f USING (file_id)
    WHERE f.feed_group = ${literal(ROW_COUNTS.group)} AND coalesce(r.resolution, '') <> 'replayed' GROUP BY ALL
), received AS (
  SELECT f.feed, f.source, CAST(f.partition_ts AS DATE) AS export_date, sum(a.rows)::BIGINT AS rows
  FROM arrived a JOIN ops.files f USING (file_id) WHERE f.superseded_by IS NULL GROUP BY ALL
)
SELECT feed, r.source, export_date, e.rows AS exported_rows, e.unreadable, coalesce(r.rows, 0) AS received_rows
FROM exported e LEFT JOIN received r USING (feed, export_date)
-- Counts of feeds that are not loaded here, and of days from before the first one loaded, say nothing.
WHERE export_date >= (SELECT min(export_date) FROM received o WHERE o.feed = e.feed)
ORDER BY feed, export_date, r.source`;
}
