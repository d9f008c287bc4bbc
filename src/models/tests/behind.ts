import type { StagingProgress } from '../../ledger/feeds.ts';
import type { BuiltModel } from '../../ledger/tables.ts';
import type { Project } from '../assemble.ts';

/**
 * Ids of the models whose tables are older than what they are made from: rows came or went since they were built. What is
 * wrong between them and staging then says nothing. Pure.
 */
export function modelsBehind(
  project: Project,
  feeds: ReadonlyMap<string, StagingProgress>,
  built: ReadonlyMap<string, BuiltModel>,
): Set<string> {
  const newest = (feed: StagingProgress | undefined) => Math.max(feed?.file ?? 0, feed?.replacing ?? 0);
  const behind = new Set<string>();
  for (const id of project.graph.order) {
    const model = project.models.get(id);
    const own = built.get(id);
    if (!model) continue;
    const older =
      own === undefined ||
      model.sources.some(({ group, feed }) => newest(feeds.get(`${group}.${feed}`)) > own.watermark) ||
      model.refs.some((ref) => behind.has(ref) || (built.get(ref)?.run_id ?? 0) > own.run_id);
    if (older) behind.add(id);
  }
  return behind;
}
