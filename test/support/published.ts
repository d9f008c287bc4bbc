import { databaseFiles } from '../../src/warehouse/file-access.ts';
import type { Session } from '../../src/warehouse/session.ts';
import { identifier, literal } from '../../src/warehouse/sql.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

const PRIVATE = ['ops.migrations', 'ops.unnumbered', 'ops.published'];

/**
 * Compares the copy for analysts with the loader's file: tables and views, their columns, types and comments, every row.
 * @returns what differs, a line each
 */
export async function unlike(copy: string, loader: string): Promise<string[]> {
  await using warehouse = await Warehouse.open(':memory:', {
    fileAccess: { files: [copy, loader].flatMap(databaseFiles) },
  });
  const session = await warehouse.session();
  await session.run(
    `ATTACH ${literal(copy)} AS copy (READ_ONLY); ATTACH ${literal(loader)} AS loader (READ_ONLY)`,
  );
  const [copied, own] = [await relations(session, 'copy'), await relations(session, 'loader')];
  const found: string[] = [];
  for (const name of new Set([...copied.keys(), ...own.keys()])) {
    if (copied.get(name) !== own.get(name))
      found.push(`${name} is ${copied.get(name)} in the copy and ${own.get(name)} in the loader's file`);
    else if (await differ(session, name)) found.push(`${name} has other rows`);
  }
  return found;
}

/** What each relation is, with its columns and all comments (save when the copy's was built), as one text. */
async function relations(session: Session, database: string): Promise<Map<string, string>> {
  const rows = await session.rows<{ name: string; told: string }>(
    `SELECT schema_name || '.' || table_name AS name, string_agg(concat_ws(' ', column_name, data_type, c.comment), ', '
       ORDER BY column_index) || regexp_replace(coalesce(any_value(t.comment), any_value(v.comment), ''),
       '\\n?Built [0-9].*$', '') AS told
     FROM duckdb_columns() AS c LEFT JOIN duckdb_tables() AS t USING (database_name, schema_name, table_name)
       LEFT JOIN (FROM duckdb_views() SELECT *, view_name AS table_name) AS v USING (database_name, schema_name, table_name)
     WHERE database_name = '${database}' AND NOT c.internal AND NOT starts_with(schema_name, 'staging_')
       AND NOT (table_name = 'rejected_rows' AND column_name = 'raw')
     GROUP BY ALL`,
  );
  return new Map(rows.filter(({ name }) => !PRIVATE.includes(name)).map(({ name, told }) => [name, told]));
}

async function differ(session: Session, name: string): Promise<boolean> {
  const table = name.split('.').map(identifier).join('.');
  const left =
    name === 'ops.rejected_rows' ? `SELECT * EXCLUDE (raw) FROM loader.${table}` : `FROM loader.${table}`;
  const { rows } = await session.row<{ rows: number }>(
    `SELECT count(*) AS rows FROM ((${left} EXCEPT ALL FROM copy.${table}) UNION ALL (FROM copy.${table} EXCEPT ALL ${left}))`,
  );
  return rows > 0;
}
