import { UsageError } from '../../errors.ts';
import { didYouMean } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';

/** A published table, and what is known of it. */
export interface Described {
  /** `messaging.convos_metrics` */
  id: string;
  description: string | null;
  /** When it was last built; null for what no model makes. */
  built_at: Date | null;
  /** The newest partition that is in it; null where that is not known. */
  data_up_to: Date | null;
  /** Why it is older than it should be; null when it is not. */
  stale: string | null;
  columns: { column: string; type: string; description: string | null }[];
}

/**
 * What a table holds: its columns, what each means, and how fresh it is.
 * @param name `convos_metrics`, or `messaging.convos_metrics` where two schemas have one
 * @throws UsageError when it means no table, or more than one
 */
export async function describeTable(session: Session, name: string): Promise<Described> {
  const tables = await session.rows<{ schema: string; name: string; comment: string | null }>(
    `SELECT schema_name AS schema, table_name AS name, comment FROM duckdb_tables() WHERE ${OURS}
     UNION ALL SELECT schema_name, view_name, comment FROM duckdb_views() WHERE ${OURS} ORDER BY ALL`,
  );
  const ids = tables.map(({ schema, name: table }) => `${schema}.${table}`);
  const [found, another] = tables.filter(
    (table) => same(`${table.schema}.${table.name}`, name) || same(table.name, name),
  );
  if (!found)
    throw new UsageError(`there is no table ${JSON.stringify(name)}${didYouMean(name, ids)}`, {
      hint: 'asapp-warehouse query "SHOW TABLES" lists what there is',
    });
  if (another && !ids.some((id) => same(id, name)))
    throw new UsageError(`${name} is several tables`, {
      hint: `name one of them: ${ids.filter((id) => same(id.slice(id.indexOf('.') + 1), name)).join(', ')}`,
    });
  const id = `${found.schema}.${found.name}`;
  const columns = await session.rows<Described['columns'][number]>(
    `SELECT column_name AS column, data_type AS type, comment AS description FROM duckdb_columns()
     WHERE ${OURS} AND schema_name = $1 AND table_name = $2 ORDER BY column_index`,
    [found.schema, found.name],
  );
  const built = await lastBuilt(session, found.schema, found.name);
  return { id, description: found.comment, columns, ...built };
}

async function lastBuilt(
  session: Session,
  schema: string,
  name: string,
): Promise<Pick<Described, 'built_at' | 'data_up_to' | 'stale'>> {
  const unknown = { built_at: null, data_up_to: null, stale: null };
  // A copy of before does not have it, until the next run.
  const views = await session.rows(
    "SELECT 1 FROM duckdb_views() WHERE schema_name = 'ops' AND view_name = 'tables'",
  );
  if (views.length === 0) return unknown;
  const [built] = await session.rows<Pick<Described, 'built_at' | 'data_up_to' | 'stale'>>(
    'SELECT built_at, data_up_to, CASE WHEN stale THEN why END AS stale FROM ops.tables WHERE schema = $1 AND name = $2',
    [schema, name],
  );
  return built ?? unknown;
}

const OURS = 'NOT internal AND database_name = current_database()';

/** As SQL compares names. */
function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
