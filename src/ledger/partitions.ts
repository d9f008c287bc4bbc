import type { Session } from '../warehouse/session.ts';
import { timestamp } from '../warehouse/sql.ts';
import type { Partition } from './tables.ts';

/** Whether a partition has come, as SQL: all of it is staged, or was before it was exported again. */
export const HAS_COME = "state IN ('loaded', 'empty', 'reopened')";

/** A partition that is known and not loaded, and is looked for by its own path. */
interface AwaitedPartition {
  time: Date;
  /** Its folder; undefined while it is missing. */
  path: string | undefined;
}

/** How far a feed of a source has come: where its look-back begins, and which older partitions to look for besides. */
export interface FeedProgress {
  /** The newest partition that is not in the future; one in the future must not move the look-back. */
  newest: Date;
  /** When the whole feed was last listed; undefined when that has never been completed. */
  listedAt: Date | undefined;
  /** Partitions older than the look-back that are not sealed, not loaded, `empty` or missing. */
  awaited: AwaitedPartition[];
  /** The folder of one partition, which shows how deep such folders lie. */
  sample: string;
}

/**
 * For how many of the newest days partitions are looked for one by one, since each costs a request in every run. Older
 * ones are found when everything is listed. Empty exports get fewer days: they are normal in quiet hours, and are
 * hardly ever filled later.
 */
const AWAITED_DAYS = { open: 32, empty: 8 };

/** The progress of each feed of a source, by `FEED/VERSION`. */
export async function feedProgress(
  session: Session,
  source: string,
  { now, lookBackDays }: { now: Date; lookBackDays: number },
): Promise<Map<string, FeedProgress>> {
  interface Come {
    feed_group: string;
    feed: string;
    version: string;
    newest: Date;
    listedAt: Date | null;
  }
  const come = await session.rows<Come>(
    `SELECT feed_group, feed, version, coalesce(newest, $2) AS newest, listed_at AS "listedAt"
     FROM (SELECT feed_group, feed, version, max(partition_ts) FILTER (partition_ts <= $2) AS newest
       FROM ops.partitions WHERE source = $1 AND ${HAS_COME} GROUP BY ALL)
     LEFT JOIN (SELECT feed, version, listed_at FROM ops.listings WHERE source = $1) USING (feed, version)`,
    [source, now],
  );
  const progress = new Map<string, FeedProgress>(
    come.map(({ feed, version, newest, listedAt }) => [
      `${feed}/${version}`,
      { newest, listedAt: listedAt ?? undefined, sample: '', awaited: [] },
    ]),
  );
  const oldest = new Date(Math.min(...come.map(({ newest }) => newest.getTime()), now.getTime()));
  const samples = await session.rows<{ key: string; path: string }>(
    `SELECT feed || '/' || version AS key, path
     FROM (FROM ops.partitions WHERE source = $1 AND partition_ts >= ${timestamp(oldest)} AND path IS NOT NULL)
     JOIN (SELECT unnest(from_json($2, '[{"feed_group":"VARCHAR","feed":"VARCHAR","version":"VARCHAR","newest":"TIMESTAMP"}]'),
       max_depth := 2)) USING (feed_group, feed, version)
     WHERE partition_ts = newest`,
    [source, JSON.stringify(come)],
  );
  for (const { key, path } of samples) {
    const of = progress.get(key);
    if (of) of.sample = path;
  }
  const awaited = await session.rows<{ key: string; path: string | null; time: Date }>(
    `WITH feeds AS (SELECT unnest(from_json($2,
       '[{"feed_group":"VARCHAR","feed":"VARCHAR","version":"VARCHAR","newest":"TIMESTAMP"}]'), max_depth := 2))
     SELECT feed || '/' || version AS key, path, partition_ts AS time
     FROM (FROM ops.partitions WHERE state IN ('missing', 'unsealed', 'sealed', 'reopened', 'empty')
       AND (state = 'missing' OR source = $1)) JOIN feeds USING (feed_group, feed, version)
     WHERE partition_ts < date_trunc('day', newest - to_days($3::INTEGER))
     QUALIFY dense_rank() OVER (PARTITION BY feed_group, feed, version, state = 'empty' ORDER BY partition_ts::DATE DESC)
       <= CASE state WHEN 'empty' THEN ${AWAITED_DAYS.empty} ELSE ${AWAITED_DAYS.open} END`,
    [source, JSON.stringify(come), Math.trunc(lookBackDays)],
  );
  for (const { key, path, time } of awaited) {
    progress.get(key)?.awaited.push({ time, path: path ?? undefined });
  }
  return progress;
}

/** Records the present state of partitions, in place of the earlier one. */
export async function recordPartitions(session: Session, rows: readonly Partition[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  // With the first of their times, so that it need not read all of the history.
  const since = new Date(Math.min(...rows.map(({ partition_ts }) => partition_ts.getTime())));
  await session.run(
    `DELETE FROM ops.partitions WHERE source = $1 AND partition_ts >= ${timestamp(since)}
       AND path IN (SELECT unnest(from_json($2, '["VARCHAR"]')))`,
    [first.source, JSON.stringify(rows.map(({ path }) => path))],
  );
  await session.insert({ schema: 'ops', table: 'partitions' }, rows);
}

/** Partitions of a feed that are in the future, and that nobody has acknowledged. */
export interface FuturePartitions {
  source: string;
  feed_group: string;
  feed: string;
  version: string;
  partitions: number;
  path: string;
}

export async function futurePartitions(session: Session, now: Date): Promise<FuturePartitions[]> {
  return session.rows<FuturePartitions>(
    `SELECT source, feed_group, feed, version, count(*) AS partitions, arg_max(path, partition_ts) AS path
     FROM ops.partitions WHERE state <> 'missing' AND partition_ts > ${timestamp(now)} AND acknowledged_at IS NULL
     GROUP BY ALL ORDER BY ALL`,
  );
}
