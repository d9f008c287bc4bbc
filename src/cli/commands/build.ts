import type { BuildOptions } from '../../models/build/build.ts';
import { buildOnly } from '../../run/run.ts';
import { openWorkspace } from '../../workspace/workspace.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { reportOutcome } from '../summary.ts';

/** `build`: staged rows become the tables that analysts query. */
export default async function build(context: CommandContext<CommonOptions & BuildOptions>): Promise<number> {
  const config = await context.readConfig();
  await using workspace = await openWorkspace(config, {
    ...context,
    reporter: context.logger,
    dryRun: context.options.dryRun,
  });
  return reportOutcome(context, await buildOnly(workspace, context.options));
}
