import type { Cell, ResultTable } from '../warehouse/values.ts';
import type { Project } from './assemble.ts';
import { selectable } from './build/build.ts';
import { selectModels } from './selection.ts';

/**
 * The models that a selection means, in the order in which they are built. `reads` names models, and feeds as
 * `source:group.feed`, as a selection does.
 * @throws UsageError for a term that matches nothing
 */
export function listModels(
  project: Project,
  select: readonly string[],
  exclude: readonly string[],
): ResultTable {
  const ids = selectModels(select, exclude, { models: selectable(project), graph: project.graph });
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
