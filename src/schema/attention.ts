import { openChanges } from '../ledger/schema-changes.ts';
import type { SchemaChange } from '../ledger/tables.ts';
import type { Session } from '../warehouse/session.ts';
import { describeRow } from './wording.ts';

/** More than these are counted. */
const MAX_LINES = 10;

/** What a person should look at in the schema, a line each; empty when nobody need look. Until they accept or reject it. */
export async function schemaAttention(session: Session): Promise<string[]> {
  return attentionLines(await openChanges(session));
}

export function attentionLines(open: readonly SchemaChange[]): string[] {
  const lines = open.slice(0, MAX_LINES).map((row) => {
    const state = row.decision === 'held' ? 'held' : 'to be seen';
    return `schema change ${row.change_id} is ${state}: ${describeRow(row)} (asapp-warehouse schema accept ${row.change_id})`;
  });
  const more = open.length - lines.length;
  return more > 0
    ? [...lines, `${more} more schema changes wait: asapp-warehouse schema diff shows them`]
    : lines;
}
