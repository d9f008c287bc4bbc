import { stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { schemaReference, starterConfig } from '../../config/starter.ts';
import { UsageError } from '../../errors.ts';
import { INSTALLATION } from '../../installation.ts';
import type { CommandContext, CommonOptions } from '../command.ts';

/** `init`: writes a starter configuration, and never overwrites anything. */
export default async function init({
  options,
  logger,
}: CommandContext<CommonOptions & { demo?: boolean }>): Promise<number> {
  const feeds = join(dirname(options.config), 'feeds');
  const schema = schemaReference(resolve(dirname(options.config)), INSTALLATION);
  for (const path of options.demo ? [options.config, feeds] : [options.config]) {
    if (!(await stat(path).catch(() => undefined))) continue;
    throw new UsageError(`${path} is there already, and is not written over`, {
      hint: 'use another folder, or --config with another name',
    });
  }
  if (options.demo) {
    const { writeSampleFeeds } = await import('../../samples/samples.ts');
    const { files, rows } = await writeSampleFeeds(feeds);
    logger.info(
      `wrote ${feeds}: sample feeds, ${files.toLocaleString('en-US')} files, ${rows.toLocaleString('en-US')} rows`,
    );
  }
  await writeFile(options.config, starterConfig({ demo: options.demo === true, schema }), { flag: 'wx' });
  logger.info(`wrote ${options.config}`);
  logger.info(
    options.demo ? 'next: asapp-warehouse run' : `next: fill in ${options.config}, then asapp-warehouse run`,
  );
  return 0;
}
