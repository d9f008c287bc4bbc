import type { LoadOptions } from '../../load/load-run.ts';
import { loadOnly } from '../../run/run.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { openFor } from '../open.ts';
import { reportOutcome } from '../summary.ts';

/** `load`: what is new becomes staged rows. */
export default async function load(context: CommandContext<CommonOptions & LoadOptions>): Promise<number> {
  await using workspace = await openFor(context);
  return reportOutcome(context, await loadOnly(workspace, context.options));
}
