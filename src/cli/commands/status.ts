import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Attention } from '../../attention.ts';
import { feedStatus } from '../../audit/status.ts';
import type { Config } from '../../config/config.ts';
import { BusyError, StorageError, UsageError } from '../../errors.ts';
import { type LastRun, lastRun } from '../../ledger/last-run.ts';
import { ledgerIsCurrent } from '../../ledger/migrations.ts';
import { isBehindCopy } from '../../publish/behind.ts';
import { isUntouched } from '../../publish/left.ts';
import { acknowledge } from '../../run/acknowledge.ts';
import { attentionOf } from '../../run/attention/attention.ts';
import { count, didYouMean } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import type { ResultTable } from '../../warehouse/values.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import { openWorkspace } from '../../workspace/workspace.ts';
import { ANY_SOURCES, type CommandContext, type CommonOptions } from '../command.ts';
import { attentionTable, statusJson } from '../status-json.ts';
import { type Published, type Status, statusLines } from '../status-text.ts';

type Context = CommandContext<
  CommonOptions & { feed?: string[]; attention?: boolean; acknowledge?: boolean }
>;

/**
 * `status`: what the last run said, and what a person should look at, whichever command found it; then a row a feed. Read from the
 * loader's file, or from the published copy while a run holds that. Its exit code is that of the last run, whatever of it
 * is shown: 1 when that failed, 3 while there is something that a person should look at.
 */
export default async function status(context: Context): Promise<number> {
  const { options, clock } = context;
  const config = await context.readConfig(ANY_SOURCES);
  if (options.acknowledge && existsSync(config.warehouse)) await acknowledgeAll(context, config);
  await using warehouse = await openReadable(context, config);
  const session = await warehouse.session();
  if (!(await ledgerIsCurrent(session))) {
    throw new StorageError(`${warehouse.file} was written by an older asapp-warehouse`, {
      hint: 'asapp-warehouse run brings it up to date',
    });
  }
  const whole: Status = {
    lastRun: await lastRun(session),
    published: await publishedCopy(session, config, warehouse.file),
    attention: await attentionOf({ session, config, now: clock() }),
    feeds: await feedStatus(session, { config, now: clock() }),
  };
  const exitCode = exitCodeOf(whole.lastRun, whole.attention);
  const shown = options.feed ? ofFeeds(whole, options.feed) : whole;
  await show(context, shown, exitCode);
  return exitCode;
}

/** `--acknowledge`: a person has seen what is missing, of a time to come or in no place of the layout. */
async function acknowledgeAll(context: Context, config: Config): Promise<void> {
  await using workspace = await openWorkspace(config, { ...context, reporter: context.logger });
  const { missing, coming, misfits } = await acknowledge(workspace.session, context.clock());
  const parts = [
    count(missing, 'missing partition'),
    `${count(coming, 'partition')} of a time to come`,
    `${count(misfits, 'path')} outside the layout`,
  ];
  context.logger.info(`acknowledged ${parts.join(', ')}`);
}

async function openReadable(context: Context, config: Config): Promise<Warehouse> {
  try {
    return await Warehouse.open(config.warehouse, { readOnly: true, patience: 0 });
  } catch (error) {
    const isPublished = await stat(config.publish).catch(() => undefined);
    if (!(error instanceof BusyError) || !isPublished) throw error;
    context.logger.info('a run holds the warehouse: this is how things stood when it was last published');
    return await Warehouse.open(config.publish, { readOnly: true });
  }
}

async function publishedCopy(
  session: Session,
  config: Config,
  opened: string,
): Promise<Published | undefined> {
  const copy = await stat(config.publish).catch(() => undefined);
  if (!copy?.isFile()) return undefined;
  // The copy cannot say what it lacks.
  const behind = opened === config.publish ? undefined : await isBehind(session, config.publish);
  return { at: copy.mtime, behind };
}

async function isBehind(session: Session, file: string): Promise<boolean> {
  if (!(await isUntouched(session, file))) return true;
  try {
    await using copy = await Warehouse.open(file, { readOnly: true, patience: 0 });
    return await isBehindCopy(session, await copy.session());
  } catch {
    // What cannot be opened is no copy that anybody can read.
    return true;
  }
}

function exitCodeOf(last: LastRun | undefined, attention: readonly Attention[]): number {
  if (last?.exit_code === 1 || attention.some(({ kind }) => kind === 'run_failed')) return 1;
  return attention.length > 0 ? 3 : 0;
}

/** What there is of some feeds. @throws UsageError for a name that none has */
function ofFeeds(status: Status, names: readonly string[]): Status {
  const feeds = status.feeds.rows.map(([feed]) => String(feed));
  const isNamed = (feed: string, name: string) => feed === name || feed.endsWith(`.${name}`);
  for (const name of names) {
    if (feeds.some((feed) => isNamed(feed, name))) continue;
    throw new UsageError(`there is no feed named ${name}${didYouMean(name, feeds)}`, {
      hint: 'asapp-warehouse status shows those there are',
    });
  }
  const isChosen = (feed: string | undefined) =>
    feed !== undefined && names.some((name) => isNamed(feed, name));
  return {
    ...status,
    attention: status.attention.filter(({ feed }) => isChosen(feed)),
    feeds: { ...status.feeds, rows: status.feeds.rows.filter(([feed]) => isChosen(String(feed))) },
  };
}

async function show(context: Context, status: Status, exitCode: number): Promise<void> {
  const { options, clock, terminal } = context;
  if (options.output !== 'table') {
    const table: ResultTable = options.attention ? attentionTable(status.attention) : status.feeds;
    // CSV is one table.
    if (options.attention || options.output === 'csv') await context.print(table);
    else await context.write(statusJson(status, exitCode));
    return;
  }
  const lines = statusLines(status, {
    now: clock(),
    width: terminal.width,
    color: terminal.color,
    onlyAttention: options.attention === true,
  });
  let text = '';
  for await (const line of lines) text += `${line}\n`;
  await context.write(text);
}
