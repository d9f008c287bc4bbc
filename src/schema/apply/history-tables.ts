import type { Session } from '../../warehouse/session.ts';
import { literal } from '../../warehouse/sql.ts';
import type { ResultTable } from '../../warehouse/values.ts';

/** What the ledger knows of the schema's history, as tables for people. */

/** Every version of the schema documents: what it is, where it was found, and what it led to. Newest last. */
export function documentHistory(session: Session): Promise<ResultTable> {
  return session.table(`
SELECT d.document_id AS document, d.feed_group AS "group", d.origin, f.source, f.path, f.document_ts AS of,
  d.first_seen_at AS first_seen, f.last_seen_at AS last_seen, left(d.sha256, 12) AS hash, d.feeds, d.columns,
  len(d.problems) AS problems, coalesce(c.changes, 0) AS changes, d.state, d.reason,
  d.document_id = w.document_id AS followed
FROM ops.documents d
LEFT JOIN (
  SELECT document_id, arg_max(source, seen_at) AS source, arg_max(path, seen_at) AS path,
    max(document_ts) AS document_ts, max(seen_at) AS last_seen_at
  FROM ops.document_files GROUP BY document_id) AS f USING (document_id)
LEFT JOIN (SELECT document_id, count(*) AS changes FROM ops.schema_changes GROUP BY document_id) AS c USING (document_id)
LEFT JOIN ops.followed_documents AS w USING (feed_group)
ORDER BY d.document_id`);
}

/** All changes of one feed. Newest last. */
export function feedHistory(session: Session, feed: string): Promise<ResultTable> {
  const name = `c.feed || CASE WHEN coalesce(c.version, '1') = '1' THEN '' ELSE '__v' || c.version END`;
  return session.table(`
SELECT c.change_id AS change, c.detected_at, coalesce(c.feed_group || '.', '') || ${name} AS feed, c.column_name AS column,
  c.kind, c.severity, c.before, c.after, c.decision, c.decided_at, c.rows_rewritten, c.source, c.document_id AS document
FROM ops.schema_changes c
WHERE ${literal(feed)} IN (c.feed, ${name}, c.feed_group || '.' || ${name})
ORDER BY c.change_id`);
}
