import { utimes } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { FeedDoc } from '../../src/feeds/documents/document.ts';
import { build, openProject } from '../../src/models/build/build.ts';
import type { GroupPlan } from '../../src/schema/apply/group-plan.ts';
import { schemaAttention } from '../../src/schema/attention.ts';
import { affectedModels } from '../../src/schema/compare/affected-models.ts';
import { differences } from '../../src/schema/differences.ts';
import { keptRuleNotes } from '../../src/schema/kept-rules.ts';
import { said } from '../support/project.ts';
import { columnDoc, documentText, feedDoc, SchemaBench } from './support.ts';

const COLUMNS = { id: 'bigint', name: 'varchar(191)', seconds: 'int' };
const CALLS = feedDoc('calls', COLUMNS);
const chats = (number: number) => feedDoc(`chats_${number}`, COLUMNS);

describe('without asking a person', () => {
  test('a feed that is added gets its table and its deduped table, before any data', async () => {
    await using bench = await SchemaBench.open();
    expect(await bench.follow('2026-01-05', [CALLS])).toMatchObject({ applied: 1, held: 0, attention: [] });
    expect(await bench.rows('DESCRIBE staging_phones.calls')).toMatchObject([
      { column_name: 'id', column_type: 'BIGINT' },
      { column_name: 'name', column_type: 'VARCHAR' },
      { column_name: 'seconds', column_type: 'INTEGER' },
      ...['_partition_ts', '_file_id', '_line', '_loaded_at', '_rescued'].map((column_name) => ({
        column_name,
      })),
    ]);
    await build(bench.workspace, 1);
    expect(await bench.rows('SELECT count(*) AS rows FROM phones.calls')).toEqual([{ rows: 0 }]);
  });

  test('a column that is added takes its values out of _rescued', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [
      { id: 1, flag: true, other: [1] },
      { id: 2, flag: 'perhaps' },
      { id: 3, name: 'Ann' },
    ]);
    const grown = feedDoc('calls', { ...COLUMNS, flag: 'tinyint(1)' });
    const result = await bench.follow('2026-01-06', [grown]);
    expect(result).toMatchObject({ applied: 1, changed: true });
    expect(await bench.rows('SELECT id, name, flag, _rescued FROM staging_phones.calls ORDER BY id')).toEqual(
      [
        { id: 1, name: null, flag: true, _rescued: '{"other":[1]}' },
        { id: 2, name: null, flag: null, _rescued: '{"flag":"perhaps"}' },
        { id: 3, name: 'Ann', flag: null, _rescued: null },
      ],
    );
    expect(await bench.rows('SELECT field FROM ops.undeclared_fields ORDER BY 1')).toEqual([
      { field: 'other' },
    ]);
    expect(
      await bench.rows("SELECT rows_rewritten FROM ops.schema_changes WHERE column_name = 'flag'"),
    ).toEqual([{ rows_rewritten: 2 }]);
  });

  test('a type that is widened takes in what did not fit, and a key becomes text', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [
      { id: 1, seconds: 7 },
      { id: 2, seconds: 3_000_000_000 },
    ]);
    await bench.follow('2026-01-06', [
      feedDoc('calls', { id: 'varchar', name: 'varchar', seconds: 'bigint' }),
    ]);
    expect(await bench.changes("kind LIKE 'type%'")).toEqual([
      '2 calls.id type_widened applied',
      '3 calls.seconds type_widened applied',
    ]);
    expect(await bench.rows('SELECT id, seconds, _rescued FROM staging_phones.calls ORDER BY 1')).toEqual([
      { id: '1', seconds: 7, _rescued: null },
      { id: '2', seconds: 3_000_000_000, _rescued: null },
    ]);
  });

  test('what is removed or gone is kept and marked, and comes back', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS, chats(1)]);
    await bench.load('calls', '2026-01-05', [{ id: 1, name: 'Ann' }]);
    await bench.follow('2026-01-06', [feedDoc('calls', { id: 'bigint', seconds: 'int' })]);
    expect(await bench.changes('change_id > 2')).toEqual([
      '3 calls.name column_removed applied',
      '4 chats_1 feed_gone applied',
    ]);
    expect(await bench.rows('SELECT id, name FROM staging_phones.calls')).toEqual([{ id: 1, name: 'Ann' }]);
    expect(await bench.rows('SELECT feed, state, gone_on FROM ops.feeds ORDER BY 1')).toEqual([
      { feed: 'calls', state: 'active', gone_on: null },
      { feed: 'chats_1', state: 'gone', gone_on: '2026-01-10' },
    ]);
    expect(await comment(bench, 'calls', 'name')).toBe('Not sent any more since 2026-01-10.');
    await bench.follow('2026-01-07', [CALLS, chats(1)]);
    expect(await bench.changes('change_id > 4')).toEqual([
      '5 calls.name column_back applied',
      '6 chats_1 feed_back applied',
    ]);
    expect(await bench.rows('SELECT DISTINCT state FROM ops.feeds')).toEqual([{ state: 'active' }]);
    expect(await comment(bench, 'calls', 'name')).toBeNull();
  });

  test('other words for the same change comments and nothing else', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    const respelled = feedDoc('calls', {
      id: columnDoc('id', 'INT8', { description: 'The call\'s "number"; DROP TABLE calls --' }),
      name: 'text',
      seconds: columnDoc('seconds', 'int4', { pii: 'no' }),
    });
    const result = await bench.follow('2026-01-06', [{ ...respelled, key: ['ID'] }]);
    expect(result.plans[0]?.statements.map(({ sql }) => sql.split(' IS ')[0])).toEqual([
      'COMMENT ON COLUMN "staging_phones"."calls"."id"',
    ]);
    expect(await bench.changes('change_id > 1')).toEqual(['2 calls description_changed applied']);
    expect(await comment(bench, 'calls', 'id')).toBe('The call\'s "number"; DROP TABLE calls --');
  });

  test('the dates of a feed and its personal data are put where anybody can read them', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [{ id: 1, name: 'Ann' }]);
    await build(bench.workspace, 1);
    const name = columnDoc('name', 'varchar', {
      description: 'Who called.',
      pii: 'name',
      created: '2025-01-01',
    });
    await bench.follow('2026-01-06', [
      {
        ...feedDoc('calls', { ...COLUMNS, name }),
        deprecated: '2026-02-01',
        expectedEnd: '2026-06-01',
        replacement: 'calls_v2',
      },
    ]);
    expect(
      await bench.rows('SELECT state, deprecated_on, expected_end_on, replacement FROM ops.feeds'),
    ).toEqual([
      {
        state: 'ending',
        deprecated_on: '2026-02-01',
        expected_end_on: '2026-06-01',
        replacement: 'calls_v2',
      },
    ]);
    expect(
      await bench.rows(
        "SELECT type, pii, personal_data, created_on FROM ops.columns WHERE column_name = 'name'",
      ),
    ).toEqual([{ type: 'VARCHAR', pii: 'name', personal_data: true, created_on: '2025-01-01' }]);
    expect(await comment(bench, 'calls', 'name')).toBe('Who called. Personal data: name');
    expect(await comment(bench, 'calls', 'name', 'phones')).toBe('Who called. Personal data: name');
    const said = () => bench.rows("SELECT comment FROM duckdb_tables() WHERE schema_name = 'phones'");
    const expected = [
      {
        comment:
          'The latest version of each record of calls. All about calls. ' +
          'Deprecated since 2026-02-01. Ends 2026-06-01. Use calls_v2.',
      },
    ];
    expect(await said()).toEqual(expected);
    // A table that is built anew says the same.
    await build(bench.workspace, 1, { fullRefresh: true });
    expect(await said()).toEqual(expected);
    expect(await comment(bench, 'calls', 'name', 'phones')).toBe('Who called. Personal data: name');
  });
});

describe('a change that a person is asked about', () => {
  const TEXT = feedDoc('calls', { id: 'bigint', name: 'varchar', seconds: 'varchar' });

  test('waits while loading goes on, and nothing is lost', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [{ id: 1, seconds: 7 }]);
    const result = await bench.follow('2026-01-06', [TEXT]);
    expect(result).toMatchObject({ applied: 0, held: 1 });
    expect(result.attention).toEqual([
      {
        kind: 'schema_change',
        severity: 'attention',
        feed: 'phones.calls',
        message: 'schema change 2 is held: phones.calls.seconds: type changed, INTEGER -> VARCHAR',
        hint: 'asapp-warehouse schema accept 2',
      },
    ]);
    await bench.load('calls', '2026-01-06', [{ id: 2, seconds: 'seven' }]);
    // Held is held: nothing new is found by looking again.
    expect(await bench.apply()).toMatchObject({ held: 1, applied: 0, changed: false });
    expect(await schemaAttention(bench.workspace.session)).toEqual(result.attention);

    expect(await bench.apply({ accept: [2] })).toMatchObject({ held: 0, applied: 1, attention: [] });
    expect(await bench.rows('SELECT id, seconds, _rescued FROM staging_phones.calls ORDER BY 1')).toEqual([
      { id: 1, seconds: '7', _rescued: null },
      { id: 2, seconds: 'seven', _rescued: null },
    ]);
    await bench.load('calls', '2026-01-07', [{ id: 3, seconds: 'eight' }]);
    expect(await bench.rows('SELECT seconds FROM staging_phones.calls WHERE id = 3')).toEqual([
      { seconds: 'eight' },
    ]);
  });

  test('can be rejected, and is not asked about again', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.follow('2026-01-06', [TEXT]);
    expect(await bench.apply({ reject: [2] })).toMatchObject({ held: 0, applied: 0, attention: [] });
    await bench.follow('2026-01-07', [{ ...TEXT, description: 'As before.' }]);
    expect(await bench.changes("kind LIKE 'type%'")).toEqual(['2 calls.seconds type_changed rejected']);
    // Another type is another question.
    await bench.follow('2026-01-08', [feedDoc('calls', { ...COLUMNS, seconds: 'timestamp' })]);
    expect(await bench.changes("kind LIKE 'type%'")).toEqual([
      '2 calls.seconds type_changed rejected',
      '5 calls.seconds type_changed held',
    ]);
  });

  test('is withdrawn when the documents take it back', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.follow('2026-01-06', [TEXT]);
    expect(await bench.follow('2026-01-07', [CALLS])).toMatchObject({ held: 0, attention: [] });
    expect(await bench.changes('change_id = 2')).toEqual(['2 calls.seconds type_changed withdrawn']);
    await expect(bench.apply({ accept: [2] })).rejects.toThrow('schema change 2 was withdrawn');
  });

  test('to a narrower type keeps in _rescued what does not fit, and is undone without a trace', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [
      { id: 1, name: '007', zz: 1 },
      { id: 2, name: '7' },
      { id: 3, name: null },
    ]);
    const before = await bench.rows('SELECT id, name, _rescued FROM staging_phones.calls ORDER BY 1');
    await bench.follow('2026-01-06', [feedDoc('calls', { ...COLUMNS, name: 'bigint' })]);
    await bench.apply({ accept: [2] });
    expect(await bench.rows('SELECT id, name, _rescued FROM staging_phones.calls ORDER BY 1')).toEqual([
      { id: 1, name: null, _rescued: '{"name":"007","zz":1}' },
      { id: 2, name: 7, _rescued: null },
      { id: 3, name: null, _rescued: null },
    ]);
    await bench.apply({ reject: [2] });
    expect(await bench.rows('SELECT id, name, _rescued FROM staging_phones.calls ORDER BY 1')).toEqual(
      before,
    );
    expect(await bench.changes('change_id = 2')).toEqual(['2 calls.name type_changed rejected']);
    expect(await bench.apply()).toMatchObject({ held: 0, applied: 0 });
    expect(bench.workspace.catalogue.feed('phones', 'calls', '1')?.columns[1]).toMatchObject({
      type: 'VARCHAR',
    });
  });

  test('of key or ordering has the deduped table built anew once it is accepted', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [
      { id: 1, name: 'Ann', seconds: 5 },
      { id: 1, name: 'Bob', seconds: 4 },
      { id: 2, name: 'Cid', seconds: 3 },
    ]);
    const deduped = async () => {
      await build(bench.workspace, 1);
      return (await bench.rows<{ name: string }>('SELECT name FROM phones.calls ORDER BY 1')).map(
        ({ name }) => name,
      );
    };
    expect(await deduped()).toEqual(['Bob', 'Cid']);
    await bench.follow('2026-01-06', [{ ...CALLS, key: ['id', 'name'], orderBy: ['seconds'] }]);
    expect(await bench.changes('change_id > 1')).toEqual([
      '2 calls unique_condition_changed held',
      '3 calls ordering_changed held',
    ]);
    expect(await deduped()).toEqual(['Bob', 'Cid']);
    await bench.apply({ accept: [3] });
    expect(await deduped()).toEqual(['Ann', 'Cid']);
    await bench.apply({ accept: [2] });
    expect(await deduped()).toEqual(['Ann', 'Bob', 'Cid']);
    await bench.apply({ reject: [2] });
    expect(await deduped()).toEqual(['Ann', 'Cid']);
  });

  test('to a new version gives that a table at once, and moves the deduped table over when it is accepted', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [{ id: 1, name: 'old' }]);
    await bench.follow('2026-01-06', [CALLS, { ...CALLS, version: '2' }]);
    await bench.load('calls', '2026-01-06', [{ id: 1, name: 'new' }], '2');
    const names = async () => {
      await build(bench.workspace, 1);
      return bench.rows('SELECT name FROM phones.calls');
    };
    expect(await names()).toEqual([{ name: 'old' }]);
    expect(await bench.rows('SELECT name FROM staging_phones.calls__v2')).toEqual([{ name: 'new' }]);
    expect(await bench.changes('change_id > 1')).toEqual(['2 calls version_added held']);
    await bench.apply({ accept: [2] });
    expect(await names()).toEqual([{ name: 'new' }]);
    await bench.apply({ reject: [2] });
    expect(await names()).toEqual([{ name: 'old' }]);
  });

  test('leaves a user’s own model its rule, and says so wherever the change is reported', async () => {
    await using bench = await SchemaBench.open('models: ./models');
    await bench.project.write(
      'models/phones/calls.sql',
      `{{ config(materialized='dedup', unique_key='id') }} select * from {{ source('phones', 'calls') }}`,
    );
    await bench.follow('2026-01-05', [CALLS, chats(1)]);
    await bench.load('calls', '2026-01-05', [
      { id: 1, name: 'Ann' },
      { id: 1, name: 'Bob' },
    ]);
    const { reporter } = bench.project;
    const told = () => [...reporter.infos, ...reporter.warnings].filter((line) => line.includes('unique'));
    const key = ['id', 'name'];
    await bench.publish('2026-01-06', [
      { ...CALLS, key },
      { ...chats(1), key },
    ]);
    const changed = 'phones.calls: unique condition changed, id -> id, name';
    const keeps = '; models/phones/calls.sql is your own and keeps its own rule';
    await bench.apply({ dryRun: true });
    expect(told()).toEqual([
      `schema change would be held: ${changed}${keeps}`,
      'schema change would be held: phones.chats_1: unique condition changed, id -> id, name',
    ]);
    const { changes, group } = (await bench.apply()).plans[0] as GroupPlan;
    const open = await openProject(bench.workspace.config, bench.workspace.catalogue);
    expect(changes.map(({ change }) => affectedModels(open, group, change).rebuilt)).toEqual([
      [],
      ['phones.chats_1'],
    ]);
    const kept = await keptRuleNotes(bench.workspace, [{ kind: 'unique_condition_changed' }]);
    const found = await differences(bench.workspace.session, ['phones'], undefined, kept);
    expect(found.map(({ finding }) => finding).filter((finding) => finding.startsWith('held'))).toEqual([
      `held #3: unique condition changed id -> id, name${keeps}`,
      'held #4: unique condition changed id -> id, name',
    ]);

    await bench.apply({ accept: [3] });
    expect(told()).toContain(`schema change applied: ${changed}${keeps}`);
    await build(bench.workspace, 1);
    expect(await bench.rows('SELECT name FROM phones.calls')).toEqual([{ name: 'Bob' }]);
    await bench.apply({ reject: [3] });
    expect(told()).toContain(`schema change 3 is undone: ${changed}${keeps}`);
  });

  describe('to a version that has fewer rows than the table', () => {
    const LOST = 'version 2 of phones.calls has no rows yet: built from it, the table loses its 2 rows';

    /** Version 1 is built, with two rows; version 2 is published. */
    async function published(yaml = '', more?: (bench: SchemaBench) => Promise<void>): Promise<SchemaBench> {
      const bench = await SchemaBench.open(yaml);
      await more?.(bench);
      await bench.follow('2026-01-05', [CALLS]);
      await bench.load('calls', '2026-01-05', [{ id: 1 }, { id: 2 }]);
      await build(bench.workspace, 1);
      await bench.follow('2026-01-06', [CALLS, { ...CALLS, version: '2' }]);
      return bench;
    }
    const ids = async (bench: SchemaBench) => {
      await build(bench.workspace, 1);
      return (await bench.rows('SELECT id FROM phones.calls ORDER BY id')).map(({ id }) => id);
    };

    test('is refused while that has none, also in a dry run, unless a person insists', async () => {
      await using bench = await published();
      for (const dryRun of [true, false])
        await expect(bench.apply({ accept: [2], dryRun })).rejects.toThrow(LOST);
      expect(await bench.changes('change_id > 1')).toEqual(['2 calls version_added held']);
      expect(await ids(bench)).toEqual([1, 2]);

      const insists = { accept: [2], allowEmpty: true };
      expect(await bench.apply({ ...insists, dryRun: true })).toMatchObject({ applied: 1 });
      expect(bench.project.reporter.warnings.at(-1)).toBe(LOST);
      expect(await ids(bench)).toEqual([1, 2]);
      await bench.apply(insists);
      expect(await ids(bench)).toEqual([]);
    });

    test('says how many rows go at least when that has some', async () => {
      await using bench = await published();
      await bench.load('calls', '2026-01-06', [{ id: 3 }], '2');
      await bench.apply({ accept: [2] });
      expect(bench.project.reporter.warnings.at(-1)).toBe(
        'version 2 of phones.calls has only 1 row so far: built from it, the table loses at least 1 of its 2 rows',
      );
      expect(await ids(bench)).toEqual([3]);
    });

    test('is refused on the way back, too', async () => {
      await using bench = await SchemaBench.open();
      await bench.follow('2026-01-05', [CALLS, { ...CALLS, version: '2' }]);
      await bench.load('calls', '2026-01-06', [{ id: 1 }], '2');
      expect(await ids(bench)).toEqual([]);
      const [change] = await bench.rows<{ id: number }>(
        "SELECT change_id AS id FROM ops.schema_changes WHERE kind = 'version_added'",
      );
      const reject = [change?.id ?? 0];
      await bench.apply({ accept: reject });
      expect(await ids(bench)).toEqual([1]);
      await expect(bench.apply({ reject })).rejects.toThrow(
        'version 1 of phones.calls has no rows yet: built from it, the table loses its 1 row',
      );
      expect(await ids(bench)).toEqual([1]);
      await bench.apply({ reject, allowEmpty: true });
      expect(await ids(bench)).toEqual([]);
    });

    test('waits for the first rows when a policy applies it', async () => {
      await using bench = await published('policy: { phones: { version_added: apply } }');
      expect(await bench.changes('change_id > 1')).toEqual(['2 calls version_added held']);
      expect(await bench.apply()).toMatchObject({ held: 1, applied: 0, changed: false });
      await bench.load('calls', '2026-01-06', [{ id: 3 }], '2');
      expect(await bench.apply()).toMatchObject({ held: 0, applied: 1, changed: true });
      expect(await bench.apply()).toMatchObject({ applied: 0, changed: false });
      expect(await ids(bench)).toEqual([3]);
    });

    test('loses nothing where a user’s own model reads what it says', async () => {
      await using bench = await published('models: ./models', ({ project }) =>
        project.write(
          'models/phones/calls.sql',
          `{{ config(materialized='dedup', unique_key='id') }} select * from {{ source('phones', 'calls') }}`,
        ),
      );
      expect(await bench.apply({ accept: [2] })).toMatchObject({ applied: 1 });
      expect(bench.project.reporter.warnings).not.toContain(LOST);
      expect(await ids(bench)).toEqual([1, 2]);
    });
  });

  test('of a key is undone, and lines whose key does not fit any more are rejected, so that none becomes NULL', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [{ id: 38 }]);
    await bench.follow('2026-01-06', [
      feedDoc('calls', { ...COLUMNS, id: 'decimal(38,5)', rep: 'int' }, { key: ['id', 'rep'] }),
    ]);
    expect(await bench.changes('change_id > 1')).toEqual([
      '2 calls unique_condition_changed held',
      '3 calls.id type_widened applied',
      '4 calls.rep column_added applied',
    ]);
    await bench.load('calls', '2026-01-06', [{ id: 2.5, rep: 1 }]);
    await bench.apply({ accept: [2] });
    await bench.apply({ reject: [3] });
    expect(await bench.rows('SELECT id, _rescued FROM staging_phones.calls ORDER BY id')).toEqual([
      { id: 38, _rescued: null },
    ]);
    expect(
      await bench.rows('SELECT reason, decode(raw) AS raw FROM ops.rejected_rows WHERE resolved_at IS NULL'),
    ).toEqual([{ reason: 'key_type', raw: '{"id":2.5,"rep":1}' }]);
    await expect(bench.apply({ reject: [4] })).rejects.toThrow(
      "schema change 4 cannot be undone: the feed's key or ordering names rep",
    );
  });

  test('is undone together with others or not at all, and what that takes can be seen before', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [{ id: 1, name: 'Ann', seconds: 7, flag: true }]);
    await bench.follow('2026-01-06', [feedDoc('calls', { ...COLUMNS, seconds: 'bigint', flag: 'boolean' })]);
    await bench.follow('2026-01-07', [
      feedDoc('calls', { ...COLUMNS, seconds: 'decimal(38,0)', flag: 'boolean' }),
    ]);
    const changes = [
      '2 calls.seconds type_widened applied',
      '3 calls.flag column_added applied',
      '4 calls.seconds type_widened applied',
    ];
    expect(await bench.changes('change_id > 1')).toEqual(changes);
    for (const dryRun of [true, false]) {
      await expect(bench.apply({ reject: [2, 3], dryRun })).rejects.toThrow(
        'schema change 4 was applied on top of 2',
      );
    }
    const { undone } = await bench.apply({ reject: [3, 4], dryRun: true });
    expect(undone.map(({ row, rows }) => [row.change_id, rows])).toEqual([
      [3, 1],
      [4, 1],
    ]);
    expect(undone[0]?.statements[1]).toBe('ALTER TABLE "staging_phones"."calls" DROP COLUMN "flag"');
    expect(await bench.changes('change_id > 1')).toEqual(changes);
    await bench.apply({ reject: [3, 4] });
    expect(await bench.changes('change_id > 2')).toEqual([
      '3 calls.flag column_added rejected',
      '4 calls.seconds type_widened rejected',
    ]);
    expect(await bench.rows('SELECT id, seconds, _rescued FROM staging_phones.calls')).toEqual([
      { id: 1, seconds: 7, _rescued: '{"flag":true}' },
    ]);
    expect(await bench.rows("SELECT type FROM ops.columns WHERE column_name = 'seconds'")).toEqual([
      { type: 'BIGINT' },
    ]);
  });

  test('may be a mark of personal data without a rule, until somebody has seen it', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    const marked = feedDoc('calls', { ...COLUMNS, name: columnDoc('name', 'varchar', { pii: 'yes' }) });
    const result = await bench.follow('2026-01-06', [marked]);
    expect(result).toMatchObject({ held: 0, applied: 1 });
    expect(said(result.attention)).toEqual(['schema change 2 is to be seen: phones.calls.name: pii on, yes']);
    expect((await bench.apply({ accept: [2] })).attention).toEqual([]);
    expect((await bench.apply()).attention).toEqual([]);
  });

  test('is no mark of personal data with a rule', async () => {
    await using bench = await SchemaBench.open('policy: {phones.calls.name: {pii_on: apply}}\n');
    const pii = columnDoc('name', 'varchar', { pii: 'yes' });
    const other = columnDoc('seconds', 'int', { pii: 'yes' });
    await bench.publish('2026-01-05', [feedDoc('calls', { ...COLUMNS, name: pii, seconds: other })]);
    expect(said((await bench.apply()).attention)).toEqual([
      expect.stringContaining('phones.calls.seconds: pii on'),
    ]);
  });
});

describe('a document', () => {
  test('of which nothing can be understood is held, and yesterday’s stays in force', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    const result = await bench.follow('2026-01-06', 'schemas: [');
    expect(result).toMatchObject({ applied: 0, held: 1 });
    expect(said(result.attention).join()).toContain('no feed in it could be understood');
    expect(await bench.rows('SELECT state FROM ops.feeds')).toEqual([{ state: 'active' }]);
    expect(await bench.apply()).toMatchObject({ held: 1, changed: false });
    // The next good one overtakes it.
    expect(await bench.follow('2026-01-07', [CALLS, chats(1)])).toMatchObject({ held: 0, attention: [] });
  });

  test('with less than half of yesterday’s feeds is held until a person accepts it', async () => {
    await using bench = await SchemaBench.open();
    const five = [CALLS, chats(1), chats(2), chats(3), chats(4)];
    await bench.follow('2026-01-05', five);
    expect((await bench.follow('2026-01-06', five.slice(0, 3))).held).toBe(0);
    const result = await bench.follow('2026-01-07', [CALLS]);
    expect(said(result.attention).join()).toContain('it lists 1 feeds, less than half of the 3 before');
    expect(await bench.rows("SELECT count(*) AS gone FROM ops.feeds WHERE state = 'gone'")).toEqual([
      { gone: 2 },
    ]);
    const [held] = await bench.rows<{ id: number }>(
      "SELECT change_id AS id FROM ops.schema_changes WHERE kind = 'document_held'",
    );
    await bench.apply({ accept: [held?.id ?? 0] });
    expect(await bench.rows("SELECT count(*) AS gone FROM ops.feeds WHERE state = 'gone'")).toEqual([
      { gone: 4 },
    ]);
  });

  test('that is the same again is the same version, found on another day', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    expect(await bench.follow('2026-01-06', [CALLS])).toMatchObject({ changed: false, plans: [] });
    expect(await bench.rows('SELECT count(*) AS versions FROM ops.documents')).toEqual([{ versions: 1 }]);
    expect(await bench.rows('SELECT path FROM ops.document_files ORDER BY 1')).toEqual([
      { path: 'export_docs/dt=2026-01-05/export_docs.yaml' },
      { path: 'export_docs/dt=2026-01-06/export_docs.yaml' },
    ]);
  });

  test('of an earlier day that comes late undoes nothing', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-06', [CALLS, chats(1)]);
    await bench.follow('2026-01-05', [CALLS]);
    expect(await bench.rows("SELECT feed FROM ops.feeds WHERE state = 'gone'")).toEqual([]);
  });

  test('of one day is followed as it was changed last, wherever it lies', async () => {
    await using bench = await SchemaBench.open();
    const { project } = bench;
    const put = async (folder: string, second: number, feeds: readonly FeedDoc[]) => {
      const path = `feeds/${folder}/dt=2026-01-05/export_docs.yaml`;
      await project.write(path, documentText(feeds));
      await utimes(project.path(path), 1_000 + second, 1_000 + second);
    };
    await put('z', 1, [CALLS]);
    await put('a', 2, [CALLS, chats(1)]);
    await bench.apply();
    expect(await bench.rows('SELECT path FROM ops.document_files')).toEqual([
      { path: 'a/dt=2026-01-05/export_docs.yaml' },
    ]);
    // The older one is no news; written anew, it is.
    expect(await bench.apply()).toMatchObject({ changed: false });
    await put('z', 3, [CALLS, chats(1), chats(2)]);
    expect(await bench.apply()).toMatchObject({ applied: 1 });
  });

  test('can be given by hand', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.project.write('given.json', documentText([CALLS, chats(1)]));
    const file = bench.project.path('given.json');
    expect(await bench.apply({ file })).toMatchObject({ applied: 1 });
    // What the source holds is older than that.
    expect(await bench.apply()).toMatchObject({ changed: false });
    await expect(bench.apply({ file: bench.project.path('nothing.yaml') })).rejects.toThrow('is not there');
    await bench.project.write('broken.yaml', 'schemas:\n  - tables: 7\n');
    expect(await bench.apply({ file: bench.project.path('broken.yaml') })).toMatchObject({ held: 1 });
    expect(bench.project.reporter.warnings.join('\n')).toContain(
      'broken.yaml: one thing could not be understood: line 2: tables: must be a list or a mapping',
    );
  });
});

describe('a plan', () => {
  test('is shown by a dry run with its statements, which changes nothing', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [{ id: 1, flag: true }]);
    const tables = async () => [
      await bench.rows('FROM ops.schema_changes'),
      await bench.rows('FROM ops.document_files'),
      await bench.rows('FROM staging_phones.calls'),
    ];
    const before = await tables();
    await bench.publish('2026-01-06', [
      feedDoc('calls', { ...COLUMNS, seconds: 'varchar', flag: 'boolean' }),
    ]);
    const result = await bench.apply({ dryRun: true });
    expect(result).toMatchObject({ applied: 1, held: 1 });
    expect(result.attention).toHaveLength(1);
    const statements = result.plans.flatMap((plan) =>
      plan.statements.map(({ sql }) => sql.split('\n')[0]?.split(', _rescued = ')[0]),
    );
    expect(statements).toEqual([
      'CREATE SCHEMA IF NOT EXISTS "staging_undo"',
      'ALTER TABLE "staging_phones"."calls" ADD COLUMN "flag" BOOLEAN',
      'CREATE OR REPLACE TEMP TABLE moved_3 AS',
      'CREATE TABLE IF NOT EXISTS "staging_undo"."change_3" (_file_id BIGINT, _line BIGINT, original JSON)',
      'INSERT INTO "staging_undo"."change_3" SELECT _file_id, _line, original FROM moved_3',
      'UPDATE "staging_phones"."calls" AS t SET "flag" = m.value',
      'DROP TABLE moved_3',
    ]);
    expect(await tables()).toEqual(before);
  });

  test('that fails half-way changes nothing', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS, chats(1)]);
    await bench.load('calls', '2026-01-05', [{ id: 1, flag: true }]);
    await bench.load('chats_1', '2026-01-05', [{ id: 1, flag: true }]);
    const ledger = () =>
      bench.rows(
        'SELECT (FROM ops.schema_changes SELECT count(*)) AS changes, (FROM ops.documents SELECT count(*)) AS documents',
      );
    const before = await ledger();
    // The table that is to keep what the last change overwrites is there already, in another shape.
    await bench.rows('CREATE SCHEMA staging_undo');
    await bench.rows('CREATE TABLE staging_undo.change_4 (nothing INTEGER)');
    const grown = { ...COLUMNS, flag: 'boolean' };
    await expect(
      bench.follow('2026-01-06', [feedDoc('calls', grown), feedDoc('chats_1', grown)]),
    ).rejects.toThrow();
    expect(await ledger()).toEqual(before);
    expect(await bench.rows('SELECT _rescued FROM staging_phones.calls')).toEqual([
      { _rescued: '{"flag":true}' },
    ]);
    await bench.rows('DROP TABLE staging_undo.change_4');
    expect(await bench.apply()).toMatchObject({ applied: 2 });
    expect(await bench.rows('SELECT flag, _rescued FROM staging_phones.calls')).toEqual([
      { flag: true, _rescued: null },
    ]);
  });
});

describe('the policy', () => {
  test('decides for a source, a feed or a column, and the rule that names more wins', async () => {
    await using bench = await SchemaBench.open(`policy:
  '*': { column_added: hold }
  phones: { type_changed: apply }
  phones.calls: { column_added: ignore }
  phones.calls.wanted: { column_added: apply }
`);
    await bench.follow('2026-01-05', [CALLS, chats(1)]);
    await bench.follow('2026-01-06', [
      feedDoc('calls', { ...COLUMNS, name: 'bigint', wanted: 'int', unwanted: 'int' }),
      feedDoc('chats_1', { ...COLUMNS, wanted: 'int' }),
    ]);
    expect(await bench.changes('change_id > 2')).toEqual([
      '3 calls.name type_changed applied',
      '4 calls.wanted column_added applied',
      '5 calls.unwanted column_added ignored',
      '6 chats_1.wanted column_added held',
    ]);
    expect(await bench.apply()).toMatchObject({ changed: false, held: 1 });
  });
});

describe('data that comes before its documents', () => {
  test('takes the published types where its values are the same in them', async () => {
    await using bench = await SchemaBench.open();
    await bench.load('calls', '2026-01-05', [
      { id: 1, name: 5, seconds: 7, at: '2026-01-05 10:00:00', extra: 'x' },
      { id: 2, name: 6, seconds: 3_000_000_000 },
    ]);
    const result = await bench.follow('2026-01-06', [feedDoc('calls', { ...COLUMNS, at: 'timestamp' })]);
    expect(await bench.changes()).toEqual([
      '1 calls feed_added applied',
      '2 calls.name type_widened applied',
      '3 calls.seconds type_narrowed held',
    ]);
    expect(result.held).toBe(1);
    await bench.load('calls', '2026-01-06', [{ id: 3, name: 'Ann', seconds: 8, extra: 'y' }]);
    expect(
      await bench.rows(
        'SELECT * EXCLUDE (_partition_ts, _file_id, _line, _loaded_at) FROM staging_phones.calls ORDER BY id',
      ),
    ).toEqual([
      { id: 1, name: '5', seconds: 7, at: new Date('2026-01-05T10:00:00Z'), extra: 'x', _rescued: null },
      { id: 2, name: '6', seconds: 3_000_000_000, at: null, extra: null, _rescued: null },
      { id: 3, name: 'Ann', seconds: 8, at: null, extra: 'y', _rescued: null },
    ]);
    await build(bench.workspace, 1);
    expect(await bench.rows('SELECT count(*) AS rows FROM phones.calls')).toEqual([{ rows: 3 }]);
  });
});

describe('a key of times that becomes text', () => {
  const doc = (type: string) => [feedDoc('calls', { at: type, n: 'integer' }, { key: ['at'] })];
  const keys = async (bench: SchemaBench) => {
    const rows = await bench.rows<{ at: string }>(
      'SELECT DISTINCT "at"::VARCHAR AS at FROM staging_phones.calls',
    );
    return rows.map(({ at }) => at).sort();
  };
  const time = { at: '2026-01-05T07:00:00Z' };

  test('by a document has one spelling for each time, before and after', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-01', doc('timestamp'));
    await bench.load('calls', '2026-01-05 07', [{ ...time, n: 1 }]);
    await bench.follow('2026-01-02', doc('varchar(191)'));
    await bench.load('calls', '2026-01-05 08', [{ ...time, n: 2 }]);
    expect(await keys(bench)).toEqual(['2026-01-05 07:00:00']);
  });

  test('by a value has one spelling, too, once a document says so', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-01', doc('timestamp'));
    await bench.load('calls', '2026-01-05 07', [
      { ...time, n: 1 },
      { at: 'ABC', n: 0 },
    ]);
    expect(await keys(bench)).toEqual(['2026-01-05 07:00:00']);
    await bench.follow('2026-01-02', doc('varchar(191)'));
    await bench.load('calls', '2026-01-05 08', [{ ...time, n: 2 }]);
    expect(await keys(bench)).toEqual(['2026-01-05 07:00:00', 'ABC']);
  });
});

async function comment(
  bench: SchemaBench,
  table: string,
  column: string,
  schema = 'staging_phones',
): Promise<string | null | undefined> {
  const [found] = await bench.rows<{ comment: string | null }>(
    `SELECT comment FROM duckdb_columns() WHERE schema_name = '${schema}' AND table_name = '${table}'
       AND column_name = '${column}'`,
  );
  return found?.comment;
}
