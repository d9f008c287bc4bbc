import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ReadOnlyOptions, ReadOnlyWarehouse } from '../../../src/audit/query/read-only-warehouse.ts';
import type { Config } from '../../../src/config/config.ts';
import { UsageError, type WarehouseError } from '../../../src/errors.ts';
import type { Cell } from '../../../src/warehouse/values.ts';
import { Warehouse } from '../../../src/warehouse/warehouse.ts';

let folder: string;
let config: Config;
let before: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'questions-'));
  const publish = join(folder, 'published.duckdb');
  {
    await using warehouse = await Warehouse.open(publish);
    const session = await warehouse.session();
    await session.run(`CREATE SCHEMA messaging; CREATE SCHEMA marts;
      CREATE TABLE messaging.reps AS SELECT range AS rep_id, 'n' || range AS name FROM range(5);
      COMMENT ON TABLE messaging.reps IS 'People';
      CREATE VIEW marts.rep_count AS SELECT count(*) AS reps FROM messaging.reps`);
  }
  await writeFile(join(folder, 'own.csv'), 'rep_id,team\n1,blue\n');
  config = { publish, warehouse: publish } as Config;
  before = (await readdir(folder)).sort();
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function ask(sql: string, options: ReadOnlyOptions = {}): Promise<Cell[][]> {
  await using questions = await ReadOnlyWarehouse.open(config, options);
  const rows: Cell[][] = [];
  for await (const row of (await questions.ask(sql)).rows) rows.push(row);
  return rows;
}

async function refusal(sql: string, options: ReadOnlyOptions = {}): Promise<WarehouseError> {
  const error = await ask(sql, options).then(
    (rows) =>
      new Error(
        `it answered ${JSON.stringify(rows.slice(0, 3), (_, v) => (typeof v === 'bigint' ? String(v) : v))}`,
      ),
    (problem: unknown) => problem,
  );
  expect(error, sql).toBeInstanceOf(UsageError);
  return error as WarehouseError;
}

describe('a question', () => {
  // Whatever is asked, nothing is made or changed.
  afterEach(async () => {
    expect((await readdir(folder)).sort()).toEqual(before);
  });

  it.each([
    ['SELECT count(*) FROM messaging.reps', [[5n]]],
    ['FROM messaging.reps LIMIT 1;', [[0n, 'n0']]],
    ['-- first\nWITH x AS (SELECT 1 AS a) FROM x /* ; */', [[1]]],
    ["SELECT ';' AS semicolon, $$;$$ AS another", [[';', ';']]],
    ['VALUES (1), (2)', [[1], [2]]],
    ['PIVOT messaging.reps ON name USING sum(rep_id)', [[0n, 1n, 2n, 3n, 4n].flatMap((n) => [String(n)])]],
    ['SELECT * FROM (DESCRIBE messaging.reps) LIMIT 1', [['rep_id', 'BIGINT', 'YES', null, null, null]]],
  ])('is answered: %s', async (sql, rows) => {
    const answer = await ask(sql);
    if (sql.startsWith('PIVOT')) expect(answer.map((row) => row.map(String))).toEqual(rows);
    else expect(answer).toEqual(rows);
  });

  it.each([
    'DESCRIBE messaging.reps',
    'SUMMARIZE messaging.reps',
    'EXPLAIN FROM messaging.reps',
    'EXPLAIN ANALYZE (FROM messaging.reps)',
  ])('may describe what it is about: %s', async (sql) => {
    expect((await ask(sql)).length).toBeGreaterThan(0);
  });

  it.each([
    'EXPLAIN (FORMAT json) SELECT 1',
    "PRAGMA table_info('messaging.reps')",
    'PRAGMA version',
    'SHOW ALL TABLES',
    'SHOW messaging.reps',
    'SHOW SCHEMAS',
  ])('may show or explain what there is: %s', async (sql) => {
    expect((await ask(sql)).length).toBeGreaterThan(0);
  });

  it.each(['SHOW TABLES', 'show tables;', 'PRAGMA show_tables'])(
    'that is %s lists the tables of every schema',
    async (sql) => {
      expect(await ask(sql)).toEqual([
        ['marts', 'rep_count', 'view', null],
        ['messaging', 'reps', 'table', 'People'],
      ]);
    },
  );

  // DuckDB's client ends a streamed result there without a word.
  it('that fails after a hundred thousand rows is an error, not half an answer', async () => {
    const error = await refusal(
      "SELECT CASE WHEN range > 200000 THEN error('late') ELSE range END FROM range(300000)",
    );
    expect(error.message).toContain('late');
  });

  it('is answered with all rows, in the order that it asks for', async () => {
    const rows = await ask('SELECT range AS n, range AS n FROM range(300000) ORDER BY n DESC');
    expect([rows.length, rows[0], rows.at(-1)]).toEqual([300_000, [299_999n, 299_999n], [0n, 0n]]);
  });

  it('is refused when it gives a row without field names, which cannot be printed', async () => {
    expect((await refusal('SELECT row(1, 2)')).message).toBe('a row without field names cannot be printed');
  });

  it('is one statement: two are refused, and so is none', async () => {
    const error = await refusal('SELECT 1; SELECT 2');
    expect(error.message).toBe('there are 2 statements, and a query is one');
    expect((await refusal('-- nothing\n;')).message).toBe('there is no SQL to run');
  });

  const ACTIONS = [
    "COPY messaging.reps TO 'FOLDER/out.csv'",
    "COPY (SELECT 1) TO 'FOLDER/out.csv'",
    "copy (pivot messaging.reps on name using sum(rep_id)) to 'FOLDER/out.csv'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'FOLDER/out.csv'",
    "explain /* x */ analyze\ncopy (SELECT 1) TO 'FOLDER/out.csv'",
    "EXPLAIN (ANALYZE, FORMAT json) COPY (SELECT 1) TO 'FOLDER/out.csv'",
    "EXPORT DATABASE 'FOLDER/out'",
    "IMPORT DATABASE 'FOLDER/out'",
    "ATTACH 'FOLDER/other.duckdb'",
    "ATTACH 'FOLDER/published.duckdb' AS again (READ_WRITE)",
    'INSTALL httpfs',
    'LOAD httpfs',
    'UPDATE EXTENSIONS',
    'SET threads = 1',
    'RESET threads',
    'SET VARIABLE x = 1',
    "PRAGMA enable_profiling = 'json'",
    'PRAGMA enable_profiling',
    "PRAGMA profiling_output = 'FOLDER/out.json'",
    'DELETE FROM messaging.reps',
    'INSERT INTO messaging.reps VALUES (9, 9)',
    'CREATE TABLE t AS SELECT 1',
    'CREATE TEMP TABLE t AS PIVOT messaging.reps ON name USING sum(rep_id)',
    'CREATE SECRET (TYPE s3)',
    'DROP TABLE messaging.reps',
    "COMMENT ON TABLE messaging.reps IS 'x'",
    'USE messaging',
    'BEGIN',
    'CHECKPOINT',
    'VACUUM',
    'PREPARE p AS SELECT 1',
    'CALL enable_logging()',
    "FROM enable_logging('QueryLog', storage = 'file', storage_path = 'FOLDER/logs')",
    "FROM query('FROM enable_' || 'logging()')",
    'EXPLAIN ANALYZE FROM enable_logging()',
    'WITH x AS MATERIALIZED (FROM force_checkpoint()) FROM x',
  ];

  it.each(ACTIONS)('that does more than read is refused, even where files are allowed: %s', async (text) => {
    const sql = text.replaceAll('FOLDER', folder);
    expect((await refusal(sql)).message).toMatch(/is refused: a query is one statement that reads/);
    expect((await refusal(sql, { allowFiles: true })).message).toMatch(
      /is refused: a query is one statement that reads/,
    );
  });

  it.each([
    "FROM read_text('/etc/passwd')",
    "FROM read_csv('FOLDER/own.csv')",
    "FROM 'FOLDER/own.csv'",
    "FROM glob('/etc/*')",
    "EXPLAIN ANALYZE FROM read_text('/etc/passwd')",
    "FROM read_duckdb('FOLDER/other.duckdb', table_name = 'reps')",
    "FROM 'https://127.0.0.1:1/x.csv'",
  ])('reads no file unless files are allowed: %s', async (text) => {
    const { hint } = await refusal(text.replaceAll('FOLDER', folder));
    expect(hint).toContain('--allow-files');
  });

  it('reads files where they are allowed, and never the network', async () => {
    const sql = `FROM messaging.reps JOIN '${folder}/own.csv' USING (rep_id) SELECT name, team`;
    expect(await ask(sql, { allowFiles: true })).toEqual([['n1', 'blue']]);
    expect((await refusal("FROM 'https://127.0.0.1:1/x.csv'", { allowFiles: true })).hint).toContain(
      'network',
    );
  });

  it('finds neither secrets nor environment variables', async () => {
    expect(await ask('FROM duckdb_secrets()')).toEqual([]);
    expect((await refusal("SELECT getenv('HOME')")).message).toContain('getenv does not exist');
  });
});

describe('a mistake in SQL', () => {
  it.each([
    ['selct 1', 'did you mean SELECT?'],
    ['SELECT * FORM messaging.reps', 'did you mean FROM?'],
    ['FROM reps', 'tables lie in schemas: did you mean messaging.reps?'],
    ['FROM messaging.rep', 'did you mean messaging.reps?'],
    ['FROM no_such_thing_at_all', 'asapp-warehouse query "SHOW TABLES" lists what there is'],
    ['SELECT rep_ FROM messaging.reps', 'columns of a like name: rep_id'],
    ['SELECT cound(*) FROM messaging.reps', 'did you mean count?'],
    ['SELECT (1', 'a bracket, a quote or the end of the statement is missing'],
    ["SELECT 'x", 'a bracket, a quote or the end of the statement is missing'],
    ['SELECT ?', 'write the value into the statement, in place of ? or $1'],
    ["SELECT 'x'::INTEGER", undefined],
  ])('is reported with what was probably meant: %s', async (sql, hint) => {
    const error = await refusal(sql);
    expect(error.hint).toBe(hint);
    expect(error.message).not.toContain('Failed to');
  });
});

describe('an answer in Parquet', () => {
  it('keeps every digit and every type, and gives each column a name of its own', async () => {
    const target = join(folder, 'out.parquet');
    {
      await using questions = await ReadOnlyWarehouse.open(config, { target });
      await questions.writeParquet(
        "SELECT sum(9007199254740993) AS a, 2 AS a, TIMESTAMP '2026-01-05 10:00:00.123456' AS t, '{}'::JSON AS j, 'x' AS \"o'd\"\"d\" -- end",
      );
    }
    const columns = await ask(`DESCRIBE FROM '${target}'`, { allowFiles: true });
    expect(columns.map((row) => row.slice(0, 2))).toEqual([
      ['a', 'DECIMAL(38,0)'],
      ['a_1', 'INTEGER'],
      ['t', 'TIMESTAMP'],
      ['j', 'JSON'],
      ['o\'d"d', 'VARCHAR'],
    ]);
    expect(String((await ask(`SELECT a FROM '${target}'`, { allowFiles: true }))[0]?.[0])).toBe(
      '9007199254740993',
    );
    await rm(target);
  });

  it('is refused where Parquet would round a value, and where the statement does more than read', async () => {
    await using questions = await ReadOnlyWarehouse.open(config, { target: join(folder, 'out.parquet') });
    await expect(questions.writeParquet('SELECT [1::HUGEINT] AS list')).rejects.toThrow(
      'Parquet cannot hold list as it is',
    );
    await expect(questions.writeParquet(`COPY (SELECT 1) TO '${folder}/x.csv'`)).rejects.toThrow(
      'COPY is refused',
    );
    expect(existsSync(join(folder, 'x.csv'))).toBe(false);
  });
});

describe('a published file that is no database', () => {
  it('is refused by its name, and left as it is', async () => {
    const publish = join(folder, 'text.duckdb');
    await writeFile(publish, 'no database\n'.repeat(1000));
    await expect(ReadOnlyWarehouse.open({ ...config, publish })).rejects.toThrow(
      `${publish} is not a DuckDB database`,
    );
    expect(await readFile(publish, 'utf8')).toContain('no database');
    await rm(publish);
  });
});
