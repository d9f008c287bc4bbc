import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../../src/ledger/migrations.ts';
import { publish } from '../../src/publish/publish.ts';
import type { Session } from '../../src/warehouse/session.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';
import { asOrdinaryUser } from '../support/ordinary-user.ts';
import { ask, NOW } from '../support/project.ts';
import { OtherProcess } from '../support/reader.ts';

let folder: string;
let target: string;
let warehouse: Warehouse;
let session: Session;

/** A loader's own file with one feed staged and deduped. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'publish-'));
  target = join(folder, "an analyst's folder", 'warehouse.duckdb');
  warehouse = await Warehouse.open(join(folder, 'loader.duckdb'), { fileAccess: { folders: [folder] } });
  session = await warehouse.session();
  await migrate(session, NOW);
  await session.run(`
    CREATE SCHEMA staging_messaging;
    CREATE TABLE staging_messaging.reps (rep_id VARCHAR, _file_id BIGINT);
    CREATE SCHEMA messaging;
    CREATE TABLE messaging.reps (rep_id VARCHAR, "odd ""name" INTEGER);
    INSERT INTO messaging.reps VALUES ('r1', 1), ('r2', 2);
    COMMENT ON TABLE messaging.reps IS 'The people who''s on the phone';
    COMMENT ON COLUMN messaging.reps.rep_id IS 'Who';
    COMMENT ON COLUMN messaging.reps."odd ""name" IS 'How odd';
    CREATE SCHEMA marts;
    CREATE VIEW marts.rep_count AS SELECT count(*) AS reps FROM messaging.reps;
    CREATE VIEW marts.staged_count AS SELECT count(*) AS rows FROM staging_messaging.reps;
    COMMENT ON VIEW marts.rep_count IS 'How many there are';
    INSERT INTO ops.rejected_rows VALUES (1, 2, 'secret'::BLOB, 'invalid_json', 'why', now()::TIMESTAMP, NULL, NULL);
    CREATE TABLE main.scratch (x INTEGER)`);
});
afterEach(async () => {
  await warehouse[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const names = () => readdir(join(target, '..'));
const reps = () => ask(target, 'SELECT count(*)::INTEGER AS reps FROM messaging.reps');

describe('the published copy', () => {
  test('holds the tables of models and the ledger, and no staging', async () => {
    await publish(session, target);
    const schemas = await ask(target, 'SELECT DISTINCT schema_name AS name FROM duckdb_tables() ORDER BY 1');
    expect(schemas.map(({ name }) => name)).toEqual(['marts', 'messaging', 'ops']);
    expect(await ask(target, 'FROM messaging.reps ORDER BY rep_id')).toEqual([
      { rep_id: 'r1', 'odd "name': 1 },
      { rep_id: 'r2', 'odd "name': 2 },
    ]);
    const ledger = await ask(
      target,
      "SELECT table_name AS name FROM duckdb_tables() WHERE schema_name = 'ops'",
    );
    const there = ledger.map(({ name }) => name);
    expect(there).toEqual(
      expect.arrayContaining(['files', 'partitions', 'rejected_rows', 'runs', 'test_results']),
    );
    expect(there).not.toContain('unnumbered');
  });

  test('holds rejected lines without their text', async () => {
    await publish(session, target);
    expect(await ask(target, 'SELECT * EXCLUDE (rejected_at) FROM ops.rejected_rows')).toEqual([
      { file_id: 1, line: 2, reason: 'invalid_json', detail: 'why', resolved_at: null, resolution: null },
    ]);
    expect((await readFile(target)).includes('secret')).toBe(false);
  });

  test('has views as views, and those that read staging as tables of what they show now', async () => {
    await publish(session, target);
    const kinds = await ask(
      target,
      `SELECT table_name AS name, table_type AS kind FROM information_schema.tables WHERE table_schema = 'marts' ORDER BY 1`,
    );
    expect(kinds).toEqual([
      { name: 'rep_count', kind: 'VIEW' },
      { name: 'staged_count', kind: 'BASE TABLE' },
    ]);
    expect(await ask(target, 'FROM marts.rep_count, marts.staged_count')).toEqual([{ reps: 2, rows: 0 }]);
    for (const view of ['freshness', 'reconciliation', 'conservation'])
      expect(await ask(target, `FROM ops.${view}`)).toEqual([]);
  });

  test('has a view that reads another as a view, whichever was made last', async () => {
    await session.run(`CREATE VIEW marts.twice AS SELECT reps * 2 AS reps FROM marts.rep_count;
      CREATE OR REPLACE VIEW marts.rep_count AS SELECT count(*) AS reps FROM messaging.reps`);
    await publish(session, target);
    expect(await ask(target, 'FROM marts.twice')).toEqual([{ reps: 4 }]);
    const views = await ask(target, "SELECT view_name AS name FROM duckdb_views() WHERE view_name = 'twice'");
    expect(views).toEqual([{ name: 'twice' }]);
  });

  test('has the comments of its tables and columns', async () => {
    await publish(session, target);
    const comments = await ask<{ name: string; comment: string }>(
      target,
      `SELECT table_name AS name, comment FROM duckdb_tables() WHERE comment IS NOT NULL
       UNION ALL SELECT table_name || '.' || column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL`,
    );
    const byName = new Map(comments.map(({ name, comment }) => [name, comment]));
    expect(byName.get('reps')).toBe("The people who's on the phone");
    expect(byName.get('reps.rep_id')).toBe('Who');
    expect(byName.get('reps.odd "name')).toBe('How odd');
    expect(byName.get('files')).toBe('One row a file that was staged');
    expect(byName.get('files.path')).toBe('Relative to the root of the source, as the vendor lays it out');
  });

  test('has the comments of its views', async () => {
    await publish(session, target);
    const comments = await ask(
      target,
      `SELECT view_name AS name, comment FROM duckdb_views() WHERE NOT internal AND comment IS NOT NULL ORDER BY 1`,
    );
    expect(comments).toContainEqual({ name: 'rep_count', comment: 'How many there are' });
    expect(comments).toContainEqual({
      name: 'freshness',
      comment: expect.stringContaining('newest complete partition'),
    });
  });

  test('is made anew from what there is each time', async () => {
    await publish(session, target);
    await session.run(
      'DROP VIEW marts.rep_count; DROP TABLE messaging.reps; CREATE TABLE messaging.teams AS SELECT 1 AS a',
    );
    await publish(session, target);
    const tables = await ask(
      target,
      "SELECT table_name AS name FROM duckdb_tables() WHERE schema_name = 'messaging'",
    );
    expect(tables).toEqual([{ name: 'teams' }]);
  });
});

describe('publishing', () => {
  test('leaves readers the copy that they have open, and gives later ones the new copy', async () => {
    await publish(session, target);
    await using reader = await OtherProcess.open(target, 'READ_ONLY');
    expect(await reader.ask('SELECT count(*) AS reps FROM messaging.reps')).toEqual([{ reps: '2' }]);
    const { ino } = await stat(target);
    await session.run("INSERT INTO messaging.reps VALUES ('r3', 3)");
    await publish(session, target);
    expect(await reader.ask('SELECT count(*) AS reps FROM messaging.reps')).toEqual([{ reps: '2' }]);
    expect(await reader.ask('SELECT max(rep_id) AS rep FROM messaging.reps')).toEqual([{ rep: 'r2' }]);
    expect(await reps()).toEqual([{ reps: 3 }]);
    expect((await stat(target)).ino).not.toBe(ino);
  });

  test('leaves nothing beside the copy, and removes what a killed run left', async () => {
    await mkdir(join(target, '..'));
    const theirs = ['warehouse.duckdb.backup', 'warehouse.duckdb.tmp', 'other.duckdb.12.tmp', 'notes.txt'];
    const ours = [
      'warehouse.duckdb.12.tmp',
      'warehouse.duckdb.12.tmp.wal',
      `warehouse.duckdb.${process.pid}.tmp`,
    ];
    for (const name of [...theirs, ...ours]) await writeFile(join(target, '..', name), 'x');
    await publish(session, target);
    expect((await names()).sort()).toEqual([...theirs, 'warehouse.duckdb'].sort());
    expect(await reps()).toEqual([{ reps: 2 }]);
  });

  test('that fails leaves the old copy as it was, and can be done again', async () => {
    await publish(session, target);
    const before = await readFile(target);
    await session.run(
      'CREATE TABLE main.gone (x INTEGER); CREATE VIEW marts.broken AS FROM main.gone; DROP TABLE main.gone',
    );
    await expect(publish(session, target)).rejects.toThrow(/gone/);
    expect((await readFile(target)).equals(before)).toBe(true);
    await session.run("DROP VIEW marts.broken; INSERT INTO messaging.reps VALUES ('r3', 3)");
    await publish(session, target);
    expect(await reps()).toEqual([{ reps: 3 }]);
    expect(await names()).toEqual(['warehouse.duckdb']);
  });

  test('keeps the copy readable for those who may read it', async () => {
    await publish(session, target);
    for (const mode of [0o640, 0o444]) {
      await chmod(target, mode);
      for (const whole of [false, true]) {
        if (whole) await session.run('DELETE FROM ops.published');
        await publish(session, target);
        expect((await stat(target)).mode & 0o777).toBe(mode);
      }
    }
  });

  test('does not keep the space of tables that were replaced', async () => {
    const numbers =
      'CREATE OR REPLACE TABLE messaging.numbers AS SELECT hash(range) AS n FROM range(12_000_000)';
    await session.run(numbers);
    await publish(session, target);
    const { size } = await stat(target);
    const sizes: number[] = [];
    for (let times = 0; times < 3; times += 1) {
      await publish(session, target);
      sizes.push((await stat(target)).size);
    }
    expect(Math.max(...sizes)).toBeGreaterThan(1.5 * size);
    expect(Math.min(...sizes)).toBeLessThan(1.1 * size);
  });

  test('into a folder that cannot be written to fails, and says so', async () => {
    await mkdir(join(target, '..'));
    await chmod(join(target, '..'), 0o555);
    await asOrdinaryUser(folder, () =>
      expect(publish(session, target)).rejects.toThrow(
        /the copy for analysts, .* cannot be written: .*permission/is,
      ),
    );
  });

  test('leaves the session in the database and the schema where it was', async () => {
    const before = await session.row('SELECT current_database() AS name, current_schema() AS schema');
    await publish(session, target);
    expect(await session.row('SELECT current_database() AS name, current_schema() AS schema')).toEqual(
      before,
    );
    expect(await session.rows("FROM duckdb_databases() WHERE database_name = 'published_copy'")).toEqual([]);
  });
});
