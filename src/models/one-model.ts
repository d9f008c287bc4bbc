import { UsageError } from '../errors.ts';
import type { Project } from './assemble.ts';
import { selectable } from './choose.ts';
import type { Model } from './model.ts';
import { ProjectError } from './problems.ts';
import { selectModels } from './selection.ts';

/**
 * The model that a name means.
 * @throws UsageError when no model, or more than one, has the name; ModelError when something is wrong with it
 */
export function oneModel(project: Project, name: string): Model {
  const ids = selectModels([name], [], { models: selectable(project), graph: project.graph });
  const broken = ids.length === 1 ? project.broken.get(ids[0] as string) : undefined;
  if (broken) throw new ProjectError(broken.problems);
  const [model, another] = ids.map((id) => project.models.get(id));
  if (model && !another) return model;
  throw new UsageError(`${name} is ${ids.length} models`, { hint: `name one of them: ${ids.join(', ')}` });
}
