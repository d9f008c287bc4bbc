import { openProject, warnOfMistakes } from '../../models/build/build.ts';
import { listModels } from '../../models/list.ts';
import type { ResultTable } from '../../warehouse/values.ts';
import { openWorkspace } from '../../workspace/workspace.ts';
import type { CommandContext, CommonOptions } from '../command.ts';

type Options = CommonOptions & { select?: string[]; exclude?: string[] };

/** `ls`: which models there are, or a selection means. */
export default async function ls(context: CommandContext<Options>): Promise<number> {
  const { select = [], exclude = [], output } = context.options;
  const config = await context.readConfig();
  await using workspace = await openWorkspace(config, { ...context, reporter: context.logger, dryRun: true });
  const project = await openProject(config, workspace.catalogue);
  warnOfMistakes(project, context.logger);
  const table = listModels(project, select, exclude);
  await context.print(output === 'json' ? table : spelledOut(table));
  return 0;
}

/** Lists as people write them; in JSON they stay lists. */
function spelledOut({ columns, rows }: ResultTable): ResultTable {
  return {
    columns,
    rows: rows.map((row) => row.map((cell) => (Array.isArray(cell) ? cell.join(', ') : cell))),
  };
}
