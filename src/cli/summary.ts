import prettyBytes from 'pretty-bytes';
import type { Attention } from '../attention.ts';
import type { Outcome } from '../run/record.ts';
import { count } from '../text.ts';
import { bySeverity, restText, someOfEachKind } from './attention-text.ts';
import type { CommandContext, CommonOptions } from './command.ts';

/**
 * Reports at the end what was done, and what a person should look at.
 * @returns the exit code
 */
export function reportOutcome(context: CommandContext, outcome: Outcome): number {
  const { logger, options } = context;
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
    reportAttention(context, attention);
    return exitCode;
  }
  logger.info(
    doneText({
      ...(loaded && { loaded }),
      models: built?.built.length ?? 0,
      tests: tests?.length ?? 0,
      published,
    }),
  );
  reportAttention(context, attention);
  return exitCode;
}

/** What a command did. */
export interface WorkDone {
  /** Left out for commands that do not load. */
  loaded?: { files: number; bytes: number; rows: number; rejected: number };
  models: number;
  tests: number;
  published: boolean;
}

/** `loaded 3 files (12 kB), 40 rows staged, 0 rejected; built 2 models; published`. */
export function doneText({ loaded, models, tests, published }: WorkDone): string {
  const parts = [];
  if (loaded) {
    parts.push(
      loaded.files === 0
        ? 'nothing new to load'
        : `loaded ${count(loaded.files, 'file')} (${prettyBytes(loaded.bytes)}), ${count(loaded.rows, 'row')} staged, ${loaded.rejected.toLocaleString('en-US')} rejected`,
    );
  }
  if (models > 0) parts.push(`built ${count(models, 'model')}`);
  if (tests > 0) parts.push(`ran ${count(tests, 'test')}`);
  if (published) parts.push('published');
  return parts.join('; ') || 'nothing to do';
}

/**
 * Reports the attention items, one on each line, failures first. People get some of many, and how many more there are;
 * machines get all, with their fields.
 */
export function reportAttention(
  { logger, options }: { logger: CommandContext['logger']; options: Pick<CommonOptions, 'logFormat'> },
  items: readonly Attention[],
): void {
  const { shown, rest } =
    options.logFormat === 'json' ? { shown: bySeverity(items), rest: new Map() } : someOfEachKind(items);
  for (const { message, ...fields } of shown) {
    if (fields.severity === 'failed') logger.error(message, fields);
    else logger.warn(message, fields);
  }
  const more = restText(rest);
  if (more !== undefined) logger.warn(more, { hint: 'asapp-warehouse status --attention shows all' });
}
