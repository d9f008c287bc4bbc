import type { LoadOptions } from '../../load/load-run.ts';
import type { BuildOptions } from '../../models/build/build.ts';
import { run } from '../../run/run.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { openFor } from '../open.ts';
import { reportOutcome } from '../summary.ts';
import { reportTimings } from '../timings-text.ts';

interface RunOptions extends CommonOptions, LoadOptions, BuildOptions {
  timings?: boolean;
}

/** `run`: all of it, in order. */
export default async function runCommand(context: CommandContext<RunOptions>): Promise<number> {
  await using workspace = await openFor(context);
  const starting = performance.now();
  const outcome = await run(workspace, context.options);
  const exitCode = reportOutcome(context, outcome);
  if (context.options.timings) reportTimings(context.logger, { starting, stages: workspace.timings.seconds });
  return exitCode;
}
