import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { StorageError } from '../errors.ts';
import { openWorkspace, type Workspace, type WorkspaceOptions } from './workspace.ts';

/**
 * Opens the loader's own warehouse to ask it, and to change nothing in it.
 * @throws StorageError when it is not there yet
 */
export function openReadOnly(config: Config, options: WorkspaceOptions): Promise<Workspace> {
  if (existsSync(config.warehouse)) return openWorkspace(config, { ...options, dryRun: true });
  throw new StorageError(`${config.warehouse} is not there yet`, { hint: 'asapp-warehouse run makes it' });
}
