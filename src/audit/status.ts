import type { Config } from '../config/config.ts';
import { tableNameSql } from '../feeds/names.ts';
import { HAS_COME } from '../ledger/partitions.ts';
import type { Session } from '../warehouse/session.ts';
import { literal, timestamp } from '../warehouse/sql.ts';
import type { ResultTable } from '../warehouse/values.ts';
import { type FeedFreshness, feedFreshness } from './freshness.ts';

/** What the state of feeds depends on besides the ledger. */
export interface StatusContext {
  config: Config;
  now: Date;
  /** How fresh the feeds are, where the asker knows it already. */
  freshness?: readonly FeedFreshness[];
}

/**
 * How fresh and complete each feed is, one row for each. `state` sums it up in one word: `failing` (files cannot be
 * staged), `gaps` (that nobody has acknowledged), `counts differ` (from those that the vendor sent), `future` (a
 * partition in the future), `late` (past its limit) or `due` (soon), else `ok`.
 */
export async function feedStatus(session: Session, context: StatusContext): Promise<ResultTable> {
  const now = timestamp(context.now);
  const freshness = context.freshness ?? (await feedFreshness(session, context));
  const aging = freshness
    .filter(({ state }) => state !== 'fresh')
    .map(({ feed, state }) => ({ name: feed, aging: state }));
  return session.table(`
WITH aging AS (
  SELECT unnest(from_json(${literal(JSON.stringify(aging))}, '[{"name":"VARCHAR","aging":"VARCHAR"}]'), max_depth := 2)
), parts AS (
  SELECT feed_group, feed, version,
    -- Of a feed that only has partitions of a time to come, those.
    coalesce(max(partition_ts) FILTER (${HAS_COME} AND partition_ts <= ${now}),
      max(partition_ts) FILTER (${HAS_COME})) AS newest,
    count(*) FILTER (state IN ('loaded', 'empty')) AS partitions,
    count(*) FILTER (state = 'missing' AND acknowledged_at IS NULL) AS gaps,
    count(*) FILTER (state <> 'missing' AND partition_ts > ${now} AND acknowledged_at IS NULL) AS coming,
    count(*) FILTER (state = 'missing') AS missing,
    count(*) FILTER (state IN ('unsealed', 'sealed', 'reopened')) AS waiting
  FROM ops.partitions GROUP BY ALL
), staged AS (
  SELECT feed_group, feed, version, sum(rows_staged)::BIGINT AS rows
  FROM ops.files WHERE superseded_by IS NULL GROUP BY ALL
), rejected AS (
  SELECT f.feed_group, f.feed, f.version, count(*) AS rejected
  FROM ops.rejected_rows r JOIN ops.files f USING (file_id) WHERE r.resolved_at IS NULL GROUP BY ALL
), failing AS (
  SELECT split_part(path, '/', 1) AS feed, any_value(p.feed_group) AS feed_group, count(DISTINCT b.path) AS failing
  FROM ops.file_failures b JOIN (SELECT DISTINCT source, feed_group FROM ops.partitions) p USING (source)
  WHERE b.resolved_at IS NULL GROUP BY ALL
), counted AS (
  SELECT feed, count(*) AS unreconciled FROM ops.reconciliation
  WHERE NOT reconciles AND over GROUP BY feed
), held AS (
  SELECT feed_group, feed, version, count(*) AS held FROM ops.schema_changes WHERE decision = 'held' GROUP BY ALL
), kept AS (
  SELECT model, rows_kept FROM ops.model_runs WHERE status = 'built'
  QUALIFY row_number() OVER (PARTITION BY model ORDER BY run_id DESC) = 1
)
SELECT p.feed_group || '.' || ${tableNameSql('p')} AS feed,
  CASE WHEN coalesce(x.failing, 0) > 0 THEN 'failing' WHEN p.gaps > 0 THEN 'gaps'
    WHEN coalesce(c.unreconciled, 0) > 0 THEN 'counts differ' WHEN p.coming > 0 THEN 'future'
    ELSE coalesce(a.aging, 'ok') END AS state,
  p.newest AS newest_partition, p.partitions, p.waiting, p.missing,
  coalesce(s.rows, 0) AS staged, k.rows_kept AS deduped, coalesce(r.rejected, 0) AS rejected,
  coalesce(x.failing, 0) AS failing, coalesce(c.unreconciled, 0) AS unreconciled_days, coalesce(h.held, 0) AS held
FROM parts p
LEFT JOIN staged s USING (feed_group, feed, version)
LEFT JOIN rejected r USING (feed_group, feed, version)
LEFT JOIN failing x USING (feed_group, feed)
LEFT JOIN held h USING (feed_group, feed, version)
LEFT JOIN kept k ON k.model = p.feed_group || '.' || p.feed AND p.version = '1'
LEFT JOIN counted c ON c.feed = p.feed AND p.feed_group = 'messaging'
LEFT JOIN aging a
  ON a.name = p.feed_group || '.' || ${tableNameSql('p')}
ORDER BY 1`);
}
