import { verify } from '../../audit/verify/verify.ts';
import { openProject, warnOfMistakes } from '../../models/build/build.ts';
import { count } from '../../text.ts';
import { tableOf } from '../../warehouse/values.ts';
import { openReadOnly } from '../../workspace/read-only.ts';
import type { CommandContext, CommonOptions } from '../command.ts';

type VerifyCommandOptions = CommonOptions & { select?: string[]; exclude?: string[]; sample?: number };

/** `verify`: proves from stored data that nothing was lost or counted twice. */
export default async function verifyCommand(context: CommandContext<VerifyCommandOptions>): Promise<number> {
  const { logger, options } = context;
  const config = await context.readConfig();
  await using workspace = await openReadOnly(config, { ...context, reporter: logger });
  const project = await openProject(config, workspace.catalogue);
  warnOfMistakes(project, logger);
  const findings = await verify(workspace, project, { ...options, random: Math.random });
  logger.progress.stop();
  await context.print(tableOf(['check', 'name', 'result', 'detail'], findings));
  const broken = findings.filter(({ result }) => result === 'broken');
  for (const { check, name, detail } of broken) logger.warn(`${check} does not hold: ${name}: ${detail}`);
  const skipped = findings.filter(({ result }) => result === 'skipped').length;
  const held = findings.length - skipped - broken.length;
  const rest = skipped > 0 ? `, ${count(skipped, 'model')} skipped` : '';
  logger.info(`${count(held, 'check')} of ${held + broken.length} hold${rest}`);
  return broken.length > 0 ? 3 : 0;
}
