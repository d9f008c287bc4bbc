import { databaseFiles } from '../../src/warehouse/file-access.ts';
import type { Session } from '../../src/warehouse/session.ts';
import { identifier, literal } from '../../src/warehouse/sql.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

/**
 * What must be the same in two warehouses that were given the same feeds, whatever happened on the way: everything but
 * times and the numbers of files and runs. Of what was replaced meanwhile, one may have seen less than the other.
 */
const LEDGER: Readonly<Record<string, string>> = {
  'ops.files': `SELECT source, feed_group, feed, version, partition_ts, path, bytes, sha256, lines, rows_staged,
      rows_rejected FROM ops.files WHERE superseded_by IS NULL`,
  'ops.partitions': `SELECT source, feed_group, feed, version, partition_ts, path, state, files, rows,
      sealed_at IS NOT NULL AS sealed, loaded_at IS NOT NULL AS loaded FROM ops.partitions`,
  'ops.rejected_rows': `SELECT source, path, line, raw, reason, detail, resolution
      FROM ops.rejected_rows JOIN ops.files USING (file_id) WHERE superseded_by IS NULL`,
  'ops.file_failures': 'SELECT source, path, bytes, message FROM ops.file_failures WHERE resolved_at IS NULL',
  'ops.misfits': 'SELECT source, path, reason FROM ops.misfits',
  'ops.column_misfits': `SELECT source, path, column_name, misfits
      FROM ops.column_misfits JOIN ops.files USING (file_id) WHERE superseded_by IS NULL`,
  'ops.feeds': 'SELECT * EXCLUDE (first_seen_at) FROM ops.feeds',
  'ops.undeclared_fields': 'SELECT * EXCLUDE (first_seen_at) FROM ops.undeclared_fields',
  'ops.unnumbered': 'FROM ops.unnumbered',
  'ops.models': 'SELECT model FROM ops.models',
  'ops.conservation': 'SELECT kind, name, received, kept, left_out, holds FROM ops.conservation',
  'ops.reconciliation': 'FROM ops.reconciliation',
};

/**
 * Compares two loader's files, row by row.
 * @returns what differs, a line each: `messaging.reps: 3 rows only in A`
 */
export async function differences(a: string, b: string): Promise<string[]> {
  await using warehouse = await Warehouse.open(':memory:', {
    fileAccess: { files: [a, b].flatMap(databaseFiles) },
  });
  const session = await warehouse.session();
  await session.run(`ATTACH ${literal(a)} AS a (READ_ONLY); ATTACH ${literal(b)} AS b (READ_ONLY)`);
  const found: string[] = [];
  for (const [name, query] of Object.entries(LEDGER)) found.push(...(await compare(session, name, query)));
  const [left, right] = await Promise.all([tables(session, 'a'), tables(session, 'b')]);
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [columns, others] = [left.get(name), right.get(name)];
    if (columns === others && columns !== undefined)
      found.push(...(await compare(session, name, rowsOf(name, columns))));
    else found.push(`${name}: ${columns ?? 'not there'} in A, ${others ?? 'not there'} in B`);
  }
  return found;
}

/** The columns of every table that holds rows of feeds, or comes of them, with their types, as one text. */
async function tables(session: Session, side: string): Promise<Map<string, string>> {
  const rows = await session.rows<{ name: string; columns: string }>(
    `SELECT schema_name || '.' || table_name AS name,
       string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_name) AS columns
     FROM duckdb_columns() WHERE database_name = '${side}' AND NOT internal AND schema_name <> 'ops' GROUP BY ALL`,
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}

function rowsOf(name: string, columns: string): string {
  const data = columns
    .split(', ')
    .map((column) => column.split(' ')[0] as string)
    .filter((column) => !['_file_id', '_loaded_at'].includes(column));
  const table = name.split('.').map(identifier).join('.');
  const hasFile = /(^|, )_file_id /.test(columns);
  return `SELECT ${data.map((column) => `t.${identifier(column)}`).join(', ')}${hasFile ? ', f.source, f.path' : ''}
    FROM ${table} AS t ${hasFile ? 'LEFT JOIN ops.files AS f ON f.file_id = t._file_id' : ''}`;
}

async function compare(session: Session, name: string, query: string): Promise<string[]> {
  const counts = [];
  for (const side of ['a', 'b']) {
    await session.run(`USE ${side}`);
    await session.run(`CREATE OR REPLACE TEMP TABLE side_${side} AS ${query}`);
  }
  for (const [side, other] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const only = `(FROM temp.side_${side} EXCEPT ALL FROM temp.side_${other})`;
    const { rows } = await session.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${only}`);
    const [example] = rows > 0 ? await session.rows(`FROM ${only} LIMIT 1`) : [];
    if (rows > 0)
      counts.push(`${name}: ${rows} rows only in ${side.toUpperCase()}, e.g. ${JSON.stringify(example)}`);
  }
  return counts;
}
