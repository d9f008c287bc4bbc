import type { BuildOptions } from '../../pipeline/build.ts';
import type { LoadOptions } from '../../pipeline/load-context.ts';
import { run } from '../../pipeline/run.ts';
import { openWorkspace } from '../../pipeline/workspace.ts';
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
