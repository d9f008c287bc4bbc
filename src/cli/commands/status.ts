import { BusyError } from '../../errors.ts';
import { feedStatus } from '../../operations/status.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import type { CommandContext } from '../command.ts';

/** `status`: read from the loader's file, or from the published copy while a run holds that. */
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
  return 0;
}
