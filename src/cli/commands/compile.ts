import { join } from 'node:path';
import { compileAll, compileModel } from '../../operations/compile.ts';
import { openProject } from '../../pipeline/build.ts';
import { count } from '../../pipeline/reporter.ts';
import { openWorkspace } from '../../pipeline/workspace.ts';
import type { CommandContext } from '../command.ts';

/** `compile`: the SQL that a model runs, as text; without a name that of all models, as files. */
export default async function compile(context: CommandContext, name?: string): Promise<number> {
  const config = await context.readConfig();
  await using workspace = await openWorkspace(config, { ...context, reporter: context.logger, dryRun: true });
  const project = await openProject(config, workspace.catalogue);
  if (name !== undefined) {
    context.write(`${await compileModel(project, workspace.session, name)}\n`);
    return 0;
  }
  const target = join(config.directory, 'target');
  const { compiled, run } = await compileAll(project, workspace.session, target);
  context.logger.info(`wrote ${join(target, 'compiled')}: the queries of ${count(compiled, 'model')}`);
  context.logger.info(
    `wrote ${join(target, 'run')}: the statements of ${count(run, 'model')} whose inputs are there`,
  );
  return 0;
}
