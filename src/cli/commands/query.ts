import { UsageError } from '../../errors.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import { ANY_SOURCES, type CommandContext } from '../command.ts';

/** `query`: any SQL against the copy that analysts open, which nothing can change. */
export default async function query(context: CommandContext, sql: string): Promise<number> {
  if (sql.trim() === '')
    throw new UsageError('there is no SQL to run', { hint: 'asapp-warehouse query "SHOW ALL TABLES"' });
  const config = await context.readConfig(ANY_SOURCES);
  await using warehouse = await Warehouse.open(config.publish, { readOnly: true });
  const session = await warehouse.session();
  const table = await session.table(sql).catch((error: Error) => {
    if (error instanceof UsageError) throw error;
    throw new UsageError(error.message.trim(), {
      hint: 'asapp-warehouse query "SHOW ALL TABLES" lists tables and columns',
    });
  });
  await context.print(table);
  return 0;
}
