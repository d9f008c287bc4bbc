import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { StorageError, UsageError } from '../errors.ts';
import type { Project } from '../models/assemble.ts';
import { selectable } from '../models/build/build.ts';
import type { Model } from '../models/model.ts';
import { ProjectError } from '../models/problems.ts';
import { selectModels } from '../models/selection.ts';
import { openWorkspace, type Workspace, type WorkspaceOptions } from './workspace.ts';

/**
 * Opens the loader's own warehouse to ask it, and to change nothing in it.
 * @throws StorageError when it is not there yet
 */
export function openReadOnly(config: Config, options: WorkspaceOptions): Promise<Workspace> {
  if (existsSync(config.warehouse)) return openWorkspace(config, { ...options, dryRun: true });
  throw new StorageError(`${config.warehouse} is not there yet`, { hint: 'asapp-warehouse run makes it' });
}

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
