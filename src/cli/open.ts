import { openWorkspace, type Workspace } from '../workspace/workspace.ts';
import type { CommandContext } from './command.ts';

/**
 * Reads the configuration and opens the loader's warehouse.
 * @param dryRun whether nothing is to be changed; left out: as `--dry-run` says
 * @throws BusyError when another run holds it
 */
export async function openFor(context: CommandContext, dryRun = context.options.dryRun): Promise<Workspace> {
  const config = await context.readConfig();
  return openWorkspace(config, { ...context, reporter: context.logger, dryRun });
}
