import { join, resolve } from 'node:path';
import { openProject, warnOfMistakes } from '../../models/build/build.ts';
import { count } from '../../text.ts';
import { generateDocs } from '../../web/docs.ts';
import type { CommandContext, CommonOptions } from '../command.ts';
import { openFor } from '../open.ts';

interface GenerateOptions extends CommonOptions {
  outputDir?: string;
}

/** `docs generate`: the documentation as one page, with dbt's artifacts beside it. */
export async function generate(context: CommandContext<GenerateOptions>): Promise<number> {
  await using workspace = await openFor(context, true);
  const { config, session, catalogue } = workspace;
  const { outputDir } = context.options;
  const directory = outputDir === undefined ? join(config.directory, 'target') : resolve(outputDir);
  const project = await openProject(config, catalogue);
  warnOfMistakes(project, context.logger);
  const written = await generateDocs(
    { config, catalogue, project, session, now: context.clock() },
    directory,
  );
  const { index, models, feeds, tests } = written;
  context.logger.info(
    `wrote ${index}: ${count(models, 'model')}, ${count(feeds, 'feed')}, ${count(tests, 'test')}; manifest.json and run_results.json beside it`,
  );
  return 0;
}
