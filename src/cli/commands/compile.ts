import { join } from 'node:path';
import { openProject, warnOfMistakes } from '../../models/build/build.ts';
import { compileAll, compileModel } from '../../models/compile.ts';
import { writeStarter } from '../../models/starter.ts';
import { count } from '../../text.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { openFor } from '../open.ts';

type CompileOptions = CommonOptions & { starter?: boolean };

/**
 * `compile`: prints the SQL of a model, or without a name writes that of all models to files. With `--starter` it
 * writes a model file for a feed that has none.
 */
export default async function compile(
  context: CommandContext<CompileOptions>,
  name?: string,
): Promise<number> {
  await using workspace = await openFor(context, true);
  const { config } = workspace;
  if (context.options.starter) {
    const file = await writeStarter(workspace.session, config.models, name);
    context.logger.info(`wrote ${file}: look over its key, then asapp-warehouse build`);
    return 0;
  }
  const project = await openProject(config, workspace.catalogue);
  if (name === undefined) warnOfMistakes(project, context.logger);
  if (name !== undefined) {
    await context.write(`${await compileModel(project, workspace.session, name)}\n`);
    return 0;
  }
  const target = join(config.directory, 'target');
  const { compiled, run } = await compileAll(project, workspace.session, target);
  context.logger.info(`wrote ${join(target, 'compiled')}: the queries of ${count(compiled, 'model')}`);
  context.logger.info(
    `wrote ${join(target, 'run')}: the statements of ${count(run, 'model')} whose inputs are there`,
  );
  return project.problems.length > 0 ? 1 : 0;
}
