import { ReadOnlyWarehouse } from '../../audit/query/read-only-warehouse.ts';
import { secondText } from '../../text.ts';
import type { Cell } from '../../warehouse/values.ts';
import { type CommandContext, IGNORE_SOURCE_PROBLEMS } from '../command.ts';
import { printableLines } from '../printable.ts';

const TEXT = 'VARCHAR';
const TIME = 'TIMESTAMP';

/** `describe`: what a published table holds. */
export default async function describe(context: CommandContext, name: string): Promise<number> {
  const config = await context.readConfig(IGNORE_SOURCE_PROBLEMS);
  await using readOnly = await ReadOnlyWarehouse.open(config);
  await printDescription(context, readOnly, name);
  return 0;
}

/**
 * Prints the description of a table. For people it begins with a heading about the table as a whole; in the other
 * formats each row repeats that.
 */
export async function printDescription(
  { options, write, print }: CommandContext,
  readOnly: ReadOnlyWarehouse,
  name: string,
): Promise<void> {
  const table = await readOnly.describe(name);
  const columns = ['column', 'type', 'description'].map((column) => ({ name: column, type: TEXT }));
  const rows = table.columns.map(({ column, type, description }): Cell[] => [column, type, description]);
  const upTo = table.data_up_to && secondText(table.data_up_to);
  const built = table.built_at && secondText(table.built_at);
  if (options.output === 'table') {
    const fresh = [
      built && `built ${built}${upTo ? `, data up to ${upTo}` : ''}`,
      table.stale && `stale: ${table.stale}`,
    ];
    const heading = [table.id, table.description, ...fresh].filter((line) => line !== null);
    write(`${printableLines(heading.join('\n'))}\n\n`);
    return print({ columns, rows });
  }
  const more = [
    { name: 'table', type: TEXT },
    { name: 'table_description', type: TEXT },
    { name: 'built_at', type: TIME },
    { name: 'data_up_to', type: TIME },
    { name: 'stale', type: TEXT },
  ];
  return print({
    columns: [...columns, ...more],
    rows: rows.map((row) => [...row, table.id, table.description, built, upTo, table.stale]),
  });
}
