import { UsageError } from '../../errors.ts';
import {
  discardRejects,
  listRejects,
  type RejectChoice,
  rejectedText,
  replayRejects,
} from '../../operations/rejects.ts';
import { count } from '../../pipeline/reporter.ts';
import { openWorkspace } from '../../pipeline/workspace.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import { ANY_SOURCES, type CommandContext, type CommonOptions } from '../command.ts';

/** `rejects list`: which lines could not be staged, and why. */
export async function list(context: CommandContext<CommonOptions & { all?: boolean }>): Promise<number> {
  const config = await context.readConfig(ANY_SOURCES);
  await using warehouse = await Warehouse.open(config.warehouse, { readOnly: true });
  const session = await warehouse.session();
  await context.print(await listRejects(session, context.options.all === true));
  return 0;
}

/** `rejects show`: one line as it was delivered, byte for byte. */
export async function show(context: CommandContext, file: string, line: string): Promise<number> {
  const config = await context.readConfig(ANY_SOURCES);
  await using warehouse = await Warehouse.open(config.warehouse, { readOnly: true });
  const session = await warehouse.session();
  await context.write(await rejectedText(session, wholeNumber(file), wholeNumber(line)));
  await context.write('\n');
  return 0;
}

/** `rejects discard`: a person has looked at them, and they stay out. */
export async function discard(context: CommandContext, file?: string, line?: string): Promise<number> {
  const choice = choiceOf(file, line);
  const config = await context.readConfig();
  await using workspace = await openWorkspace(config, { ...context, reporter: context.logger });
  const lines = await discardRejects(workspace.session, choice, context.clock());
  context.logger.info(`discarded ${count(lines, 'rejected line')}; they are kept in ops.rejected_rows`);
  return 0;
}

/** `rejects replay`: reads them again, for when what kept them out has changed. */
export async function replay(context: CommandContext, file?: string, line?: string): Promise<number> {
  const choice = choiceOf(file, line);
  const config = await context.readConfig();
  await using workspace = await openWorkspace(config, { ...context, reporter: context.logger });
  const { staged, left } = await replayRejects(workspace, choice);
  context.logger.info(`staged ${count(staged, 'line')}; ${count(left, 'line')} still rejected`);
  if (staged > 0) context.logger.info('next: asapp-warehouse build');
  return 0;
}

function choiceOf(file?: string, line?: string): RejectChoice {
  return {
    fileId: file === undefined ? undefined : wholeNumber(file),
    line: line === undefined ? undefined : wholeNumber(line),
  };
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new UsageError(`${text} is not the number of a file or a line`, {
    hint: 'asapp-warehouse rejects list shows both',
  });
}
