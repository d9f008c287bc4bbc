import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { replayRejects } from '../../../src/load/rejects.ts';
import { differences } from '../../support/differences.ts';
import { Project } from '../../support/project.ts';

const CONFIG = 'models: ./models\nsources: {messaging: {connector: local, path: feeds}}\n';
const FEED = 'voice_intents';

const intent = (id: number, code: string, hour = '07') => ({
  issue_id: id,
  voice_intent_code: code,
  company_name: 'acme',
  instance_ts: `2026-01-09T${hour}:00:00Z`,
});

/** Two models above the deduped table, one above the other. */
async function withMarts(): Promise<Project> {
  const project = await Project.create(CONFIG);
  await project.write('models/marts/codes.sql', BY_CODE);
  await project.write('models/marts/top_code.sql', "select max(code) as code from {{ ref('codes') }}\n");
  await project.partition(FEED, '2026-01-09 07', [intent(1, 'A'), intent(2, 'B'), intent(1, 'C')]);
  return project;
}

const BY_CODE = `select voice_intent_code as code, count(*) as issues
from {{ ref('${FEED}') }} group by all
`;
const CODES = 'SELECT code, issues FROM marts.codes ORDER BY code';

/** What each run built, in order: `marts.codes`. */
function builtIn(project: Project, run: number): Promise<{ model: string; status: string }[]> {
  return project.loader(`SELECT model, status FROM ops.model_runs WHERE run_id = ${run} ORDER BY model`);
}

describe('a build', () => {
  test('makes models in their order, and records what each read and kept', async () => {
    await using project = await withMarts();
    const { built } = await project.run();
    expect(built).toMatchObject({
      built: [`messaging.${FEED}`, 'marts.codes', 'marts.top_code'],
      failed: [],
    });
    expect(await project.loader(CODES)).toEqual([
      { code: 'B', issues: 1 },
      { code: 'C', issues: 1 },
    ]);
    const runs =
      'SELECT model, materialized, status, rows_in, rows_kept, rows_superseded FROM ops.model_runs ORDER BY model';
    expect(await project.loader(runs)).toEqual([
      {
        model: 'marts.codes',
        materialized: 'view',
        status: 'built',
        rows_in: null,
        rows_kept: 2,
        rows_superseded: null,
      },
      {
        model: 'marts.top_code',
        materialized: 'view',
        status: 'built',
        rows_in: null,
        rows_kept: 1,
        rows_superseded: null,
      },
      {
        model: `messaging.${FEED}`,
        materialized: 'dedup',
        status: 'built',
        rows_in: 3,
        rows_kept: 2,
        rows_superseded: 1,
      },
    ]);
  });

  test('leaves alone what has not changed', async () => {
    await using project = await withMarts();
    await project.run();
    expect(await project.run()).toMatchObject({ built: { built: [], changed: false }, published: false });
    expect(await project.build()).toMatchObject({ built: { built: [], changed: false }, published: false });
    expect(await builtIn(project, 2)).toEqual([]);
  });

  test('builds everything again when that is asked for', async () => {
    await using project = await withMarts();
    await project.run();
    expect((await project.build({ fullRefresh: true })).built?.built).toHaveLength(3);
  });

  test('builds the models of a feed for which rows came, and not those of another', async () => {
    await using project = await withMarts();
    await project.run();
    await project.partition('reps', '2026-01-09', [{ rep_id: 'r1' }]);
    expect((await project.run()).built?.built).toEqual(['messaging.reps']);
    await project.partition(FEED, '2026-01-09 08', [intent(3, 'D', '08')]);
    expect((await project.run()).built?.built).toEqual([
      `messaging.${FEED}`,
      'marts.codes',
      'marts.top_code',
    ]);
  });

  test('skips a model whose feed has not come yet, and does not fail', async () => {
    await using project = await withMarts();
    await project.write('models/marts/rep_list.sql', "select * from {{ ref('reps') }}\n");
    const { built, exitCode } = await project.run();
    expect(built?.skipped).toEqual(
      expect.arrayContaining([
        { model: 'messaging.reps', message: 'nothing has come of messaging.reps yet' },
        { model: 'marts.rep_list', message: 'messaging.reps is not there' },
      ]),
    );
    expect(exitCode).toBe(0);
  });
});

test('a line that is replayed reaches every model that reads its feed', async () => {
  await using project = await withMarts();
  await project.write(
    'models/own/latest.sql',
    `{{ config(materialized='dedup', unique_key='issue_id') }} select * from {{ source('messaging', '${FEED}') }}\n`,
  );
  await project.partition(FEED, '2026-01-09 08', ['{"issue_id": 8', intent(9, 'D', '08')]);
  await project.run();
  // As if what made the line unreadable had been mended.
  await using workspace = await project.open();
  await workspace.session.run(`UPDATE ops.rejected_rows SET raw = '{"issue_id": 8}'::BLOB`);
  expect(await replayRejects(workspace, {})).toEqual({ staged: 1, left: 0 });
  await workspace[Symbol.asyncDispose]();
  await project.run();
  for (const model of [`messaging.${FEED}`, 'own.latest'])
    expect(await project.loader(`SELECT issue_id AS id FROM ${model} ORDER BY 1`)).toEqual([
      { id: 1 },
      { id: 2 },
      { id: 8 },
      { id: 9 },
    ]);
});

describe('a model whose file changes', () => {
  test('only in comments and layout is not built again', async () => {
    await using project = await withMarts();
    await project.run();
    await project.write(
      'models/marts/codes.sql',
      `-- How many of each.\n${BY_CODE.replace('count(*)', 'COUNT( * )')}`,
    );
    expect((await project.run()).built?.built).toEqual([]);
    expect(await builtIn(project, 2)).toEqual([]);
  });

  test('in what it means is built again, and so are those below it', async () => {
    await using project = await withMarts();
    await project.run();
    await project.write('models/marts/codes.sql', BY_CODE.replace('count(*)', 'count(*) * 10'));
    expect((await project.run()).built?.built).toEqual(['marts.codes', 'marts.top_code']);
    expect(await project.published(CODES)).toEqual([
      { code: 'B', issues: 10 },
      { code: 'C', issues: 10 },
    ]);
  });

  test('from a view to a table and back is made anew', async () => {
    await using project = await withMarts();
    await project.run();
    for (const kind of ['table', 'view'] as const) {
      await project.write('models/marts/codes.sql', `{{ config(materialized='${kind}') }}\n${BY_CODE}`);
      expect((await project.run()).built?.built).toContain('marts.codes');
      const [found] = await project.loader(
        "SELECT table_type AS type FROM information_schema.tables WHERE table_name = 'codes' AND table_schema = 'marts'",
      );
      expect(found?.type).toBe(kind === 'view' ? 'VIEW' : 'BASE TABLE');
    }
  });

  test('in its key is deduped from all of its rows', async () => {
    await using project = await withMarts();
    await project.run();
    await project.write(
      `models/messaging/${FEED}.sql`,
      `{{ config(materialized='dedup', unique_key=['issue_id', 'voice_intent_code'], order_by=['instance_ts']) }}
select * from {{ source('messaging', '${FEED}') }}
`,
    );
    await project.run();
    expect(await project.loader(CODES)).toEqual([
      { code: 'A', issues: 1 },
      { code: 'B', issues: 1 },
      { code: 'C', issues: 1 },
    ]);
  });

  test('in its description has the new description from then on', async () => {
    await using project = await withMarts();
    const describeIt = (text: string) =>
      project.write('models/marts/marts.yml', `models:\n  - name: codes\n    description: ${text}\n`);
    const comment = "SELECT comment FROM duckdb_views() WHERE view_name = 'codes'";
    await describeIt('Codes.');
    await project.run();
    expect(await project.loader(comment)).toEqual([{ comment: 'Codes.' }]);
    await describeIt('Codes and how many.');
    await project.run();
    expect(await project.loader(comment)).toEqual([{ comment: 'Codes and how many.' }]);
  });

  test('so that it fails keeps its old table, and those below keep theirs', async () => {
    await using project = await withMarts();
    await project.write('models/marts/beside.sql', `select count(*) as n from {{ ref('${FEED}') }}\n`);
    await project.run();
    await project.write('models/marts/codes.sql', `{{ config(materialized='table') }}\n${BY_CODE}`);
    await project.run();
    const failing = BY_CODE.replace('count(*)', "error('no such luck')::integer");
    await project.write('models/marts/codes.sql', `{{ config(materialized='table') }}\n${failing}`);
    await project.partition(FEED, '2026-01-09 08', [intent(3, 'D', '08')]);

    const outcome = await project.run();
    expect(outcome).toMatchObject({
      exitCode: 1,
      built: {
        built: [`messaging.${FEED}`, 'marts.beside'],
        failed: [{ model: 'marts.codes', message: expect.stringContaining('no such luck') }],
      },
      published: true,
    });
    expect(outcome.built?.skipped).toContainEqual({ model: 'marts.top_code', message: 'marts.codes failed' });
    expect(await project.published(CODES)).toEqual([
      { code: 'B', issues: 1 },
      { code: 'C', issues: 1 },
    ]);
    expect(await project.published('FROM marts.beside')).toEqual([{ n: 3 }]);
    // What was built beside it in one transaction was undone, and built by itself.
    expect(await builtIn(project, 3)).toEqual([
      { model: 'marts.beside', status: 'built' },
      { model: 'marts.codes', status: 'failed' },
      { model: `messaging.${FEED}`, status: 'built' },
    ]);

    await project.write('models/marts/codes.sql', BY_CODE);
    expect(await project.run()).toMatchObject({
      exitCode: 0,
      built: { built: ['marts.codes', 'marts.top_code'] },
    });
    expect(await project.published(CODES)).toHaveLength(3);
  });
});

describe('a model with a mistake in it', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    [
      'a reference to nothing',
      { 'marts/a.sql': "select * from {{ ref('voice_intent') }}" },
      /voice_intent.*did you mean/s,
    ],
    [
      'models in a circle',
      { 'marts/a.sql': "select * from {{ ref('b') }}", 'marts/b.sql': "select * from {{ ref('a') }}" },
      /a.*b/s,
    ],
    [
      'SQL that is none',
      { 'marts/a.sql': "select 1 as one\nfrm {{ ref('voice_intents') }}" },
      /^models\/marts\/a\.sql:2: Parser Error: syntax error/,
    ],
    [
      'a column that is not there',
      { 'marts/a.sql': "select\n  voice_intent_cod\nfrom {{ ref('voice_intents') }}" },
      /^models\/marts\/a\.sql:2: Binder Error: .*voice_intent_cod/s,
    ],
    [
      'SQL of an incremental model that only its second build would run',
      {
        'marts/a.sql':
          "{{ config(materialized='incremental') }}\nselect 1 as one\n{% if is_incremental() %}\n, two {% endif %}",
      },
      /^models\/marts\/a\.sql:4: Binder Error: .*two/s,
    ],
    [
      'a key that is not there',
      {
        'marts/a.sql':
          "{{ config(materialized='dedup', unique_key='issue_idd') }} select * from {{ source('messaging', 'voice_intents') }}",
      },
      /^models\/marts\/a\.sql: unique_key names issue_idd, which its rows do not have.*did you mean/s,
    ],
    ['Jinja that is not closed', { 'marts/a.sql': "select {{ var('x' " }, /models\/marts\/a\.sql:1/],
  ])('fails, while what reads it waits and the others are built: %s', async (_, models, message) => {
    await using project = await withMarts();
    await project.load();
    for (const [path, sql] of Object.entries(models)) await project.write(`models/${path}`, sql);
    await project.write('models/marts/below.sql', "select * from {{ ref('a') }}\n");
    const { exitCode, built, published, attention } = await project.build();
    expect({ exitCode, published }).toEqual({ exitCode: 1, published: true });
    expect(built?.failed.map(({ model }) => model)).toContain('marts.a');
    expect(built?.failed.map(({ message: told }) => told).join('\n')).toMatch(message);
    expect(attention).toMatchObject([{ kind: 'model_failed', severity: 'failed' }, ...attention.slice(1)]);
    // It costs itself and what is built from it. The others are built, tested and published.
    expect(built?.built).toEqual([`messaging.${FEED}`, 'marts.codes', 'marts.top_code']);
    expect(built?.skipped).toContainEqual({ model: 'marts.below', message: 'marts.a failed' });
    expect(await project.published(CODES)).toHaveLength(2);
    // It is told until it is mended, by whoever is asked.
    expect(await project.build({ select: ['a'] })).toMatchObject({ exitCode: 1 });
    expect(await project.build({ select: ['codes'] })).toMatchObject({ exitCode: 3, attention });
    await rm(project.path('models/marts'), { recursive: true });
    expect(await project.run()).toMatchObject({ exitCode: 0, attention: [] });
  });
});

describe('a selection', () => {
  test('builds only what it names, with what is above and below where it says so', async () => {
    await using project = await withMarts();
    await project.load();
    expect((await project.build({ select: [FEED] })).built?.built).toEqual([`messaging.${FEED}`]);
    expect((await project.build({ select: ['+top_code'], exclude: ['top_code'] })).built?.built).toEqual([
      'marts.codes',
    ]);
    expect((await project.build({ select: ['codes+'], fullRefresh: true })).built?.built).toEqual([
      'marts.codes',
      'marts.top_code',
    ]);
  });

  test('of state:modified is of the models that were not built as they are written now', async () => {
    await using project = await withMarts();
    await project.load();
    const early = await project.build({ select: ['state:modified'] }).catch((error) => error);
    expect(early).toBeInstanceOf(UsageError);
    expect(early.message).toBe('state:modified needs an earlier build, and there is none');
    await project.build();
    await project.write('models/marts/codes.sql', `${BY_CODE}having issues > 0\n`);
    await project.write('models/marts/one.sql', 'select 1 as n');
    const { built } = await project.build({ select: ['state:modified'] });
    expect(built?.built).toEqual(['marts.one', 'marts.codes']);
    expect((await project.build({ select: ['state:modified'] })).built?.chosen).toEqual([]);
  });

  test('of result:error is of the models that failed when they were built last', async () => {
    await using project = await withMarts();
    await project.write('models/marts/codes.sql', `${BY_CODE}having nobody > 0\n`);
    await project.run();
    await project.write('models/marts/codes.sql', BY_CODE);
    const { built } = await project.build({ select: ['result:error+'] });
    expect(built?.built).toEqual(['marts.codes', 'marts.top_code']);
    expect((await project.build({ select: ['result:error'] })).built?.chosen).toEqual([]);
  });

  test('that matches nothing is refused with the nearest name', async () => {
    await using project = await withMarts();
    const failure = await project.build({ select: ['code'] }).catch((error) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure.message).toMatch(/matches nothing.*did you mean "?codes/);
  });
});

/** Hours of a feed as they are delivered: when each comes, and what is in it. */
const deliveries = fc.uniqueArray(
  fc.record({
    hour: fc.integer({ min: 0, max: 5 }),
    rows: fc.array(
      fc.record({ id: fc.integer({ min: 1, max: 4 }), ts: fc.option(fc.integer({ min: 0, max: 3 })) }),
      { minLength: 1, maxLength: 6 },
    ),
    split: fc.boolean(),
    run: fc.integer({ min: 0, max: 2 }),
    again: fc.boolean(),
  }),
  { minLength: 2, maxLength: 6, selector: ({ hour }) => hour },
);

test('runs over feeds that come in any order end with the tables that one run over all of them makes', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, async (hours) => {
      await using bitByBit = await Project.create();
      await using atOnce = await Project.create();
      const put = async (project: Project, { hour, rows, split }: (typeof hours)[number], word: string) => {
        const lines = rows.map(({ id, ts }, index) => ({
          issue_id: id,
          company_name: 'acme',
          voice_intent_code: `${word} ${hour} ${index}`,
          instance_ts: ts === null ? null : `2026-01-05T00:00:0${ts}Z`,
        }));
        const half = Math.ceil(lines.length / 2);
        const files: Record<string, object[]> = split
          ? { '.01': lines.slice(0, half), '.02.gz': lines.slice(half) }
          : { '': lines };
        await project.partition(FEED, `2026-01-05 0${hour}`, files);
      };
      for (const run of [0, 1, 2]) {
        for (const hour of hours) {
          if (hour.run === run) await put(bitByBit, hour, hour.again ? 'first' : 'last');
          else if (hour.again && hour.run === run - 1) await put(bitByBit, hour, 'last');
        }
        await bitByBit.run();
      }
      for (const hour of hours) if (hour.again && hour.run === 2) await put(bitByBit, hour, 'last');
      await bitByBit.run();
      for (const hour of hours) await put(atOnce, hour, 'last');
      await atOnce.run();

      const files = [bitByBit, atOnce].map((project) => project.path('warehouse.duckdb')) as [string, string];
      // What is missing is told from the steps seen so far, which are not the same.
      const found = async () =>
        (await differences(...files)).filter((line) => !line.startsWith('ops.partitions'));
      expect(await found()).toEqual([]);
      expect(await bitByBit.loader(WINNERS)).toEqual(await bitByBit.loader(NAIVE));
      await bitByBit.build({ fullRefresh: true });
      expect(await found()).toEqual([]);
    }),
    { numRuns: 2 },
  );
});

const WINNERS = 'SELECT issue_id, voice_intent_code FROM messaging.voice_intents ORDER BY ALL';
/** As the vendor's guide does it, but with an order that leaves nothing to chance. */
const NAIVE = `SELECT issue_id, voice_intent_code FROM (
  SELECT s.*, row_number() OVER (PARTITION BY issue_id, company_name
    ORDER BY instance_ts DESC NULLS LAST, s._partition_ts DESC, f.path DESC, _line DESC) AS rank
  FROM staging_messaging.voice_intents s JOIN ops.files f ON f.file_id = s._file_id) WHERE rank = 1 ORDER BY ALL`;
