import type { FeedVersion } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import { timestamp } from '../warehouse/sql.ts';

/** Of one hole, only so many days are recorded partition by partition: a longer list would say no more. */
const LONGEST_HOLE_DAYS = 32;

export interface GapOptions {
  lookBackDays: number;
  now: Date;
  /** Feeds whose whole history was just listed: all of it is searched for gaps, not only the look-back. */
  whole: readonly (FeedVersion & { feed_group: string })[];
}

/**
 * Finds the partitions that should lie between those that came, and puts them into the temporary table
 * `due_partitions`.
 *
 * The expected step between partitions is the most frequent one of the same week, since published cadences are not
 * always right and change over the years. The documented cadence is only used inside the look-back, while fewer than
 * three steps have been seen. A partition counts as come whichever source of the group brought it. Partitions in the
 * future are ignored: one dated 2031 does not make everything before it missing.
 */
export async function findDuePartitions(
  session: Session,
  { lookBackDays, now, whole }: GapOptions,
): Promise<void> {
  const days = Math.trunc(lookBackDays);
  await session.run(
    `CREATE OR REPLACE TEMP TABLE due_partitions AS
WITH newest AS (
  SELECT feed_group, feed, version, max(partition_ts) AS newest
  FROM ops.partitions WHERE state <> 'missing' AND partition_ts <= ${timestamp(now)} GROUP BY ALL
), whole AS (
  SELECT DISTINCT unnest(from_json($1, '[{"feed_group":"VARCHAR","feed":"VARCHAR","version":"VARCHAR"}]'), max_depth := 2)
), searched AS (
  SELECT feed_group, feed, version, newest - to_days(${days}) AS recently, whole.feed IS NOT NULL AS listed
  FROM newest LEFT JOIN whole USING (feed_group, feed, version)
), ranged AS (
  SELECT feed_group, feed, version, partition_ts, any_value(source) AS source, partition_ts >= recently AS recent, listed
  FROM ops.partitions JOIN searched USING (feed_group, feed, version)
  WHERE state <> 'missing' AND partition_ts <= ${timestamp(now)} AND (partition_ts >= recently OR listed) GROUP BY ALL
), stepped AS (
  SELECT *, lead(partition_ts) OVER (PARTITION BY feed_group, feed, version ORDER BY partition_ts) AS next,
    next - partition_ts AS step, CASE WHEN recent THEN NULL ELSE time_bucket(INTERVAL 7 DAY, partition_ts) END AS week
  FROM ranged
), usual AS (
  SELECT feed_group, feed, version, week, count(step) AS steps, mode(step ORDER BY step) AS usual
  FROM stepped GROUP BY ALL
), expected AS (
  SELECT s.*, CASE WHEN u.steps >= 3 THEN u.usual WHEN s.recent THEN to_minutes(f.cadence_minutes) END AS due_step
  FROM stepped AS s
  JOIN usual AS u ON (s.feed_group, s.feed, s.version) = (u.feed_group, u.feed, u.version)
    AND s.week IS NOT DISTINCT FROM u.week
  LEFT JOIN ops.feeds AS f ON (s.feed_group, s.feed, s.version) = (f.feed_group, f.feed, f.version)
  WHERE s.next IS NOT NULL
)
SELECT feed_group, feed, version, source, unnest(range(partition_ts + due_step,
  least(next, partition_ts + to_days(${LONGEST_HOLE_DAYS})), due_step)) AS partition_ts
FROM expected WHERE due_step > INTERVAL 0 SECOND AND partition_ts + due_step < next`,
    [JSON.stringify(whole)],
  );
}

/**
 * Marks partitions as `missing` that did not come though a later one did. Such a gap closes when the partition comes.
 * Inside the look-back it also closes when the partition turns out not to be due, since it may have been expected too
 * early.
 */
export async function recordGaps(session: Session, options: GapOptions): Promise<void> {
  await findDuePartitions(session, options);
  const found = await session.row<{ due: number; missing: number }>(
    `SELECT (SELECT count(*) FROM due_partitions) AS due,
       (SELECT count(*) FROM ops.partitions WHERE state = 'missing') AS missing`,
  );
  if (found.missing > 0) await closeGaps(session, options);
  if (found.due > 0)
    await session.run(`INSERT INTO ops.partitions BY NAME
SELECT source, feed_group, feed, version, partition_ts, 'missing' AS state, 0 AS files, 0 AS rows
FROM due_partitions ANTI JOIN (FROM ops.partitions) AS known USING (feed_group, feed, version, partition_ts)`);
  await session.run('DROP TABLE due_partitions');
}

async function closeGaps(session: Session, { lookBackDays, now }: GapOptions): Promise<void> {
  const days = Math.trunc(lookBackDays);
  await session.run(`DELETE FROM ops.partitions AS gap WHERE gap.state = 'missing' AND EXISTS (
  FROM ops.partitions AS come WHERE come.state <> 'missing' AND come.feed_group = gap.feed_group
    AND come.feed = gap.feed AND come.version = gap.version AND come.partition_ts = gap.partition_ts)`);
  await session.run(`DELETE FROM ops.partitions AS gap WHERE gap.state = 'missing' AND gap.partition_ts >= (
  SELECT max(come.partition_ts) - to_days(${days}) FROM ops.partitions AS come
  WHERE come.state <> 'missing' AND come.partition_ts <= ${timestamp(now)}
    AND come.feed_group = gap.feed_group AND come.feed = gap.feed AND come.version = gap.version)
  AND (gap.feed_group, gap.feed, gap.version, gap.partition_ts) NOT IN (
    SELECT (feed_group, feed, version, partition_ts) FROM due_partitions)`);
}

/** The missing partitions of a feed that nobody has acknowledged. */
export interface Gap {
  feed_group: string;
  feed: string;
  version: string;
  missing: number;
  first: Date;
  last: Date;
}

export async function openGaps(session: Session): Promise<Gap[]> {
  return session.rows<Gap>(
    `SELECT feed_group, feed, version, count(DISTINCT partition_ts) AS missing, min(partition_ts) AS first,
       max(partition_ts) AS last
     FROM ops.partitions WHERE state = 'missing' AND acknowledged_at IS NULL GROUP BY ALL ORDER BY ALL`,
  );
}
