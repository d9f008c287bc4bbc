import type { Session } from '../../warehouse/session.ts';
import type { LandedFile } from '../landing.ts';
import type { Column } from './columns.ts';
import { alterType, widenColumns } from './infer.ts';
import { isInferred, type StagingTable } from './table.ts';

/**
 * Widens columns that must hold every value, and notes it in `ops.schema_changes`: a key that does not fit would merge
 * records, so its column becomes text; a column that was inferred takes the type that holds what came.
 */
export async function widen(
  session: Session,
  table: StagingTable,
  { source, files }: { source: string; files: readonly LandedFile[] },
  names: readonly string[],
  now: Date,
): Promise<StagingTable> {
  const before = new Map(table.columns.map(({ name, type }) => [name, type]));
  return session.transaction(async () => {
    const wider = isInferred(table)
      ? await widenColumns(session, table, files, names)
      : { ...table, columns: await toText(session, table, names) };
    const { next } = await session.row<{ next: number }>(
      'SELECT coalesce(max(change_id), 0) + 1 AS next FROM ops.schema_changes',
    );
    await session.insert(
      { schema: 'ops', table: 'schema_changes' },
      wider.columns
        .filter(({ name }) => names.includes(name))
        .map(({ name, type }, index) => ({
          ...{ change_id: next + index, detected_at: now, source, feed: table.spec.feed, column_name: name },
          ...{ kind: 'type_widened', severity: 'info', before: before.get(name), after: type },
          ...{ decision: 'applied', applied_at: now, decided_at: now },
          ...{ feed_group: table.spec.group, version: table.spec.version },
        })),
    );
    return wider;
  });
}

async function toText(session: Session, table: StagingTable, names: readonly string[]): Promise<Column[]> {
  const columns: Column[] = [];
  for (const column of table.columns) {
    const widens = names.includes(column.name);
    if (widens) await alterType(session, table, column, 'VARCHAR');
    const holdsTimes = column.type === 'TIMESTAMP';
    columns.push(widens ? { name: column.name, type: 'VARCHAR', holdsTimes } : column);
  }
  return columns;
}
