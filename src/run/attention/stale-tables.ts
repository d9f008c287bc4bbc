import type { Attention } from '../../attention.ts';
import { groupBy } from '../../group-by.ts';
import { ledger } from '../../ledger/ledger.ts';
import type { PublishedTable } from '../../ledger/tables.ts';
import { modelFailure } from '../../publish/stale-models.ts';
import type { Session } from '../../warehouse/session.ts';

/** So many tables are named in one item; the others are counted. */
const NAMED = 3;

/**
 * Tables that analysts have as they once were, and those that they do without, an item for each cause. That a model could
 * not be built is told by itself.
 */
export async function staleTables(session: Session): Promise<Attention[]> {
  const rows = await ledger(session)
    .selectFrom('ops.published_tables')
    .selectAll()
    .where('stale', '=', true)
    .orderBy('schema_name')
    .orderBy('table_name')
    .execute();
  const others = rows.filter((row) => row.cause !== modelFailure(nameOf(row)));
  const causes = groupBy(others, ({ cause, run_id }) => `${cause} ${run_id === null}`);
  return [...causes.values()].map(itemOf);
}

function itemOf(rows: readonly PublishedTable[]): Attention {
  const [first] = rows as [PublishedTable];
  const names = rows.slice(0, NAMED).map(nameOf).join(', ');
  const more = rows.length > NAMED ? ` and ${rows.length - NAMED} more` : '';
  const withheld = first.run_id === null;
  const verb = withheld
    ? rows.length === 1
      ? 'is not published'
      : 'are not published'
    : rows.length === 1
      ? 'stays as it was'
      : 'stay as they were';
  return {
    kind: withheld ? 'withheld_table' : 'stale_table',
    severity: 'attention',
    count: rows.length,
    ...(rows.length === 1 && { model: nameOf(first) }),
    message: `${names}${more} ${verb}: ${first.cause}`,
    ...(first.hint !== null && { hint: first.hint }),
  };
}

function nameOf({ schema_name, table_name }: PublishedTable): string {
  return `${schema_name}.${table_name}`;
}
