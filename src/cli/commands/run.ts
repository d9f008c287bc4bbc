import type { LoadOptions } from '../../load/load-run.ts';
import type { BuildOptions } from '../../models/build/build.ts';
import { run } from '../../run/run.ts';
import { openWorkspace } from '../../workspace/workspace.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { reportOutcome } from '../summary.ts';

/** `run`: all of it, in order. */
export default async function runCommand(
  context: CommandContext<CommonOptions & LoadOptions & BuildOptions>,
): Promise<number> {
  const config = await context.readConfig();
  await using workspace = await openWorkspace(config, {
    ...context,
    reporter: context.logger,
    dryRun: context.options.dryRun,
  });
  return reportOutcome(context, await run(workspace, context.options));
}
