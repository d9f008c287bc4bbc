import { UsageError } from '../../errors.ts';
import {
  countRejects,
  discardRejects,
  listRejects,
  type RejectChoice,
  rejectedText,
  replayRejects,
} from '../../load/rejects.ts';
import { count } from '../../text.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { type CommandContext, type CommonOptions, IGNORE_SOURCE_PROBLEMS } from '../command.ts';
import { openFor } from '../open.ts';
import { askWhether, canAsk } from '../prompt.ts';

/** `rejects list`: which lines could not be staged, and why. */
export async function list(context: CommandContext<CommonOptions & { all?: boolean }>): Promise<number> {
  const config = await context.readConfig(IGNORE_SOURCE_PROBLEMS);
  await using warehouse = await Warehouse.open(config.warehouse, { readOnly: true });
  const session = await warehouse.session();
  await context.print(await listRejects(session, context.options.all === true));
  return 0;
}

/** `rejects show`: one line as it was delivered, byte for byte. */
export async function show(context: CommandContext, file: string, line: string): Promise<number> {
  const config = await context.readConfig(IGNORE_SOURCE_PROBLEMS);
  await using warehouse = await Warehouse.open(config.warehouse, { readOnly: true });
  const session = await warehouse.session();
  await context.write(await rejectedText(session, wholeNumber(file), wholeNumber(line)));
  await context.write('\n');
  return 0;
}

type ChoiceOptions = CommonOptions & { feed?: string[]; all?: boolean };

/**
 * `rejects discard`: marks rejected lines as discarded by a person. Discarding all of them takes an explicit `--all`:
 * it cannot be undone, and somebody who only types `rejects discard` may want to see what it does.
 */
export async function discard(
  context: CommandContext<ChoiceOptions>,
  file?: string,
  line?: string,
): Promise<number> {
  const { options, logger, clock } = context;
  const choice = choiceOf(options, file, line);
  await using workspace = await openFor(context);
  const lines = await countChosen(workspace, choice);
  const what = count(lines, 'rejected line');
  if (options.dryRun) logger.info(`would discard ${what}`);
  else if (lines === 0 || (await mayDiscard(choice, options, what))) {
    await discardRejects(workspace.session, choice, clock());
    logger.info(`discarded ${what}; they are kept in ops.rejected_rows`);
  } else logger.info('nothing was discarded');
  return 0;
}

/** @throws UsageError when no lines are named, and nobody can be asked */
async function mayDiscard(choice: RejectChoice, { all }: ChoiceOptions, what: string): Promise<boolean> {
  if (all || isNarrowed(choice)) return true;
  const terminal = { input: process.stdin, output: process.stderr };
  if (canAsk(terminal)) return await askWhether(`discard ${what}? [y/N] `, terminal);
  throw new UsageError(`rejects discard would discard ${what}: say which, or --all`, {
    hint: 'asapp-warehouse rejects discard FILE [LINE], or --feed FEED; rejects list shows them',
  });
}

/** `rejects replay`: reads rejected lines again, after the reason for their rejection is gone. */
export async function replay(
  context: CommandContext<ChoiceOptions>,
  file?: string,
  line?: string,
): Promise<number> {
  const { options, logger } = context;
  const choice = choiceOf(options, file, line);
  await using workspace = await openFor(context);
  const lines = await countChosen(workspace, choice);
  if (options.dryRun) {
    logger.info(`would read ${count(lines, 'rejected line')} again`);
    return 0;
  }
  const { staged, left } = await replayRejects(workspace, choice);
  logger.info(`staged ${count(staged, 'line')}; ${count(left, 'line')} still rejected`);
  if (staged > 0) logger.info('next: asapp-warehouse build');
  return 0;
}

/**
 * @throws UsageError when a choice matches nothing: it was probably mistyped, and doing nothing would look like success
 */
async function countChosen({ session }: Workspace, choice: RejectChoice): Promise<number> {
  const lines = await countRejects(session, choice);
  if (lines > 0 || !isNarrowed(choice)) return lines;
  throw new UsageError('no rejected line of these waits', {
    hint: 'asapp-warehouse rejects list shows those that do',
  });
}

function choiceOf({ feed, all }: ChoiceOptions, file?: string, line?: string): RejectChoice {
  const choice = {
    feeds: feed,
    fileId: file === undefined ? undefined : wholeNumber(file),
    line: line === undefined ? undefined : wholeNumber(line),
  };
  if (all && isNarrowed(choice))
    throw new UsageError('--all goes with no file, line or feed', { hint: 'leave one of them out' });
  return choice;
}

function isNarrowed({ feeds, fileId }: RejectChoice): boolean {
  return feeds !== undefined || fileId !== undefined;
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`${text} is not the number of a file or a line`, {
    hint: 'asapp-warehouse rejects list shows both',
  });
}
