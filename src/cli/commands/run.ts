import type { LoadOptions } from '../../load/load-run.ts';
import type { BuildOptions } from '../../models/build/build.ts';
import { run } from '../../run/run.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { openFor } from '../open.ts';
import { reportOutcome } from '../summary.ts';

/** `run`: all of it, in order. */
export default async function runCommand(
  context: CommandContext<CommonOptions & LoadOptions & BuildOptions>,
): Promise<number> {
  await using workspace = await openFor(context);
  return reportOutcome(context, await run(workspace, context.options));
}
