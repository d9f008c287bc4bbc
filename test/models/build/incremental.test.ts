import { describe, expect, test } from 'vitest';
import { build } from '../../../src/models/build/build.ts';
import { Project } from '../../support/project.ts';

const FEED = 'voice_intents';
const NEW_FILES =
  '{% if is_incremental() %} where _file_id > (select max(_file_id) from {{ this }}) {% endif %}';

const intent = (id: number, code: string) => ({
  issue_id: id,
  voice_intent_code: code,
  company_name: 'acme',
  instance_ts: '2026-01-09T07:00:00Z',
});

function model(config: string, more = '', where = NEW_FILES): string {
  return `{{ config(materialized='incremental', ${config}) }}
select issue_id as id, voice_intent_code as code, _file_id ${more}
from {{ source('messaging', '${FEED}') }}
${where}
`;
}

/** Two issues come in the first hour; in the second one of them again, changed, and a third. */
async function twoHours(sql: string): Promise<Project> {
  const project = await Project.create(
    'models: ./models\nsources: {messaging: {connector: local, path: feeds}}\n',
  );
  await project.write('models/marts/codes.sql', sql);
  await project.partition(FEED, '2026-01-09 07', [intent(1, 'A'), intent(2, 'B')]);
  await project.run();
  await project.partition(FEED, '2026-01-09 08', [intent(1, 'C'), intent(3, 'D')]);
  return project;
}

const codes = async (project: Project) =>
  (await project.loader("SELECT id || ' ' || code AS row FROM marts.codes ORDER BY ALL")).map(
    ({ row }) => row,
  );

describe('an incremental model', () => {
  test('appends what its query gives, and leaves alone what is there', async () => {
    await using project = await twoHours(model("strategy='append'"));
    expect((await project.run()).built?.built).toContain('marts.codes');
    expect(await codes(project)).toEqual(['1 A', '1 C', '2 B', '3 D']);
    expect((await project.run()).built?.built).toEqual([]);
    expect(await codes(project)).toHaveLength(4);
  });

  test('replaces rows by new ones with the same key, a NULL key among them', async () => {
    await using project = await twoHours(model("unique_key='code'", '', ''));
    await project.partition(FEED, '2026-01-09 09', [{ ...intent(4, ''), voice_intent_code: null }]);
    await project.write(
      'models/marts/codes.sql',
      `{{ config(materialized='incremental', unique_key='id') }}
select nullif(issue_id, 2) as id, string_agg(voice_intent_code, '+' order by _file_id) as code
from {{ source('messaging', '${FEED}') }}
{% if is_incremental() %} where _file_id > 3 {% endif %} group by all
`,
    );
    await project.run();
    expect(await project.loader('SELECT id, code FROM marts.codes ORDER BY id NULLS FIRST')).toEqual([
      { id: null, code: 'B' },
      { id: 1, code: 'A+C' },
      { id: 3, code: 'D' },
      { id: 4, code: null },
    ]);
    await project.partition(FEED, '2026-01-09 10', [intent(2, 'E'), intent(5, 'F')]);
    await project.run();
    expect(await project.loader('SELECT id, code FROM marts.codes ORDER BY id NULLS FIRST')).toEqual([
      { id: null, code: 'E' },
      { id: 1, code: 'A+C' },
      { id: 3, code: 'D' },
      { id: 4, code: null },
      { id: 5, code: 'F' },
    ]);
  });

  test('is built from all of its rows when that is asked for, and when it means something else', async () => {
    await using project = await twoHours(model("unique_key='id'"));
    await project.run();
    expect(await codes(project)).toEqual(['1 C', '2 B', '3 D']);
    await project.write('models/marts/codes.sql', model("unique_key='id'", ", 'x' as more"));
    await project.run();
    expect(await codes(project)).toEqual(['1 A', '1 C', '2 B', '3 D']);
    await project.partition(FEED, '2026-01-09 09', [intent(2, 'E')]);
    await project.run();
    expect(await codes(project)).toEqual(['1 A', '1 C', '2 E', '3 D']);
    await project.write('models/marts/codes.sql', `-- ${model("unique_key='id'", ", 'x' as more")}`.slice(3));
    expect((await project.run()).built?.built).toEqual([]);
    await project.build({ fullRefresh: true });
    expect(await codes(project)).toEqual(['1 A', '1 C', '2 B', '2 E', '3 D']);
  });

  test('fails when its new rows have one key twice, and keeps what it had', async () => {
    await using project = await twoHours(model("unique_key='id'"));
    await project.partition(FEED, '2026-01-09 09', [intent(7, 'G'), intent(7, 'H')]);
    const { exitCode, built } = await project.run();
    expect(exitCode).toBe(1);
    expect(built?.failed).toEqual([
      { model: 'marts.codes', message: expect.stringContaining('its new rows have one id twice: 7') },
    ]);
    expect(await codes(project)).toEqual(['1 A', '2 B']);
  });
});

test('models that read much and not each other are built side by side, and each is right', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `m${index}`);
  await using project = await Project.create(
    'models: ./models\nsources: {messaging: {connector: local, path: feeds}}\n',
  );
  for (const [index, name] of names.entries())
    await project.write(
      `models/many_${index % 3}/${name}.sql`,
      `{{ config(materialized='table') }}
select ${index} as model, count(*) as rows, sum(hash(range))::varchar as busy
from {{ ref('${FEED}') }}, range(${200_000 + index}) group by all
`,
    );
  const union = names.map((name) => `from {{ ref('${name}') }}`).join('\nunion all ');
  await project.write('models/marts/all_of_them.sql', `select model, rows from (${union})\n`);
  await project.partition(FEED, '2026-01-09 07', [intent(1, 'A')]);
  const { built, exitCode } = await project.run();
  expect(exitCode).toBe(0);
  expect(built?.built).toEqual([
    `messaging.${FEED}`,
    ...names.map((name, index) => `many_${index % 3}.${name}`).sort(),
    'marts.all_of_them',
  ]);
  expect(await project.published('SELECT * FROM marts.all_of_them ORDER BY model')).toEqual(
    names.map((_, index) => ({ model: index, rows: 200_000 + index })),
  );
  expect(await project.loader("SELECT count(*) AS built FROM ops.model_runs WHERE status = 'built'")).toEqual(
    [{ built: 14 }],
  );
  // One after the other, they would share one session.
  await using workspace = await project.open();
  let sessions = 0;
  const connect = () => {
    sessions += 1;
    return workspace.connect();
  };
  const again = async () =>
    (await build({ ...workspace, connect }, 2, { fullRefresh: true, select: names })).built;
  expect(await again()).toHaveLength(12);
  // Where they read few rows, one transaction of all costs less than one each.
  expect(sessions).toBe(1);
  await workspace.session.run(`UPDATE ops.models SET rows = 2000000 WHERE model = 'messaging.${FEED}'`);
  expect(await again()).toHaveLength(12);
  expect(sessions).toBe(1 + 4);
});
