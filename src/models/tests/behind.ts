import { ledger } from '../../ledger/ledger.ts';
import type { Session } from '../../warehouse/session.ts';
import type { Project } from '../assemble.ts';

/**
 * Ids of the models whose tables are older than what they are made from: rows came or went since they were built. What is
 * wrong between them and staging then says nothing.
 */
export async function modelsBehind(session: Session, project: Project): Promise<Set<string>> {
  const feeds = await session.rows<{ name: string; newest: number }>(
    `SELECT feed_group || '.' || feed || CASE WHEN version = '1' THEN '' ELSE '__v' || version END AS name,
       greatest(max(file_id), coalesce(max(superseded_by), 0)) AS newest
     FROM ops.files GROUP BY ALL`,
  );
  const newest = new Map(feeds.map((feed) => [feed.name, feed.newest]));
  const built = new Map(
    (await ledger(session).selectFrom('ops.models').select(['model', 'watermark', 'run_id']).execute()).map(
      (row) => [row.model, row],
    ),
  );
  const behind = new Set<string>();
  for (const id of project.graph.order) {
    const model = project.models.get(id);
    const own = built.get(id);
    if (!model) continue;
    const older =
      own === undefined ||
      model.sources.some(({ group, feed }) => (newest.get(`${group}.${feed}`) ?? 0) > own.watermark) ||
      model.refs.some((ref) => behind.has(ref) || (built.get(ref)?.run_id ?? 0) > own.run_id);
    if (older) behind.add(id);
  }
  return behind;
}
