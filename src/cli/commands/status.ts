import { existsSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import { BusyError, StorageError } from '../../errors.ts';
import { ledgerIsCurrent } from '../../ledger/migrations.ts';
import { newestRun } from '../../ledger/runs.ts';
import { acknowledge } from '../../operations/acknowledge.ts';
import { feedStatus } from '../../operations/status.ts';
import { attentionOf } from '../../pipeline/attention.ts';
import { count } from '../../pipeline/reporter.ts';
import { openWorkspace } from '../../pipeline/workspace.ts';
import type { ResultTable } from '../../warehouse/values.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import { ANY_SOURCES, type CommandContext, type CommonOptions } from '../command.ts';
import { reportAttention } from '../summary.ts';

/** Columns that say something only where it is not 0. */
const TROUBLES = new Set(['waiting', 'missing', 'rejected', 'failing', 'unreconciled_days', 'held']);

/** For people: without the troubles that no feed has. */
function withoutZeros({ columns, rows }: ResultTable): ResultTable {
  const shown = columns.map(
    ({ name }, index) => !TROUBLES.has(name) || rows.some((row) => Number(row[index]) !== 0),
  );
  const kept = <T>(cells: readonly T[]) => cells.filter((_, index) => shown[index]);
  return { columns: kept(columns), rows: rows.map(kept) };
}

/**
 * `status`: read from the loader's file, or from the published copy while a run holds that. Its exit code is
 * that of the last run: 1 when it failed, 3 while there is something that a person should look at.
 */
export default async function status(
  context: CommandContext<CommonOptions & { acknowledge?: boolean }>,
): Promise<number> {
  const config = await context.readConfig(ANY_SOURCES);
  if (context.options.acknowledge && existsSync(config.warehouse)) await acknowledgeAll(context, config);
  await using warehouse = await Warehouse.open(config.warehouse, { readOnly: true, patience: 0 }).catch(
    (error) => {
      if (!(error instanceof BusyError)) throw error;
      context.logger.info('a run holds the warehouse: this is how things stood when it was last published');
      return Warehouse.open(config.publish, { readOnly: true });
    },
  );
  const session = await warehouse.session();
  if (!(await ledgerIsCurrent(session))) {
    throw new StorageError(`${warehouse.file} was written by an older asapp-warehouse`, {
      hint: 'asapp-warehouse run brings it up to date',
    });
  }
  const now = context.clock();
  const feeds = await feedStatus(session, { config, now });
  await context.print(context.options.output === 'table' ? withoutZeros(feeds) : feeds);
  const attention = await attentionOf({ session, config, now });
  reportAttention(context.logger, attention);
  const last = await newestRun(session);
  return last?.exit_code === 1 ? 1 : attention.length > 0 ? 3 : 0;
}

/** `--acknowledge`: a person has seen what is missing, of a time to come or in no place of the layout. */
async function acknowledgeAll(context: CommandContext, config: Config): Promise<void> {
  await using workspace = await openWorkspace(config, { ...context, reporter: context.logger });
  const { missing, coming, misfits } = await acknowledge(workspace.session, context.clock());
  const parts = [
    count(missing, 'missing partition'),
    `${count(coming, 'partition')} of a time to come`,
    `${count(misfits, 'path')} outside the layout`,
  ];
  context.logger.info(`acknowledged ${parts.join(', ')}`);
}
