import type { BuildOptions } from '../../models/build/build.ts';
import { buildOnly } from '../../run/run.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { openFor } from '../open.ts';
import { reportOutcome } from '../summary.ts';

/** `build`: staged rows become the tables that analysts query. */
export default async function build(context: CommandContext<CommonOptions & BuildOptions>): Promise<number> {
  await using workspace = await openFor(context);
  return reportOutcome(context, await buildOnly(workspace, context.options));
}
