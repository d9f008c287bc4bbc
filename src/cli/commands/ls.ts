import { openProject, warnOfMistakes } from '../../models/build/build.ts';
import type { Selection } from '../../models/choose.ts';
import { listModels } from '../../models/list.ts';
import type { ResultTable } from '../../warehouse/values.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { openFor } from '../open.ts';

/** `ls`: lists the models, or those that a selection selects. */
export default async function ls(context: CommandContext<CommonOptions & Selection>): Promise<number> {
  await using workspace = await openFor(context, true);
  const project = await openProject(workspace.config, workspace.catalogue);
  warnOfMistakes(project, context.logger);
  const table = await listModels(workspace, project, context.options);
  await context.print(context.options.output === 'json' ? table : listsAsText(table));
  return 0;
}

/** Lists as text for people; in JSON they stay lists. */
function listsAsText({ columns, rows }: ResultTable): ResultTable {
  return {
    columns,
    rows: rows.map((row) => row.map((cell) => (Array.isArray(cell) ? cell.join(', ') : cell))),
  };
}
