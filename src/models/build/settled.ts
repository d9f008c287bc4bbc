import type { Project } from '../assemble.ts';
import type { Model } from '../model.ts';
import { renderModel } from '../relations.ts';
import type { BuildInputs } from './inputs.ts';

/**
 * Ids of the models of which a look before the build would say what it said before their last one, which was that nothing
 * is wrong: what is said of them, the columns of the feeds that they read, and the same of all models that they or their
 * tests read, are as they were then.
 */
export function settledModels({ models, graph }: Project, inputs: BuildInputs): Set<string> {
  const asBuilt = new Set<string>();
  for (const id of graph.order) {
    const model = models.get(id);
    if (model && isAsBuilt(model, inputs) && model.refs.every((ref) => asBuilt.has(ref))) asBuilt.add(id);
  }
  const readBy = ({ tests }: Model) =>
    tests.flatMap(({ check }) => (check.kind === 'relationships' ? [check.to] : []));
  const isSettled = (model: Model) => readBy(model).every((to) => to.kind === 'model' && asBuilt.has(to.id));
  return new Set(
    [...models.values()].filter((model) => asBuilt.has(model.id) && isSettled(model)).map(({ id }) => id),
  );
}

function isAsBuilt(model: Model, inputs: BuildInputs): boolean {
  try {
    return inputs.isAsBuilt(model, renderModel(model));
  } catch {
    // What is wrong with it is said where it is built.
    return false;
  }
}
