import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileAccess } from '../../src/warehouse/file-access.ts';
import { fileList, literal } from '../../src/warehouse/sql.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reach-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs statements one after the other in a new warehouse. @returns the first complaint */
async function complaint(statements: readonly string[], reach?: FileAccess): Promise<string | undefined> {
  await using warehouse = await Warehouse.open(
    join(folder, 'warehouse.duckdb'),
    reach ? { fileAccess: reach } : {},
  );
  const session = await warehouse.session();
  try {
    for (const statement of statements) await session.run(statement);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('SQL', () => {
  it.each([
    "CREATE TABLE t AS SELECT * FROM read_csv('/etc/passwd')",
    "CREATE TABLE t AS SELECT * FROM read_text('/etc/passwd')",
    "CREATE TABLE t AS SELECT * FROM '/etc/passwd.csv'",
    "CREATE TABLE t AS SELECT * FROM glob('/etc/*')",
    "CREATE TABLE t AS SELECT 1; COPY t TO '/tmp/of-a-model.csv'",
    "ATTACH '/tmp/of-a-model.duckdb'",
    'INSTALL httpfs',
    'LOAD httpfs',
    "SELECT * FROM 'https://127.0.0.1:1/x.csv'",
    "EXPORT DATABASE '/tmp/of-a-model'",
    'SET enable_external_access = true',
    "SET allowed_directories = ['/']",
    "SET memory_limit = '1TB'",
    "SET allowed_configs = ['memory_limit']",
    "PRAGMA profiling_output = '/tmp/of-a-model.txt'",
  ])('reaches nothing of this machine that it was not given: %s', async (statement) => {
    expect(await complaint([statement])).toMatch(/Permission Error|configuration has been locked|Cannot /);
  });

  it('reaches its own file, what it spills, and the folders and files that it was given', async () => {
    const odd = join(folder, "o'd[d]*?");
    const other = join(folder, 'other.duckdb');
    await mkdir(odd);
    await writeFile(join(odd, 'x.jsonl'), '{"a":1}\n');
    const files = [other, `${other}.wal`, `${other}.wal.checkpoint`, `${other}.wal.recovery`];
    expect(
      await complaint(
        [
          `CREATE TABLE t AS FROM read_json(${fileList([join(odd, 'x.jsonl')])})`,
          `ATTACH ${literal(other)} AS other`,
          'CREATE TABLE other.main.t AS FROM t',
          'DETACH other',
          'CHECKPOINT',
        ],
        { folders: [odd], files },
      ),
    ).toBeUndefined();
    expect(await complaint([`ATTACH ${literal(`${other}2`)}`], { folders: [odd], files })).toContain(
      'Permission',
    );
    expect((await readdir(folder)).sort()).toEqual(["o'd[d]*?", 'other.duckdb', 'warehouse.duckdb']);
  });
});
