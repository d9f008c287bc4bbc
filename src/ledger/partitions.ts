import type { Session } from '../warehouse/session.ts';
import { timestamp } from '../warehouse/sql.ts';
import type { Partition } from './tables.ts';

/** How far each feed of a source has come: what the look-back is counted from. */
export interface Progress {
  newest: Date;
  /** Partitions that were seen and are not loaded yet, or not again. */
  unfinished: { path: string; time: Date }[];
}

/** By `FEED/VERSION`. */
export async function progressOf(session: Session, source: string): Promise<Map<string, Progress>> {
  const rows = await session.rows<{ feed: string; version: string; newest: Date }>(
    `SELECT feed, version, max(partition_ts) AS newest FROM ops.partitions
     WHERE source = $1 AND state IN ('loaded', 'empty', 'reopened') GROUP BY feed, version`,
    [source],
  );
  const progress = new Map<string, Progress>(
    rows.map(({ feed, version, newest }) => [`${feed}/${version}`, { newest, unfinished: [] }]),
  );
  const unfinished = await session.rows<{ feed: string; version: string; path: string; time: Date }>(
    `SELECT feed, version, path, partition_ts AS time FROM ops.partitions
     WHERE source = $1 AND state IN ('unsealed', 'sealed', 'reopened') AND path IS NOT NULL`,
    [source],
  );
  for (const { feed, version, path, time } of unfinished) {
    progress.get(`${feed}/${version}`)?.unfinished.push({ path, time });
  }
  return progress;
}

/** Writes how partitions stand now, in place of how they stood. */
export async function recordPartitions(session: Session, rows: readonly Partition[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  await session.run(
    `DELETE FROM ops.partitions WHERE source = $1 AND path IN (SELECT unnest(from_json($2, '["VARCHAR"]')))`,
    [first.source, JSON.stringify(rows.map(({ path }) => path))],
  );
  await session.insert({ schema: 'ops', table: 'partitions' }, rows);
}

/**
 * Marks as `missing` the partitions that did not come though a later one did, and unmarks those that came after all.
 *
 * The step from one partition to the next is the one seen most often, since published cadences are not always those of
 * the partitions; a feed's own documents decide only until three steps have been seen. Any source of a group may bring
 * a partition.
 * @param since only gaps from here on are looked for
 */
export async function recordGaps(session: Session, lookBackDays: number): Promise<void> {
  const days = Math.trunc(lookBackDays);
  // Those of the look-back are found again below, if they are gaps still; older ones go when the partition comes.
  await session.run(`DELETE FROM ops.partitions AS gap WHERE gap.state = 'missing' AND EXISTS (
  FROM ops.partitions AS come WHERE come.state <> 'missing' AND come.feed_group = gap.feed_group
    AND come.feed = gap.feed AND come.version = gap.version
    AND (come.partition_ts = gap.partition_ts OR come.partition_ts - to_days(${days}) <= gap.partition_ts))`);
  await session.run(`
INSERT INTO ops.partitions BY NAME
WITH come AS (
  SELECT feed_group, feed, version, partition_ts, any_value(source) AS source
  FROM ops.partitions WHERE state <> 'missing' GROUP BY ALL
), recent AS (
  SELECT *, max(partition_ts) OVER feed AS newest FROM come WINDOW feed AS (PARTITION BY feed_group, feed, version)
  QUALIFY partition_ts >= newest - to_days(${days})
), stepped AS (
  SELECT *, partition_ts - lag(partition_ts) OVER (PARTITION BY feed_group, feed, version ORDER BY partition_ts) AS step
  FROM recent
), cadence AS (
  SELECT feed_group, feed, version, any_value(source) AS source, min(partition_ts) AS oldest,
    max(partition_ts) AS newest,
    CASE WHEN count(step) >= 3 THEN mode(step ORDER BY step) ELSE to_minutes(any_value(f.cadence_minutes)) END AS step
  FROM stepped LEFT JOIN ops.feeds f USING (feed_group, feed, version) GROUP BY ALL
), due AS (
  SELECT feed_group, feed, version, source, unnest(generate_series(oldest, newest, step)) AS partition_ts
  FROM cadence WHERE step > INTERVAL 0 SECOND
)
SELECT source, feed_group, feed, version, partition_ts, 'missing' AS state, 0 AS files, 0 AS rows
FROM due ANTI JOIN (FROM ops.partitions) AS known USING (feed_group, feed, version, partition_ts)`);
}

/** Partitions that are missing from a time on. */
export async function countGaps(session: Session, since: Date): Promise<number> {
  const { gaps } = await session.row<{ gaps: number }>(
    `SELECT count(*) AS gaps FROM ops.partitions WHERE state = 'missing' AND partition_ts >= ${timestamp(since)}`,
  );
  return gaps;
}
