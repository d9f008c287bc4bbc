import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { writeExample } from '../../src/samples/example.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

const BUNDLED = fileURLToPath(new URL('../../warehouse.duckdb.example', import.meta.url));

/** Every table and view with its columns, types, descriptions and number of rows. */
async function describeWarehouse(file: string) {
  await using warehouse = await Warehouse.open(file, { readOnly: true });
  const session = await warehouse.session();
  const columns = await session.rows<{ name: string }>(
    `SELECT schema_name || '.' || table_name AS name, column_name, data_type, comment FROM duckdb_columns()
     WHERE NOT internal AND database_name = current_database() ORDER BY ALL`,
  );
  const tables = await session.rows<{ name: string }>(
    `SELECT schema_name || '.' || table_name AS name, comment, estimated_size FROM duckdb_tables()
     WHERE database_name = current_database() ORDER BY ALL`,
  );
  return { columns, tables };
}

it('warehouse.duckdb.example is what `npm run example` makes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'example-'));
  try {
    await writeExample(join(folder, 'fresh.duckdb'));
    expect(await describeWarehouse(BUNDLED)).toEqual(await describeWarehouse(join(folder, 'fresh.duckdb')));
    expect((await stat(BUNDLED)).size).toBeLessThan(5_000_000);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
