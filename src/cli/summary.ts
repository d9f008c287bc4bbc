import prettyBytes from 'pretty-bytes';
import type { Attention } from '../attention.ts';
import { count } from '../pipeline/reporter.ts';
import type { Outcome } from '../pipeline/run.ts';
import type { CommandContext } from './command.ts';
import type { Logger } from './log.ts';

/** Says at the end what was done, and what a person should look at; @returns the exit code. */
export function reportOutcome({ logger, options }: CommandContext, outcome: Outcome): number {
  logger.progress.stop();
  const { loaded, built, tests, published, attention, exitCode } = outcome;
  if (options.dryRun) {
    for (const { source, group, feed, version, partitions, files, bytes } of loaded?.planned ?? []) {
      logger.info(
        `would load ${count(files, 'file')} in ${count(partitions, 'partition')} (${prettyBytes(bytes)})  ${group}.${feed} version ${version} from ${source}`,
      );
    }
    if (loaded && loaded.planned.length === 0) logger.info('nothing to load');
    for (const { model } of built?.planned ?? []) logger.info(`would build ${model}`);
    return exitCode;
  }
  const parts = [];
  if (loaded) {
    parts.push(
      loaded.files === 0
        ? 'nothing new to load'
        : `loaded ${count(loaded.files, 'file')} (${prettyBytes(loaded.bytes)}), ${count(loaded.rows, 'row')} staged, ${loaded.rejected.toLocaleString('en-US')} rejected`,
    );
  }
  if (built && built.built.length > 0) parts.push(`built ${count(built.built.length, 'model')}`);
  if (tests && tests.length > 0) parts.push(`ran ${count(tests.length, 'test')}`);
  if (published) parts.push('published');
  logger.info(parts.join('; ') || 'nothing to do');
  reportAttention(logger, attention);
  if (attention.length > 0) logger.warn('asapp-warehouse status shows more');
  return exitCode;
}

/** Says what a person should look at, an item a line. */
export function reportAttention(logger: Logger, items: readonly Attention[]): void {
  for (const { message, ...fields } of items) logger.warn(message, { hint: fields.hint, item: fields });
}
