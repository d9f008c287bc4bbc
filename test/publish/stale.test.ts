import { chmod, rm, utimes } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Project } from '../support/project.ts';

const CONFIG = 'models: ./models\nsources: {messaging: {connector: local, path: feeds}}\n';
const FEED = 'voice_intents';

let project: Project;

/** Two feeds; a table and a view above the first, of which the table is tested, and a table above the second. */
beforeEach(async () => {
  project = await Project.create(CONFIG);
  await project.write(
    'models/marts/codes.sql',
    `{{ config(materialized='table') }}
select voice_intent_code as code, count(*) as issues from {{ ref('${FEED}') }} group by all`,
  );
  await project.write('models/marts/top.sql', "select max(code) as code from {{ ref('codes') }}");
  await project.write(
    'models/marts/beside.sql',
    "{{ config(materialized='table') }}\nselect count(*) as reps from {{ ref('reps') }}",
  );
  await project.write('models/marts/s.yml', tested('codes', 'code', "<> 'BAD'"));
  await intents('07', 'A', 'B');
  await project.partition('reps', '2026-01-08', [{ rep_id: 'r1' }]);
});
afterEach(() => project[Symbol.asyncDispose]());

function tested(model: string, column: string, expression: string): string {
  return `models:
  - name: ${model}
    columns: [{ name: ${column}, tests: [{ expression: { expression: "${expression}", name: no_bad } }] }]
`;
}

async function intents(hour: string, ...codes: string[]): Promise<void> {
  const rows = codes.map((code, index) => ({
    issue_id: index + 1,
    voice_intent_code: code,
    company_name: 'acme',
    instance_ts: `2026-01-09T${hour}:00:00Z`,
  }));
  await project.partition(FEED, `2026-01-09 ${hour}`, rows);
}

const CODES = 'SELECT code FROM marts.codes ORDER BY code';
const TABLES = `SELECT schema || '.' || name AS name, kind, run_id, rows, data_up_to, sources, stale, why
  FROM ops.tables ORDER BY 1`;
const kindsOf = (name: string) =>
  project.published(
    `SELECT table_type AS kind FROM information_schema.tables WHERE table_schema || '.' || table_name = '${name}'`,
  );

describe('ops.tables and the COMMENT of each table', () => {
  test('say when it was built, and from what', async () => {
    await project.run();
    await project.partition('reps', '2026-01-09', [{ rep_id: 'r2' }]);
    await project.run();
    const feed = { data_up_to: new Date('2026-01-09T07:00:00Z'), sources: [`messaging.${FEED}`] };
    const reps = { data_up_to: new Date('2026-01-09T00:00:00Z'), sources: ['messaging.reps'] };
    const fresh = { stale: false, why: null };
    expect(await project.published(TABLES)).toEqual([
      { name: 'marts.beside', kind: 'table', run_id: 2, rows: 1, ...reps, ...fresh },
      { name: 'marts.codes', kind: 'table', run_id: 1, rows: 2, ...feed, ...fresh },
      { name: 'marts.top', kind: 'view', run_id: 1, rows: 1, ...feed, ...fresh },
      { name: 'messaging.reps', kind: 'dedup', run_id: 2, rows: 2, ...reps, ...fresh },
      { name: `messaging.${FEED}`, kind: 'dedup', run_id: 1, rows: 2, ...feed, ...fresh },
    ]);
    const [reps2] = await project.published<{ comment: string }>(
      "SELECT comment FROM duckdb_tables() WHERE schema_name = 'messaging' AND table_name = 'reps'",
    );
    expect(reps2?.comment).toMatch(
      /\nBuilt 2026-01-10 12:00 UTC from messaging\.reps \(up to 2026-01-09 00:00\), 2 rows\.$/,
    );
    // The loader's own table says what it holds, and no more.
    const [own] = await project.loader<{ comment: string }>(
      "SELECT comment FROM duckdb_tables() WHERE schema_name = 'messaging' AND table_name = 'reps'",
    );
    expect(reps2?.comment.startsWith(`${own?.comment}\n`)).toBe(true);
    expect(await project.run()).toMatchObject({ published: false, exitCode: 0 });
  });
});

describe('a test that fails', () => {
  /** Both feeds have more, and one of the new codes is bad. */
  async function failing(): Promise<void> {
    await intents('08', 'BAD');
    await project.partition('reps', '2026-01-09', [{ rep_id: 'r2' }]);
  }
  const STALE = [
    { kind: 'test_failed' },
    {
      kind: 'stale_table',
      severity: 'attention',
      count: 2,
      message: 'marts.codes, marts.top stay as they were: test no_bad failed',
      hint: 'asapp-warehouse test --select no_bad',
    },
  ];

  test('keeps its model, and what is built from it, as analysts have them, while the others are published', async () => {
    await project.run();
    await failing();
    const outcome = await project.run();
    expect(outcome).toMatchObject({ exitCode: 3, published: true, attention: STALE });
    expect(await project.published(CODES)).toEqual([{ code: 'A' }, { code: 'B' }]);
    // A view would show what its parents have: it is what it showed.
    expect(await project.published('FROM marts.top')).toEqual([{ code: 'B' }]);
    expect(await project.published('FROM marts.beside')).toEqual([{ reps: 2 }]);
    expect(
      await project.published(`SELECT voice_intent_code AS code FROM messaging.${FEED} ORDER BY 1`),
    ).toEqual([{ code: 'B' }, { code: 'BAD' }]);
    const why = 'test no_bad failed';
    expect(
      await project.published(`SELECT name, run_id, stale, why FROM ops.tables WHERE stale ORDER BY 1`),
    ).toEqual([
      { name: 'codes', run_id: 1, stale: true, why },
      { name: 'top', run_id: 1, stale: true, why: `it is built from marts.codes: ${why}` },
    ]);
    const [codes] = await project.published<{ comment: string }>(
      "SELECT comment FROM duckdb_tables() WHERE table_name = 'codes'",
    );
    expect(codes?.comment).toMatch(/It is older than it should be: test no_bad failed\.$/);
    expect(await project.published('SELECT count(*) AS runs FROM ops.runs')).toEqual([{ runs: 2 }]);

    // It stays told while nothing changes, and nothing is published for it.
    expect(await project.run()).toMatchObject({ exitCode: 3, published: false, attention: STALE });
    // More comes: the tables stay what they were when they were last right.
    await intents('09', 'BAD', 'C');
    expect(await project.run()).toMatchObject({ exitCode: 3, published: true });
    expect(await project.published('FROM marts.top')).toEqual([{ code: 'B' }]);

    await intents('10', 'D', 'E');
    expect(await project.run()).toMatchObject({ exitCode: 0, published: true, attention: [] });
    expect(await project.published(CODES)).toEqual([{ code: 'D' }, { code: 'E' }]);
    expect(await project.published('FROM marts.top')).toEqual([{ code: 'E' }]);
    expect(await kindsOf('marts.top')).toEqual([{ kind: 'VIEW' }]);
    expect(await project.published('FROM ops.tables WHERE stale')).toEqual([]);
  });

  test('and is of a view keeps what the view showed', async () => {
    await project.write('models/marts/s.yml', tested('top', 'code', "<> 'BAD'"));
    await project.run();
    await failing();
    expect(await project.run()).toMatchObject({ exitCode: 3, published: true });
    expect(await project.published(CODES)).toEqual([{ code: 'B' }, { code: 'BAD' }]);
    expect(await project.published('FROM marts.top')).toEqual([{ code: 'B' }]);
    expect(await kindsOf('marts.top')).toEqual([{ kind: 'BASE TABLE' }]);
  });

  test('and is mended without a build lets its model be published', async () => {
    await project.run();
    await failing();
    await project.run();
    await project.write('models/marts/s.yml', tested('codes', 'code', "<> 'WORSE'"));
    expect(await project.run()).toMatchObject({ exitCode: 0, published: true });
    expect(await project.published(CODES)).toEqual([{ code: 'B' }, { code: 'BAD' }]);
  });

  test('in the first run leaves out its model and what is built from it, and says so', async () => {
    await failing();
    const { exitCode, published, attention } = await project.run();
    expect({ exitCode, published }).toEqual({ exitCode: 3, published: true });
    expect(attention).toMatchObject([
      { kind: 'test_failed' },
      { kind: 'withheld_table', message: 'marts.codes, marts.top are not published: test no_bad failed' },
    ]);
    expect(await project.published("SELECT name FROM ops.tables WHERE schema = 'marts'")).toEqual([
      { name: 'beside' },
    ]);
    expect(await kindsOf('marts.codes')).toEqual([]);
  });

  test('takes nothing over from a copy that somebody wrote to', async () => {
    await project.run();
    await failing();
    const copy = project.path('published/warehouse.duckdb');
    await chmod(copy, 0o600);
    await utimes(copy, new Date(), new Date());
    expect(await project.run()).toMatchObject({
      attention: [{ kind: 'test_failed' }, { kind: 'withheld_table' }],
      published: true,
    });
    expect(await kindsOf('marts.codes')).toEqual([]);
    expect(await project.published('FROM marts.beside')).toEqual([{ reps: 2 }]);
  });

  test('keeps its model as it was, too, when the copy is written anew for its empty space', async () => {
    const large = "{{ config(materialized='table') }}\nselect hash(range) as n from range(12_000_000)";
    await project.write('models/marts/large.sql', large);
    await project.run();
    await rm(project.path('models/marts/large.sql'));
    await failing();
    for (let run = 0; run < 2; run += 1) {
      await project.build({ fullRefresh: true });
      expect(await project.published('FROM marts.codes, marts.top')).toHaveLength(2);
      expect(await project.published('FROM marts.top')).toEqual([{ code: 'B' }]);
    }
  });
});

describe('a model that fails', () => {
  test('leaves its table as it was and marks it as stale, with what is built from it', async () => {
    await project.run();
    await project.write(
      'models/marts/codes.sql',
      "{{ config(materialized='table') }}\nselect voice_intent_cod as code from {{ ref('voice_intents') }}",
    );
    await intents('08', 'Z');
    const { exitCode, published, attention } = await project.run();
    expect({ exitCode, published }).toEqual({ exitCode: 1, published: true });
    expect(attention).toMatchObject(
      [
        { kind: 'model_failed', model: 'marts.codes' },
        {
          kind: 'stale_table',
          message: 'marts.top stays as it was: marts.codes could not be built',
          hint: 'asapp-warehouse build --select marts.codes',
        },
        { kind: 'test_failed' },
      ].slice(0, attention.length),
    );
    expect(await project.published(CODES)).toEqual([{ code: 'A' }, { code: 'B' }]);
    expect(await project.published('SELECT name, stale FROM ops.tables WHERE stale ORDER BY 1')).toEqual([
      { name: 'codes', stale: true },
      { name: 'top', stale: true },
    ]);
    expect(await project.published(`SELECT max(voice_intent_code) AS code FROM messaging.${FEED}`)).toEqual([
      { code: 'Z' },
    ]);
  });

  test('after a test of it failed keeps what analysts have, though the test cannot be run', async () => {
    await project.run();
    await intents('08', 'BAD');
    await project.run();
    await project.write('models/marts/codes.sql', "{{ config(materialized='table') }} select {{ (");
    const { exitCode } = await project.run();
    expect(exitCode).toBe(1);
    expect(await project.published(CODES)).toEqual([{ code: 'A' }, { code: 'B' }]);
    expect(await project.published('FROM marts.top')).toEqual([{ code: 'B' }]);
  });
});
