import { UsageError } from '../../errors.ts';
import { didYouMean } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import type { TableName } from '../../warehouse/sql.ts';
import { tableColumns, tableId, tableKind, tablesSql } from '../../warehouse/tables.ts';

/** A published table, and what is known of it. */
export interface TableDescription {
  /** `messaging.convos_metrics` */
  id: string;
  description: string | null;
  /** When it was last built; null for what no model makes. */
  built_at: Date | null;
  /** The newest partition in it; null where that is not known. */
  data_up_to: Date | null;
  /** Why it is older than it should be; null when it is not. */
  stale: string | null;
  columns: { column: string; type: string; description: string | null }[];
}

/**
 * Describes a table: its columns, what they mean, and how fresh it is.
 * @param name `convos_metrics`, or `messaging.convos_metrics` where two schemas have one
 * @throws UsageError when no table has the name, or several have
 */
export async function describeTable(session: Session, name: string): Promise<TableDescription> {
  const tables = await session.rows<TableName & { comment: string | null }>(
    `SELECT schema, "table", comment FROM (${tablesSql()}) ORDER BY ALL`,
  );
  const ids = tables.map(tableId);
  const [found, another] = tables.filter((one) => same(tableId(one), name) || same(one.table, name));
  if (!found)
    throw new UsageError(`there is no table ${JSON.stringify(name)}${didYouMean(name, ids)}`, {
      hint: 'asapp-warehouse query "SHOW TABLES" lists what there is',
    });
  if (another && !ids.some((id) => same(id, name)))
    throw new UsageError(`${name} is several tables`, {
      hint: `name one of them: ${ids.filter((id) => same(id.slice(id.indexOf('.') + 1), name)).join(', ')}`,
    });
  const columns = (await tableColumns(session, found)).map(({ name, type, comment }) => {
    return { column: name, type, description: comment };
  });
  return { id: tableId(found), description: found.comment, columns, ...(await lastBuilt(session, found)) };
}

async function lastBuilt(
  session: Session,
  { schema, table }: TableName,
): Promise<Pick<TableDescription, 'built_at' | 'data_up_to' | 'stale'>> {
  const unknown = { built_at: null, data_up_to: null, stale: null };
  // A copy published by an older program does not have this view.
  if (!(await tableKind(session, { schema: 'ops', table: 'tables' }))) return unknown;
  const [built] = await session.rows<Pick<TableDescription, 'built_at' | 'data_up_to' | 'stale'>>(
    'SELECT built_at, data_up_to, CASE WHEN stale THEN why END AS stale FROM ops.tables WHERE schema = $1 AND name = $2',
    [schema, table],
  );
  return built ?? unknown;
}

/** As SQL compares names. */
function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
