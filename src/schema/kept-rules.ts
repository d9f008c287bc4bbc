import { openProject } from '../models/build/build.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { isOfRule, keptFile } from './compare/affected-models.ts';

/**
 * A note to append to the description of a change: `''`, unless the feed's model is the user's own and does not follow
 * the change.
 */
export type KeptRuleNote = (group: string, change: { kind: string; feed: string }) => string;

/**
 * Finds which changes concern a model of the user's own that states its own key or ordering. Models are only read when
 * one of the changes is of that kind.
 * @throws ModelError when the folder of models cannot be read
 */
export async function keptRuleNotes(
  { config, catalogue }: Pick<Workspace, 'config' | 'catalogue'>,
  changes: readonly { kind: string }[],
): Promise<KeptRuleNote> {
  if (config.models === undefined || !changes.some(isOfRule)) return () => '';
  const project = await openProject(config, catalogue);
  return (group, change) => {
    const file = keptFile(project, group, change);
    return file === undefined ? '' : `; ${file} is your own and keeps its own rule`;
  };
}
