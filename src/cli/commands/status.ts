import { BusyError } from '../../errors.ts';
import { feedStatus } from '../../operations/status.ts';
import { schemaAttention } from '../../schema/attention.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import type { CommandContext } from '../command.ts';

/**
 * `status`: read from the loader's file, or from the published copy while a run holds that. Exit 3 while a schema change
 * waits for a person.
 */
export default async function status(context: CommandContext): Promise<number> {
  const config = await context.readConfig();
  await using warehouse = await Warehouse.open(config.warehouse, { readOnly: true, patience: 0 }).catch(
    (error) => {
      if (!(error instanceof BusyError)) throw error;
      context.logger.info('a run holds the warehouse: this is how things stood when it was last published');
      return Warehouse.open(config.publish, { readOnly: true });
    },
  );
  const session = await warehouse.session();
  await context.print(await feedStatus(session, context.clock()));
  const waiting = await schemaAttention(session);
  for (const line of waiting) context.logger.warn(line);
  return waiting.length > 0 ? 3 : 0;
}
