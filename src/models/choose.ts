import { standingFailures } from '../ledger/failures.ts';
import { latestResults } from '../ledger/tests.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { Project } from './assemble.ts';
import { BuildInputs } from './build/inputs.ts';
import { renderModel } from './relations.ts';
import { asksOfBuilds, type Selectable, type SelectionContext, selectModels } from './selection.ts';
import { leftOutModels } from './withdrawal.ts';

/** As on the command line: parts of a selection. Nothing selected is everything. */
export interface Selection {
  select?: readonly string[];
  exclude?: readonly string[];
}

type Asked = Pick<Workspace, 'session' | 'config'>;

/** Everything that a selection of models can mean. */
export function selectable({ models, broken }: Pick<Project, 'models' | 'broken'>): Selectable[] {
  return [...models.values(), ...broken.values()];
}

/**
 * The models that a selection means.
 * @returns ids in the order in which they are built
 * @throws UsageError for a term that matches nothing
 */
export async function chooseModels(
  workspace: Asked,
  project: Project,
  selection: Selection,
): Promise<string[]> {
  const { select = [], exclude = [] } = selection;
  const builds = await lastBuilds(workspace, project, selection);
  return selectModels(select, exclude, { models: selectable(project), graph: project.graph, ...builds });
}

/** What the ledger says of the last builds and tests, where a selection asks for that. */
export async function lastBuilds(
  { session, config }: Asked,
  project: Project,
  { select = [], exclude = [] }: Selection,
): Promise<Pick<SelectionContext, 'modified' | 'failed'>> {
  if (!asksOfBuilds([...select, ...exclude])) return {};
  const inputs = await BuildInputs.read(session);
  const unproven = unprovenModels(project, inputs, leftOutModels(project, config.sources));
  const results = await latestResults(session);
  const failed = [...results].filter(([, { status }]) => status === 'fail' || status === 'error');
  const failures = await standingFailures(session, ['model']);
  return {
    failed: new Set([...failed.map(([test]) => test), ...failures.map(({ name }) => name)]),
    ...(inputs.built.size > 0 && { modified: new Set([...unproven, ...project.broken.keys()]) }),
  };
}

/**
 * Ids of models that can be built, and never were as they are written now.
 * @param leftOut models that are not to be there
 */
export function unprovenModels(
  project: Project,
  inputs: BuildInputs,
  leftOut: ReadonlyMap<string, string>,
): string[] {
  const fed = new Set<string>();
  return project.graph.order.filter((id) => {
    const model = project.models.get(id);
    if (!model || leftOut.has(id) || !inputs.hasFeeds(model) || !model.refs.every((ref) => fed.has(ref)))
      return false;
    fed.add(id);
    return inputs.built.get(id)?.text !== inputs.of(model, renderModel(model)).text;
  });
}
