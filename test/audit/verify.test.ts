import { cp, readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Finding, type VerifyOptions, verify } from '../../src/audit/verify/verify.ts';
import { openProject } from '../../src/models/build/build.ts';
import { silentReporter } from '../../src/reporter.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';
import { openReadOnly } from '../../src/workspace/read-only.ts';
import { NOW, Project } from '../support/project.ts';

let loaded: Project;
let project: Project;

beforeAll(async () => {
  loaded = await Project.create();
  await loaded.partition('reps', '2026-01-05', [rep(1, 'Ada', '01-05'), rep(2, 'Bo', '01-05'), '{"broken']);
  await loaded.partition('reps', '2026-01-06', [rep(1, 'Ada L.', '01-06'), rep(3, 'Cy', '01-06')]);
  await loaded.run();
});
afterAll(() => loaded[Symbol.asyncDispose]());

beforeEach(async () => {
  project = await Project.create();
  // The copied feeds have another time, so whoever runs again finds them exported again.
  await cp(loaded.folder, project.folder, { recursive: true });
});
afterEach(() => project[Symbol.asyncDispose]());

function rep(rep_id: number | null, name: string, day: string) {
  return { rep_id, name, created_ts: `2026-${day}T00:00:00Z` };
}

async function findings(options: Partial<VerifyOptions> = {}): Promise<Finding[]> {
  const config = await project.config();
  await using workspace = await openReadOnly(config, { reporter: silentReporter, clock: () => NOW });
  const models = await openProject(config, workspace.catalogue);
  return await verify(workspace, models, { random: () => 0.5, ...options });
}

/** Does something to the loader's own tables, as nobody should. */
async function tamper(sql: string): Promise<void> {
  await using workspace = await project.open();
  await workspace.session.run(sql);
}

/** What does not hold; `published` only where that is what was broken. */
async function broken(all = false): Promise<[Finding['check'], string, string][]> {
  const found = (await findings()).filter(
    ({ check, result }) => result === 'broken' && (all || check !== 'published'),
  );
  return found.map(({ check, name, detail }) => [check, name, detail]);
}

test('verify says of each feed and each dedup model what holds', async () => {
  expect(await findings()).toEqual([
    {
      check: 'conservation',
      name: 'messaging.reps',
      result: 'holds',
      detail: '2 files: 5 lines = 4 staged + 1 rejected',
    },
    {
      check: 'conservation',
      name: 'messaging.reps',
      result: 'holds',
      detail: 'staged 4 = kept 3 + superseded 1',
    },
    {
      check: 'incremental',
      name: 'messaging.reps',
      result: 'holds',
      detail: 'equals a full build, row for row',
    },
    {
      check: 'determinism',
      name: 'messaging.reps',
      result: 'holds',
      detail: 'the same rows from shuffled input, by one thread and by many',
    },
    { check: 'ties', name: 'messaging.reps', result: 'holds', detail: 'none' },
    { check: 'null keys', name: 'messaging.reps', result: 'holds', detail: 'none' },
    { check: 'misfits', name: 'messaging.reps', result: 'holds', detail: 'none' },
    { check: 'orphans', name: 'ops', result: 'holds', detail: 'none' },
    { check: 'gaps', name: 'ops.partitions', result: 'holds', detail: 'none' },
    { check: 'proofs', name: 'ops', result: 'holds', detail: 'each has rows that had some' },
    { check: 'published', name: 'messaging.reps', result: 'holds', detail: 'the same 3 rows' },
  ]);
});

test('verify finds nothing broken after late and reopened partitions', async () => {
  await project.partition('reps', '2026-01-04', [rep(1, 'Ada, long ago', '01-04'), rep(4, 'Di', '01-04')]);
  await project.partition('reps', '2026-01-06', [rep(2, 'Bo B.', '01-06')]);
  await project.run();
  expect(await project.published('SELECT rep_id, name FROM messaging.reps ORDER BY rep_id')).toEqual([
    { rep_id: '1', name: 'Ada' },
    { rep_id: '2', name: 'Bo B.' },
    { rep_id: '4', name: 'Di' },
  ]);
  expect(await broken()).toEqual([]);
});

test('verify leaves the warehouse as it was', async () => {
  const before = await readFile(project.path('warehouse.duckdb'));
  await findings();
  expect(before.equals(await readFile(project.path('warehouse.duckdb')))).toBe(true);
});

describe('verify reports', () => {
  const file = (day: string) => `messaging:reps/version=1/format=jsonl/dt=2026-01-${day}/reps.jsonl`;

  test('a file whose staged row is gone, and the model that still has the row', async () => {
    await tamper('DELETE FROM staging_messaging.reps WHERE rep_id = 3');
    expect(await broken()).toEqual([
      ['conservation', file('06'), 'messaging.reps: 2 lines ≠ 1 staged + 0 rejected'],
      [
        'conservation',
        'messaging.reps',
        'staged 3 ≠ kept 2 + superseded 1, and 1 row kept that nobody staged',
      ],
      [
        'incremental',
        'messaging.reps',
        '1 row not as in a full build: asapp-warehouse why messaging.reps rep_id=3',
      ],
    ]);
  });

  test('a file whose rejected line is gone', async () => {
    await tamper('DELETE FROM ops.rejected_rows');
    expect(await broken()).toEqual([
      ['conservation', file('05'), 'messaging.reps: 3 lines ≠ 2 staged + 0 rejected'],
    ]);
  });

  test('a file of which one line is staged twice and another is missing', async () => {
    await tamper('UPDATE staging_messaging.reps SET _line = 1 WHERE rep_id = 3');
    expect(await broken()).toContainEqual([
      'conservation',
      file('06'),
      'messaging.reps: 1 row without a line of its own',
    ]);
  });

  test('staged rows whose file the ledger does not know', async () => {
    await tamper('UPDATE staging_messaging.reps SET _file_id = 77 WHERE rep_id = 3');
    expect(await broken()).toContainEqual([
      'conservation',
      'file 77',
      'messaging.reps: 1 row of file 77, which was replaced or is not known',
    ]);
  });

  test('a model that keeps an older version of a record', async () => {
    await tamper(`UPDATE messaging.reps SET name = 'Ada', _file_id = 1, _line = 1 WHERE rep_id = 1`);
    expect(await broken()).toEqual([
      [
        'incremental',
        'messaging.reps',
        '2 rows not as in a full build: asapp-warehouse why messaging.reps rep_id=1',
      ],
    ]);
  });

  test('a model that has another value than a full build gives', async () => {
    await tamper(`UPDATE messaging.reps SET name = 'Bob' WHERE rep_id = 2`);
    expect(await broken()).toEqual([
      [
        'incremental',
        'messaging.reps',
        '2 rows not as in a full build: asapp-warehouse why messaging.reps rep_id=2',
      ],
    ]);
  });
});

describe('verify also reports', () => {
  /** Does something to the copy for analysts, as nobody should. */
  async function tamperCopy(sql: string): Promise<void> {
    await using copy = await Warehouse.open(project.path('published/warehouse.duckdb'));
    await (await copy.session()).run(sql);
  }
  const found = async (check: Finding['check']) => (await broken(true)).filter(([name]) => name === check);

  test('a published row that differs from the row in the loader’s file', async () => {
    await tamperCopy("UPDATE messaging.reps SET name = 'Bob' WHERE rep_id = 2");
    expect(await found('published')).toEqual([
      [
        'published',
        'messaging.reps',
        "2 rows not as in the loader's file: asapp-warehouse build --full-refresh --select messaging.reps",
      ],
    ]);
  });

  test('a table that is missing from the copy, or has other columns there', async () => {
    await tamperCopy('ALTER TABLE messaging.reps DROP COLUMN name');
    expect(await found('published')).toEqual([
      ['published', 'messaging.reps', 'has other columns, or other SQL, in the published file'],
    ]);
    await tamperCopy('DROP TABLE messaging.reps');
    expect(await found('published')).toEqual([
      ['published', 'messaging.reps', 'is not in the published file'],
    ]);
  });

  test('a published table that is marked as older, but only as a remark', async () => {
    await tamperCopy(
      "UPDATE ops.published_tables SET stale = true, why = 'test x failed'; DELETE FROM messaging.reps",
    );
    expect(await found('published')).toEqual([]);
    expect(await findings()).toContainEqual({
      check: 'published',
      name: 'messaging.reps',
      result: 'remark',
      detail: 'analysts have an older one: test x failed',
    });
  });

  test('a value of the ordering that did not fit its column', async () => {
    await tamper(
      `UPDATE staging_messaging.reps SET created_ts = NULL, _rescued = '{"created_ts":"1767225600000"}' WHERE rep_id = 3`,
    );
    expect(await found('misfits')).toEqual([
      [
        'misfits',
        'messaging.reps',
        '1 value of created_ts that did not fit: in _rescued, where nothing ranks by them',
      ],
    ]);
  });

  test('staged rows of a feed that the ledger does not know, and rejected lines of an unknown file', async () => {
    await tamper(`CREATE TABLE staging_messaging.ghost AS SELECT 1 AS a;
      UPDATE ops.rejected_rows SET file_id = 99`);
    expect(await found('orphans')).toEqual([
      ['orphans', 'staging_messaging.ghost', '1 row of which the ledger knows no file'],
      ['orphans', 'file 99', '1 rejected line of file 99, that is not known'],
    ]);
  });

  test('a gap long before the look-back that nobody has noticed', async () => {
    await tamper(`INSERT INTO ops.partitions BY NAME
      SELECT 'messaging' AS source, 'messaging' AS feed_group, 'reps' AS feed, '1' AS version, 'loaded' AS state,
        0 AS files, 0 AS rows, TIMESTAMP '2025-06-02' + to_days(day::INTEGER) AS partition_ts, day::VARCHAR AS path
      FROM unnest([0, 1, 2, 3, 5, 6]) AS days(day)`);
    const [gap, ...others] = await found('gaps');
    expect(others).toEqual([]);
    expect(gap?.[1]).toBe('messaging.reps');
    expect(gap?.[2]).toMatch(/partitions? missing, the first of 2025-06-06 00:00$/);
  });

  test('a proof that had rows and is empty now', async () => {
    await tamper("INSERT INTO ops.proofs VALUES ('reconciliation', 5, TIMESTAMP '2026-01-05')");
    expect(await found('proofs')).toEqual([
      ['proofs', 'ops.reconciliation', 'is empty, and had 5 rows: it proves nothing any more'],
    ]);
  });
});

test('verify finds other rows from shuffled input where the ordering leaves a choice', async () => {
  // As if two lines of a file had the same number: then nothing tells them apart.
  const lines = Array.from({ length: 200 }, (_, index) => rep(9, `name ${index}`, '01-07'));
  await project.partition('reps', '2026-01-07', lines);
  await project.run();
  await tamper('UPDATE staging_messaging.reps SET _line = 1 WHERE rep_id = 9');
  expect(await broken()).toContainEqual([
    'determinism',
    'messaging.reps',
    'other rows from shuffled input: its ordering leaves a choice',
  ]);
});

describe('verify remarks on', () => {
  const remarks = async () =>
    (await findings())
      .filter(({ result }) => result === 'remark')
      .map(({ check, detail }) => [check, detail]);

  test('records of which one delivery has several versions that differ, told apart by file and line alone', async () => {
    await project.partition('reps', '2026-01-07', [
      rep(1, 'this', '01-07'),
      rep(1, 'that', '01-07'),
      rep(2, 'twice', '01-07'),
      rep(2, 'twice', '01-07'),
    ]);
    await project.run();
    expect(await remarks()).toEqual([
      [
        'ties',
        '1 record of which one delivery has several versions that differ, told apart by file and line: asapp-warehouse why messaging.reps rep_id=1',
      ],
    ]);
  });

  test('NULL in keys', async () => {
    await project.partition('reps', '2026-01-07', [rep(null, 'nobody', '01-07')]);
    await project.run();
    expect(await remarks()).toEqual([['null keys', '1 row with NULL in rep_id']]);
  });
});

describe('verify skips a model', () => {
  const skipped = async () =>
    (await findings()).filter(({ result }) => result === 'skipped').map(({ name, detail }) => [name, detail]);

  test('whose feed has rows that came since it was built', async () => {
    await project.partition('reps', '2026-01-07', [rep(5, 'Ed', '01-07')]);
    await project.load();
    expect(await skipped()).toEqual([
      ['messaging.reps', 'rows came since it was built: asapp-warehouse build'],
    ]);
    expect(await broken()).toEqual([]);
  });

  test('whose definition has changed since it was built', async () => {
    await project.write(
      'warehouse.yaml',
      `models: ./models\nsources: { messaging: { connector: local, path: ./feeds } }`,
    );
    await project.write(
      'models/messaging/reps.sql',
      `{{ config(materialized='dedup', unique_key=['name']) }} select * from {{ source('messaging', 'reps') }}`,
    );
    expect(await skipped()).toEqual([
      [
        'messaging.reps',
        'its definition has changed since it was built: asapp-warehouse build --full-refresh --select messaging.reps',
      ],
    ]);
  });
});

describe('verify of several models', () => {
  beforeEach(async () => {
    await project.partition('intents', '2026-01-05', [{ code: 'a' }]);
    await project.partition('issue_type', '2026-01-05', [{ issue_id: 1 }]);
    await project.run();
  });
  const names = (found: Finding[], which: Finding['check']) =>
    found.filter(({ check }) => check === which).map(({ name }) => name);

  test('checks the models of a selection and the feeds that they read', async () => {
    const found = await findings({ select: ['intents'] });
    expect(new Set(found.map(({ name }) => name))).toEqual(new Set(['messaging.intents']));
    expect(names(await findings({ exclude: ['intents', 'reps'] }), 'conservation')).toEqual([
      'messaging.issue_type',
      'messaging.issue_type',
    ]);
  });

  test('draws a sample of the models by lot, and still counts the files of every feed', async () => {
    const lots = [0.9, 0.1, 0.5];
    const found = await findings({ sample: 2, random: () => lots.shift() ?? 0 });
    expect(names(found, 'determinism')).toEqual(['messaging.issue_type', 'messaging.reps']);
    expect(new Set(names(found, 'conservation')).size).toBe(3);
  });
});
