import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Attention } from '../../attention.ts';
import { feedFreshness } from '../../audit/freshness.ts';
import { feedStatus } from '../../audit/status.ts';
import type { Config } from '../../config/config.ts';
import { BusyError, StorageError, UsageError } from '../../errors.ts';
import { type LastRun, lastRun } from '../../ledger/last-run.ts';
import { ledgerIsCurrent } from '../../ledger/migrations.ts';
import { isBehind } from '../../publish/behind.ts';
import { acknowledge } from '../../run/acknowledge.ts';
import { attentionOf } from '../../run/attention/attention.ts';
import { count, didYouMean } from '../../text.ts';
import { databaseFiles } from '../../warehouse/file-access.ts';
import type { Session } from '../../warehouse/session.ts';
import type { ResultTable } from '../../warehouse/values.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import { openWorkspace } from '../../workspace/workspace.ts';
import { type CommandContext, type CommonOptions, IGNORE_SOURCE_PROBLEMS } from '../command.ts';
import { attentionTable, statusJson } from '../status-json.ts';
import { type PublishedStatus, statusLines, type WarehouseStatus } from '../status-text.ts';

type StatusCommandContext = CommandContext<
  CommonOptions & { feed?: string[]; attention?: boolean; acknowledge?: boolean }
>;

/**
 * `status`: the result of the last run, what a person should look at, and a row for each feed. Read from the loader's
 * file or, while a run holds that, from the published copy. The exit code does not depend on what is shown: 1 when the
 * last run failed, 3 while there are attention items.
 */
export default async function status(context: StatusCommandContext): Promise<number> {
  const { options, clock } = context;
  const config = await context.readConfig(IGNORE_SOURCE_PROBLEMS);
  if (options.acknowledge && existsSync(config.warehouse)) await acknowledgeAll(context, config);
  await using warehouse = await openReadable(context, config);
  const session = await warehouse.session();
  if (!(await ledgerIsCurrent(session))) {
    throw new StorageError(`${warehouse.file} was written by an older asapp-warehouse`, {
      hint: 'asapp-warehouse run brings it up to date',
    });
  }
  const now = clock();
  const freshness = await feedFreshness(session, { config, now });
  const whole: WarehouseStatus = {
    lastRun: await lastRun(session),
    published: await publishedCopy(session, config, warehouse.file),
    attention: await attentionOf({ session, config, now, freshness }),
    feeds: await feedStatus(session, { config, now, freshness }),
  };
  const exitCode = exitCodeOf(whole.lastRun, whole.attention);
  const shown = options.feed ? onlyFeeds(whole, options.feed) : whole;
  await show(context, shown, exitCode);
  return exitCode;
}

/** `--acknowledge`: a person has seen the missing and future partitions, and the files outside the layout. */
async function acknowledgeAll(context: StatusCommandContext, config: Config): Promise<void> {
  await using workspace = await openWorkspace(config, { ...context, reporter: context.logger });
  const { missing, coming, misfits } = await acknowledge(workspace.session, context.clock());
  const parts = [
    count(missing, 'missing partition'),
    `${count(coming, 'partition')} of a time to come`,
    `${count(misfits, 'path')} outside the layout`,
  ];
  context.logger.info(`acknowledged ${parts.join(', ')}`);
}

async function openReadable(context: StatusCommandContext, config: Config): Promise<Warehouse> {
  try {
    const fileAccess = { files: databaseFiles(config.publish) };
    const options = { readOnly: true, patience: 0, oneWhereSmall: true, fileAccess };
    return await Warehouse.open(config.warehouse, options);
  } catch (error) {
    const isPublished = await stat(config.publish).catch(() => undefined);
    if (!(error instanceof BusyError) || !isPublished) throw error;
    context.logger.info('a run holds the warehouse: this is how things stood when it was last published');
    return await Warehouse.open(config.publish, { readOnly: true, oneWhereSmall: true });
  }
}

async function publishedCopy(
  session: Session,
  config: Config,
  opened: string,
): Promise<PublishedStatus | undefined> {
  const copy = await stat(config.publish).catch(() => undefined);
  if (!copy?.isFile()) return undefined;
  // The copy itself cannot tell whether it is behind.
  const behind = opened === config.publish ? undefined : await isBehind(session, config.publish);
  return { at: copy.mtime, behind };
}

function exitCodeOf(last: LastRun | undefined, attention: readonly Attention[]): number {
  if (last?.exit_code === 1 || attention.some(({ kind }) => kind === 'run_failed')) return 1;
  return attention.length > 0 ? 3 : 0;
}

/**
 * The part of the status that concerns some feeds.
 * @throws UsageError for an unknown feed
 */
function onlyFeeds(status: WarehouseStatus, names: readonly string[]): WarehouseStatus {
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

async function show(context: StatusCommandContext, status: WarehouseStatus, exitCode: number): Promise<void> {
  const { options, clock, terminal } = context;
  if (options.output !== 'table') {
    const table: ResultTable = options.attention ? attentionTable(status.attention) : status.feeds;
    // CSV can only hold one table.
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
