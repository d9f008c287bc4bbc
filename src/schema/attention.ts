import type { Attention } from '../attention.ts';
import { tableName } from '../feeds/names.ts';
import { openChanges } from '../ledger/schema-changes.ts';
import type { SchemaChange } from '../ledger/tables.ts';
import type { Session } from '../warehouse/session.ts';
import { describeRow } from './decide/wording.ts';

/** More than these are counted. */
const MAX_ITEMS = 10;

/** The schema changes that a person should look at, until they accept or reject them. */
export async function schemaAttention(session: Session): Promise<Attention[]> {
  return changeItems(await openChanges(session));
}

export function changeItems(open: readonly SchemaChange[]): Attention[] {
  const items = open.slice(0, MAX_ITEMS).map(changeItem);
  const more = open.length - items.length;
  if (more === 0) return items;
  return [
    ...items,
    {
      kind: 'schema_change',
      severity: 'attention',
      count: more,
      message: `${more} more schema changes wait`,
      hint: 'asapp-warehouse schema diff shows them',
    },
  ];
}

function changeItem(row: SchemaChange): Attention {
  const { change_id, feed_group, feed, version } = row;
  const state = row.decision === 'held' ? 'held' : 'to be seen';
  return {
    kind: 'schema_change',
    severity: 'attention',
    ...(feed_group && feed !== '' && { feed: `${feed_group}.${tableName(feed, version ?? '1')}` }),
    message: `schema change ${change_id} is ${state}: ${describeRow(row)}`,
    hint: `asapp-warehouse schema accept ${change_id}`,
  };
}
