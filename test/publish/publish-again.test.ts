import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Warehouse } from '../../src/warehouse/warehouse.ts';
import { Project } from '../support/project.ts';
import { unlike } from '../support/published.ts';
import { OtherProcess } from '../support/reader.ts';

const FEED = 'voice_intents';
const OTHER = 'intents';

const intent = (id: number, code: string | null) => ({
  issue_id: id,
  voice_intent_code: code,
  company_name: 'acme',
  instance_ts: '2026-01-09T07:00:00Z',
});

/** So many that the copy is not simply filled with all of them again. */
const MANY = Array.from({ length: 10_001 }, (_, index) => intent(1000 + index, 'many'));

async function withOneHour(more: readonly object[] = []): Promise<Project> {
  const project = await Project.create(
    'models: ./models\nsources: {messaging: {connector: local, path: feeds}}\n',
  );
  await project.write(
    'models/marts/intents.sql',
    `{{ config(materialized='view') }} select count(*) as intents from {{ ref('${FEED}') }}`,
  );
  await project.partition(FEED, '2026-01-09 07', [intent(1, 'A'), intent(2, 'B'), ...more]);
  await project.partition(OTHER, '2026-01-09 07', [{ code: 'q', name: 'Sales' }]);
  await project.run();
  return project;
}

const loaderOf = (project: Project) => project.path('warehouse.duckdb');
const copyOf = (project: Project) => project.path('published/warehouse.duckdb');
const codes = async (project: Project) =>
  (
    await project.published(
      `SELECT issue_id || ' ' || voice_intent_code AS row FROM messaging.${FEED} WHERE issue_id < 1000 ORDER BY 1`,
    )
  ).map(({ row }) => row);

/** Does something to the loader's file that no run knows of. */
async function tamper(project: Project, sql: string): Promise<void> {
  await using warehouse = await Warehouse.open(loaderOf(project));
  await (await warehouse.session()).run(sql);
}

/** Marks the rows of the loader's own: those that are taken over have the mark. */
const mark = (project: Project, table: string, column: string) =>
  tamper(project, `UPDATE messaging.${table} SET ${column} = ${column} || '!'`);

/** Has the loader take the copy for one that is as it left it. */
async function pretendAsLeft(project: Project): Promise<void> {
  const { dev, ino, size, mtimeNs } = await stat(copyOf(project), { bigint: true });
  await tamper(project, `UPDATE ops.published SET fingerprint = '${dev} ${ino} ${size} ${mtimeNs}'`);
}

/** Does something to the copy. */
async function inCopy(project: Project, sql: string): Promise<void> {
  await using copy = await Warehouse.open(copyOf(project));
  await (await copy.session()).run(sql);
}

describe('a copy that is there already', () => {
  test('keeps the tables of models that were not built since', async () => {
    await using project = await withOneHour();
    await mark(project, OTHER, 'name');
    await project.partition(FEED, '2026-01-09 08', [intent(1, 'C')]);
    expect((await project.run()).published).toBe(true);
    expect(await project.published(`SELECT name FROM messaging.${OTHER}`)).toEqual([{ name: 'Sales' }]);
    expect(await codes(project)).toEqual(['1 C', '2 B']);
    expect(await project.published('FROM marts.intents')).toEqual([{ intents: 2 }]);
  });

  test('gets only the rows that changed of a long dedup model that was built incrementally', async () => {
    await using project = await withOneHour(MANY);
    await mark(project, FEED, 'voice_intent_code');
    await project.partition(FEED, '2026-01-09 08', [intent(1, 'C'), intent(3, 'D')]);
    await project.run();
    expect(await codes(project)).toEqual(['1 C', '2 B', '3 D']);
    // The hour comes again: one of its records is as before, the others go.
    await project.partition(FEED, '2026-01-09 08', [intent(3, 'E')]);
    await project.run();
    expect(await codes(project)).toEqual(['1 A', '2 B', '3 E']);
  });

  test('gets the parts that changed of a long table of the ledger', async () => {
    await using project = await withOneHour();
    const row = (id: string) =>
      `(SELECT r.* REPLACE (${id} AS run_id) FROM (FROM ops.model_runs LIMIT 1) AS r)`;
    await tamper(
      project,
      `INSERT INTO ops.model_runs SELECT r.* REPLACE (-t.i AS run_id)
      FROM (FROM ops.model_runs LIMIT 1) AS r, range(1, 12000) AS t(i)`,
    );
    await project.partition(FEED, '2026-01-09 08', [intent(1, 'C')]);
    await project.run();
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
    await tamper(
      project,
      `DELETE FROM ops.model_runs WHERE run_id = -5500;
      UPDATE ops.model_runs SET model = 'another' WHERE run_id = -3;
      INSERT INTO ops.model_runs ${row('-20000')}`,
    );
    await project.partition(FEED, '2026-01-09 09', [intent(1, 'D')]);
    await project.run();
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
  });

  test('gets values that are equal to those it has, and are not the same', async () => {
    await using project = await withOneHour();
    const write = (value: string) =>
      project.write(
        'models/marts/equal.sql',
        `{{ config(materialized='table') }} select interval '${value}' as span`,
      );
    const text = () => project.published('SELECT span::VARCHAR AS span FROM marts.equal');
    await write('1 month');
    await project.run();
    expect(await text()).toEqual([{ span: '1 month' }]);
    await write('30 days');
    await project.run();
    expect(await text()).toEqual([{ span: '30 days' }]);
  });

  test('gets all rows of a model that was built from all of its rows', async () => {
    await using project = await withOneHour();
    await inCopy(project, `UPDATE messaging.${FEED} SET voice_intent_code = voice_intent_code || '?'`);
    await inCopy(project, `UPDATE messaging.${OTHER} SET name = 'wrong'`);
    await pretendAsLeft(project);
    await project.build({ fullRefresh: true });
    expect(await codes(project)).toEqual(['1 A', '2 B']);
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
  });

  test('is made anew by the next run when somebody has written to it or put another in its place', async () => {
    await using project = await withOneHour();
    await inCopy(project, `CREATE TABLE messaging.mine AS SELECT 1 AS a; DELETE FROM messaging.${OTHER}`);
    expect((await project.run()).published).toBe(true);
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
    expect((await project.run()).published).toBe(false);

    await writeFile(copyOf(project), await readFile(copyOf(project)));
    await mark(project, OTHER, 'name');
    await project.run();
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
  });

  test('is made anew when a client that wrote to it was killed, without what that wrote', async () => {
    await using project = await withOneHour();
    {
      await using client = await OtherProcess.open(copyOf(project), 'READ_WRITE');
      await client.ask(`DELETE FROM messaging.${FEED}`);
      process.kill(client.pid, 'SIGKILL');
    }
    expect(await codes(project)).toEqual([]);
    expect((await project.run()).published).toBe(true);
    expect(await codes(project)).toEqual(['1 A', '2 B']);
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
  });

  test('is made anew when it is damaged, though nothing else shows that', async () => {
    await using project = await withOneHour();
    const file = await open(copyOf(project), 'r+');
    // The catalogue is further on, and DuckDB checks each of its blocks.
    await file.write(Buffer.alloc(100_000, 7), 0, 100_000, 12_288);
    await file.close();
    await pretendAsLeft(project);
    await project.partition(FEED, '2026-01-09 08', [intent(1, 'C')]);
    expect((await project.run()).exitCode).toBe(0);
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
  });

  test('is made anew when it is gone, and where it is to have another name', async () => {
    await using project = await withOneHour();
    await rm(copyOf(project));
    await project.run();
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
    const yaml = await readFile(project.path('warehouse.yaml'), 'utf8');
    await project.write('warehouse.yaml', `publish: ./for analysts/w.duckdb\n${yaml}`);
    await project.run();
    expect(await unlike(project.path('for analysts/w.duckdb'), loaderOf(project))).toEqual([]);
  });

  test('loses what the loader does not have any more, and takes over new comments', async () => {
    await using project = await withOneHour();
    await project.write('models/marts/more.sql', "{{ config(materialized='table') }} select 1 as a");
    await project.write('models/more/again.sql', "{{ config(materialized='view') }} select 2 as b");
    await project.write('models/marts/said.yml', 'models: [{name: more, description: One}]');
    await project.run();
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
    await project.write('models/marts/more.sql', "{{ config(materialized='view') }} select 3 as a");
    await project.write('models/marts/said.yml', 'models: [{name: more, description: Two}]');
    await tamper(project, `DROP SCHEMA more CASCADE; COMMENT ON TABLE messaging.${OTHER} IS NULL`);
    await rm(project.path('models/more/again.sql'));
    await project.run();
    expect(await project.published('FROM marts.more')).toEqual([{ a: 3 }]);
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
    const schemas = await project.published("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'more'");
    expect(schemas).toEqual([]);
  });
});

describe('a file that is no copy', () => {
  test('is not replaced, and the run does not start', async () => {
    await using project = await Project.create();
    await project.partition(FEED, '2026-01-09 07', [intent(1, 'A')]);
    const other = project.path('published/warehouse.duckdb');
    await project.write('published/warehouse.duckdb', 'dear diary');
    await expect(project.run()).rejects.toThrow(/is there already, and is no copy/);
    expect(await readFile(other, 'utf8')).toBe('dear diary');
    await rm(other);
    await inCopy(project, 'CREATE TABLE mine AS SELECT 1 AS a');
    await expect(project.build()).rejects.toThrow(/is there already, and is no copy/);
    expect(await project.published('FROM mine')).toEqual([{ a: 1 }]);
    await rm(other);
    await mkdir(other);
    await expect(project.run()).rejects.toThrow(/is a folder/);
    expect(await project.loader('FROM ops.runs')).toEqual([]);
  });

  test('is not the copy of an earlier file of the loader, which is replaced', async () => {
    await using project = await withOneHour();
    await rm(loaderOf(project));
    expect((await project.run()).published).toBe(true);
    expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
  });
});

/** What can come between two runs. */
const event = fc.oneof(
  fc.record({
    kind: fc.constant('export' as const),
    hour: fc.integer({ min: 1, max: 3 }),
    rows: fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom('A', 'B', null)), {
      maxLength: 4,
    }),
  }),
  fc.record({ kind: fc.constantFrom('other feed' as const, 'full build' as const, 'wider' as const) }),
);

test.each([
  ['few', []],
  ['many', MANY],
] as const)(
  'whatever comes between two runs, the copy is what the loader has: %s rows',
  async (_, more) => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 3, maxLength: 5 }), async (events) => {
        await using project = await withOneHour(more);
        for (const [index, one] of events.entries()) {
          if (one.kind === 'export')
            await project.partition(
              FEED,
              `2026-01-09 0${one.hour + 6}`,
              one.rows.map(([id, code]) => intent(id, code)),
            );
          else if (one.kind === 'other feed')
            await project.partition(OTHER, `2026-01-09 1${index}`, [{ code: `q${index}`, name: 'x' }]);
          else if (one.kind === 'wider')
            await project.write(
              'models/marts/intents.sql',
              `{{ config(materialized='table') }} select count(*) as intents, ${index} as n from {{ ref('${FEED}') }}`,
            );
          await project.run({ fullRefresh: one.kind === 'full build' });
          expect(await unlike(copyOf(project), loaderOf(project))).toEqual([]);
        }
      }),
      { numRuns: 3 },
    );
  },
  120_000,
);
