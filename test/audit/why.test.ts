import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConditions } from '../../src/audit/why/condition.ts';
import { upstreamOf } from '../../src/audit/why/upstream.ts';
import { versionsOf } from '../../src/audit/why/versions.ts';
import { whyCommand } from '../../src/audit/why/why.ts';
import { openProject } from '../../src/models/build/build.ts';
import { oneModel } from '../../src/models/one-model.ts';
import { silentReporter } from '../../src/reporter.ts';
import type { ResultTable } from '../../src/warehouse/values.ts';
import { openReadOnly } from '../../src/workspace/read-only.ts';
import { NOW, Project } from '../support/project.ts';

let project: Project;

beforeEach(async () => {
  project = await Project.create();
});
afterEach(() => project[Symbol.asyncDispose]());

function metrics(issue_id: unknown, ts: string | null, more: object = {}) {
  return { issue_id, first_utterance_ts: ts, ...more };
}

async function asking<T>(
  name: string,
  work: (parts: {
    workspace: Awaited<ReturnType<typeof openReadOnly>>;
    models: Awaited<ReturnType<typeof openProject>>;
    model: ReturnType<typeof oneModel>;
  }) => Promise<T>,
): Promise<T> {
  const config = await project.config();
  await using workspace = await openReadOnly(config, { reporter: silentReporter, clock: () => NOW });
  const models = await openProject(config, workspace.catalogue);
  return await work({ workspace, models, model: oneModel(models, name) });
}

const versions = (name: string, ...words: string[]) =>
  asking(name, ({ workspace, model }) => versionsOf(workspace.session, model, readConditions(words), true));

const upstream = (name: string, ...words: string[]) =>
  asking(name, ({ workspace, models, model }) =>
    upstreamOf(workspace.session, models, model, readConditions(words), true),
  );

/** Some columns of a table, each cell as text. */
function cells({ columns, rows }: ResultTable, ...names: string[]): (string | null)[][] {
  const at = names.map((name) => columns.findIndex((column) => column.name === name));
  return rows.map((row) => at.map((index) => (row[index] === null ? null : String(row[index]))));
}

describe('why of a record', () => {
  test('shows each version, the winner first, with what decided against the others', async () => {
    const early = '2026-01-05T01:00:00Z';
    const late = '2026-01-05T02:00:00Z';
    await project.partition('convos_metrics', '2026-01-05 01', {
      '': [metrics(1, early), metrics(1, null)],
      '.01': [metrics(1, late), metrics(2, late), metrics(1, late)],
      '.02': [metrics(1, late)],
    });
    await project.partition('convos_metrics', '2026-01-05 02', [metrics(1, late, { surprise: 'kept' })]);
    await project.run();
    const { table, records, notBuilt } = await versions('convos_metrics', 'issue_id=1');
    expect(table.columns.map(({ name }) => name)).toEqual([
      'issue_id',
      'first_utterance_ts',
      '_partition_ts',
      'source',
      'path',
      '_line',
      'verdict',
      '_rescued',
    ]);
    expect(
      cells(table, 'first_utterance_ts', '_partition_ts', 'path', '_line', 'verdict', '_rescued'),
    ).toEqual(
      [
        ['02', '02', '', '1', 'winner', '{"surprise":"kept"}'],
        ['02', '01', '.02', '1', 'partition', null],
        ['02', '01', '.01', '3', 'partition', null],
        ['02', '01', '.01', '1', 'partition', null],
        ['01', '01', '', '1', 'first_utterance_ts', null],
        [null, '01', '', '2', 'first_utterance_ts', null],
      ].map(([ts, partition, file, ...rest]) => [
        ts && `2026-01-05 ${ts}:00:00`,
        `2026-01-05 ${partition}:00:00`,
        `convos_metrics/version=1/format=jsonl/dt=2026-01-05/hr=${partition}/convos_metrics.jsonl${file}`,
        ...rest,
      ]),
    );
    expect({ records, notBuilt }).toEqual({ records: 1, notBuilt: 0 });
  });

  test('decides within one partition by the name of the file, then by the line', async () => {
    const same = metrics(1, null);
    await project.partition('convos_metrics', '2026-01-05 01', { '': [same], '.01': [same, same] });
    await project.run();
    const { table } = await versions('convos_metrics', 'issue_id=1');
    expect(cells(table, '_line', 'verdict')).toEqual([
      ['2', 'winner'],
      ['1', 'line'],
      ['1', 'file name'],
    ]);
  });

  test('decides between sources by their order, and says which source delivered each version', async () => {
    await project.write(
      'warehouse.yaml',
      `sources:
  live: { connector: local, path: ./feeds, group: messaging }
  archive: { connector: local, path: ./old, group: messaging }
`,
    );
    await project.partition('reps', '2026-01-05', [{ rep_id: 1, name: 'Ada' }]);
    await project.partition('reps', '2026-01-05', [{ rep_id: 1, name: 'Ada L.' }], { root: 'old' });
    await project.partition('reps', '2026-01-06', [{ rep_id: 2, name: 'Bo' }]);
    await project.partition('reps', '2026-01-06', [{ rep_id: 2, name: 'Bo' }], { root: 'old' });
    await project.run();
    const first = await versions('reps', 'rep_id=1');
    expect(cells(first.table, 'verdict')).toEqual([['winner'], ['order of the sources']]);
    expect(cells(first.table, 'source')).toEqual([['live'], ['archive']]);
    const second = await versions('reps', 'rep_id=2');
    expect(cells(second.table, 'verdict')).toEqual([['winner'], ['order of the sources']]);
  });

  test('says how many versions were loaded since the model was built', async () => {
    await project.partition('reps', '2026-01-05', [{ rep_id: 1, name: 'Ada' }]);
    await project.run();
    await project.partition('reps', '2026-01-06', [{ rep_id: 1, name: 'Ada L.' }]);
    await project.load();
    expect((await versions('reps', 'rep_id=1')).notBuilt).toBe(1);
    await project.build();
    expect((await versions('reps', 'rep_id=1')).notBuilt).toBe(0);
  });

  test('counts the files that were replaced, whose rows are gone', async () => {
    await project.partition('reps', '2026-01-05', [{ rep_id: 1, name: 'Ada' }]);
    await project.run();
    await project.partition('reps', '2026-01-05', [{ rep_id: 1, name: 'Ada L.' }]);
    await project.run();
    const { table, replacedFiles } = await versions('reps', 'rep_id=1');
    expect({ rows: table.rows.length, replacedFiles }).toEqual({ rows: 1, replacedFiles: 1 });
  });
});

describe('the conditions of why', () => {
  beforeEach(async () => {
    // As text: what JavaScript writes would be rounded.
    await project.partition('convos_metrics', '2026-01-05 01', [
      '{"issue_id":9007199254740993,"platform":"web","first_utterance_ts":"2026-01-05T00:00:00+02:00"}',
      '{"issue_id":9007199254740992,"platform":"","first_utterance_ts":"2026-01-04T22:00:00Z"}',
      '{"issue_id":null,"platform":null}',
    ]);
    await project.run();
  });
  const ids = async (...words: string[]) =>
    cells((await versions('convos_metrics', ...words)).table, 'issue_id').flat();

  test('are read as values of the types of their columns', async () => {
    expect(await ids('issue_id=9007199254740993')).toEqual(['9007199254740993']);
    expect(await ids('ISSUE_ID=9007199254740992')).toEqual(['9007199254740992']);
    expect(await ids('first_utterance_ts=2026-01-04 22:00:00')).toEqual([
      '9007199254740992',
      '9007199254740993',
    ]);
    expect(await ids('first_utterance_ts=2026-01-04T23:00:00+01:00')).toHaveLength(2);
    expect(await ids('platform=web', 'first_utterance_ts=2026-01-04 22:00:00')).toEqual(['9007199254740993']);
    expect(await ids('platform=web', 'issue_id=9007199254740992')).toEqual([]);
  });

  test('without a value mean NULL or an empty text', async () => {
    expect(await ids('issue_id=')).toEqual([null]);
    expect(await ids('platform=')).toEqual(['9007199254740992', null]);
  });

  test('may be about any column, and then every version of a matching record is shown', async () => {
    await project.partition('convos_metrics', '2026-01-06 01', [{ issue_id: 9007, platform: 'web' }]);
    await project.partition('convos_metrics', '2026-01-07 01', [{ issue_id: 9007, platform: 'app' }]);
    await project.run();
    expect(await ids('platform=app')).toEqual(['9007', '9007']);
    expect((await versions('convos_metrics', 'platform=web')).records).toBe(2);
  });

  test('that no record meets give no rows', async () => {
    expect(await versions('convos_metrics', 'issue_id=4711')).toMatchObject({
      records: 0,
      table: { rows: [] },
    });
  });

  test.each([
    ['issue_ids=1', 'messaging.convos_metrics has no column "issue_ids" (did you mean "issue_id"?)'],
    ['issue_id=one', '"one" is no value of issue_id, which is a BIGINT'],
    ['issue_id', '"issue_id" is not COL=VALUE'],
    ['=1', '"=1" is not COL=VALUE'],
  ])('are refused when they cannot be understood: %s', async (word, message) => {
    await expect(async () => versions('convos_metrics', word)).rejects.toThrow(message);
  });

  test('that too many versions meet are refused, with what would narrow them down', async () => {
    const many = Array.from({ length: 1001 }, (_, issue_id) => ({ issue_id, platform: 'many' }));
    await project.partition('convos_metrics', '2026-01-06 01', many);
    await project.run();
    await expect(versions('convos_metrics', 'platform=many')).rejects.toMatchObject({
      message: '1,001 versions of 1,001 records match, more than can be shown',
      hint: 'say more of the key: issue_id',
    });
  });
});

describe('why of a model that is no dedup model', () => {
  beforeEach(async () => {
    await project.partition('reps', '2026-01-05', [
      { rep_id: 1, name: `O'Hara` },
      { rep_id: 2, name: 'Bo' },
    ]);
    await project.partition('convos_metrics', '2026-01-05 01', [metrics(5, null)]);
    await project.write(
      'warehouse.yaml',
      'models: ./models\nsources: { messaging: { connector: local, path: ./feeds } }',
    );
    await project.write('models/marts/names.sql', `select rep_id, name from {{ ref('reps') }}`);
    await project.write(
      'models/marts/both.sql',
      `select n.name, m.issue_id from {{ ref('names') }} n cross join {{ source('messaging', 'convos_metrics') }} m`,
    );
    await project.run();
  });

  test('names the dedup models that it is made from, with the question to ask of each', async () => {
    const { rows, table } = await upstream('names', `name=O'Hara`);
    expect(rows).toBe(1);
    expect(cells(table, 'model', 'unique_key', 'ask')).toEqual([
      ['messaging.reps', 'rep_id', 'asapp-warehouse why messaging.reps rep_id=1'],
    ]);
  });

  test('looks through other models, and at the feeds that the model reads itself', async () => {
    const { table } = await upstream('both', 'name=Bo');
    expect(cells(table, 'model', 'ask')).toEqual([
      ['messaging.convos_metrics', 'asapp-warehouse why messaging.convos_metrics issue_id=5'],
      ['messaging.reps', 'asapp-warehouse why messaging.reps rep_id=…'],
    ]);
  });

  test('leaves a value of the key open where several rows meet the conditions', async () => {
    const { rows, table } = await upstream('both', 'issue_id=5');
    expect(rows).toBe(2);
    expect(cells(table, 'ask').flat()).toContain('asapp-warehouse why messaging.reps rep_id=…');
  });

  test('refuses a column that the model does not have', async () => {
    await expect(upstream('names', 'rep=1')).rejects.toThrow('marts.names has no column "rep"');
  });
});

test.each([
  [['1', null], 'asapp-warehouse why m a=1 b='],
  [[`it's`, 'x y'], `asapp-warehouse why m 'a=it'\\''s' 'b=x y'`],
  [['$(rm)', undefined], `asapp-warehouse why m 'a=$(rm)' b=…`],
])('why writes the key values %j so that a shell passes them on as they are', (values, command) => {
  expect(whyCommand('m', ['a', 'b'], values)).toBe(command);
});
