import { type ResultTable, tableOf } from '../warehouse/values.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { Project } from './assemble.ts';
import { chooseModels, type Selection } from './choose.ts';

/**
 * The models that a selection means, in the order in which they are built. `reads` names models, and feeds as
 * `source:group.feed`, as a selection does.
 * @throws UsageError for a term that matches nothing
 */
export async function listModels(
  workspace: Pick<Workspace, 'session' | 'config'>,
  project: Project,
  selection: Selection,
): Promise<ResultTable> {
  const ids = await chooseModels(workspace, project, selection);
  const models = ids.flatMap((id) => project.models.get(id) ?? []);
  const rows = models.map(({ id, config, tags, file, refs, sources }) => ({
    model: id,
    materialized: config.materialized,
    tags: [...tags],
    file,
    reads: [...refs, ...sources.map(({ group, feed }) => `source:${group}.${feed}`)],
  }));
  const lists = { tags: 'VARCHAR[]', reads: 'VARCHAR[]' };
  return tableOf(['model', 'materialized', 'tags', 'file', 'reads'], rows, lists);
}
