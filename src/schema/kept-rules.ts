import { openProject } from '../models/build/build.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { isOfRule, keptFile } from './compare/affected-models.ts';

/** What is said behind the words of a change: `''`, unless the feed's model is the user's own and takes no notice of it. */
export type KeptRules = (group: string, change: { kind: string; feed: string }) => string;

/**
 * Looks for models of the user's own among those that changes are about. Reads them only where one of the changes is of what
 * a model says for itself.
 * @throws ModelError when the folder of models cannot be read
 */
export async function keptRules(
  { config, catalogue }: Pick<Workspace, 'config' | 'catalogue'>,
  changes: readonly { kind: string }[],
): Promise<KeptRules> {
  if (config.models === undefined || !changes.some(isOfRule)) return () => '';
  const project = await openProject(config, catalogue);
  return (group, change) => {
    const file = keptFile(project, group, change);
    return file === undefined ? '' : `; ${file} is your own and keeps its own rule`;
  };
}
