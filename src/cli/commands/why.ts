import { readConditions } from '../../audit/why/condition.ts';
import { upstreamOf } from '../../audit/why/upstream.ts';
import { versionsOf } from '../../audit/why/versions.ts';
import { UsageError } from '../../errors.ts';
import { openProject } from '../../models/build/build.ts';
import { oneModel } from '../../models/one-model.ts';
import { count } from '../../text.ts';
import { presentRelations } from '../../warehouse/tables.ts';
import { openReadOnly } from '../../workspace/read-only.ts';
import { type CommandContext, IGNORE_SOURCE_PROBLEMS } from '../command.ts';

/** `why`: every version of a record that was received, and why one of them won. */
export default async function why(
  context: CommandContext,
  name: string,
  ...words: string[]
): Promise<number> {
  const conditions = readConditions(words);
  const { logger } = context;
  const config = await context.readConfig(IGNORE_SOURCE_PROBLEMS);
  await using workspace = await openReadOnly(config, { ...context, reporter: logger });
  const { session, catalogue } = workspace;
  const project = await openProject(config, catalogue);
  const model = oneModel(project, name);
  const present = await presentRelations(session);
  const isPresent = present.has(model.id);

  if (model.config.materialized !== 'dedup') {
    const { table, rows } = await upstreamOf(session, project, model, conditions, isPresent);
    logger.info(
      `${model.id} is a ${model.config.materialized}, ${rows === 0 ? 'no row' : count(rows, 'row')} of it ${rows === 1 ? 'matches' : 'match'}; its rows come from records of these models`,
    );
    await context.print(table);
    return 0;
  }
  const absent = model.sources.find(({ group, feed }) => !present.has(`staging_${group}.${feed}`));
  if (absent) throw new UsageError(`nothing has come of ${absent.group}.${absent.feed} yet`);
  const { table, records, notBuilt, replacedFiles } = await versionsOf(session, model, conditions, isPresent);
  await context.print(table);
  if (records === 0) logger.info('no such record was received');
  if (isPresent ? (notBuilt ?? 0) > 0 : records > 0)
    logger.warn(`${model.id} was not built since these rows came: asapp-warehouse build`);
  if (replacedFiles > 0) {
    logger.info(
      `${count(replacedFiles, 'file')} had the place of these before they were exported again; whether they had the record is not known`,
    );
  }
  return 0;
}
