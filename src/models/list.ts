import type { Cell, ResultTable } from '../warehouse/values.ts';
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
  const names = ['model', 'materialized', 'tags', 'file', 'reads'];
  return {
    columns: names.map((name) => ({
      name,
      type: name === 'tags' || name === 'reads' ? 'VARCHAR[]' : 'VARCHAR',
    })),
    rows: ids.flatMap((id): Cell[][] => {
      const model = project.models.get(id);
      if (!model) return [];
      const feeds = model.sources.map(({ group, feed }) => `source:${group}.${feed}`);
      return [[id, model.config.materialized, [...model.tags], model.file, [...model.refs, ...feeds]]];
    }),
  };
}
