import type { LoadOptions } from '../../load/load-run.ts';
import { loadOnly } from '../../run/run.ts';
import { openWorkspace } from '../../workspace/workspace.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { reportOutcome } from '../summary.ts';

/** `load`: what is new becomes staged rows. */
export default async function load(context: CommandContext<CommonOptions & LoadOptions>): Promise<number> {
  const config = await context.readConfig();
  await using workspace = await openWorkspace(config, {
    ...context,
    reporter: context.logger,
    dryRun: context.options.dryRun,
  });
  return reportOutcome(context, await loadOnly(workspace, context.options));
}
