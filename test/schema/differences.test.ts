import { describe, expect, test } from 'vitest';
import { documentHistory, feedHistory } from '../../src/schema/apply/history-tables.ts';
import { differences } from '../../src/schema/differences.ts';
import { changesBetween } from '../../src/schema/documents/changes-between.ts';
import { columnDoc, feedDoc, SchemaBench } from './support.ts';

const COLUMNS = { id: 'bigint', name: 'varchar(191)', seconds: 'int' };
const CALLS = feedDoc('calls', COLUMNS);

/** What `schema diff` shows, without what is empty. */
async function shown(bench: SchemaBench, ...feeds: string[]) {
  const found = await differences(bench.workspace.session, ['phones'], feeds.length > 0 ? feeds : undefined);
  return found.map(({ group: _, ...row }) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)),
  );
}

describe('what is published, observed and present', () => {
  test('gives nothing to show where it agrees', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [{ id: 1, name: 'Ann', seconds: 7 }]);
    expect(await shown(bench)).toEqual([]);
  });

  test('gives each difference with how often, since when and an example', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS, feedDoc('chats', COLUMNS)]);
    await bench.load('calls', '2026-01-05', [{ id: 1, seconds: 7 }]);
    await bench.load('calls', '2026-01-06', [
      { id: 'A2' },
      { id: 2, seconds: 'seven', mood: 'good' },
      { id: 3, seconds: [8], mood: 4, fee: 5 },
      { id: 4, mood: 'bad' },
    ]);
    await bench.load('reps', '2026-01-06', [{ rep: 'x' }]);
    const since = new Date('2026-01-06T00:00:00Z');
    expect(await shown(bench)).toEqual([
      // A line whose key does not fit waits until a person lets the column become text.
      {
        feed: 'calls',
        column: 'id',
        published: 'bigint',
        present: 'BIGINT',
        finding: expect.stringMatching(/^held #\d+: type widened BIGINT -> VARCHAR$/),
        rows: 1,
        since,
      },
      {
        feed: 'calls',
        column: 'name',
        finding: 'never seen',
        published: 'varchar(191)',
        present: 'VARCHAR',
        rows: 0,
      },
      {
        feed: 'calls',
        column: 'seconds',
        finding: 'type contradicted',
        published: 'int',
        present: 'INTEGER',
        observed: 'ARRAY',
        rows: 2,
        since,
        example: '"seven"',
      },
      // Of what nobody documented, the kind of its values is shown and none of them.
      { feed: 'calls', column: 'mood', finding: 'not documented', observed: 'VARCHAR', rows: 3, since },
      { feed: 'calls', column: 'fee', finding: 'not documented', observed: 'BIGINT', rows: 1, since },
      // Of a feed of which nothing came, the columns are not told one by one.
      { feed: 'chats', finding: 'never seen', rows: 0 },
      { feed: 'reps', finding: 'not documented', rows: 1, since },
    ]);
    expect(await shown(bench, 'reps')).toHaveLength(1);
    expect(await shown(bench, 'phones.calls')).toHaveLength(5);
  });

  test('is shown with what waits for a person, and how many values would not fit', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.load('calls', '2026-01-05', [{ id: 1, name: '12', seconds: 7 }]);
    await bench.load('calls', '2026-01-06', [{ id: 2, name: 'Ann', seconds: 7 }]);
    await bench.follow('2026-01-06', [
      feedDoc('calls', { ...COLUMNS, name: columnDoc('name', 'int', { pii: 'yes' }), seconds: 'varchar(9)' }),
    ]);
    expect(await shown(bench)).toEqual([
      {
        feed: 'calls',
        column: 'name',
        finding: 'held #2: type changed VARCHAR -> INTEGER',
        published: 'int',
        present: 'VARCHAR',
        rows: 1,
        since: new Date('2026-01-06T00:00:00Z'),
        example: 'Ann',
      },
      {
        feed: 'calls',
        column: 'name',
        finding: 'to be seen #3: pii on yes',
        published: 'int',
        present: 'VARCHAR',
      },
      {
        feed: 'calls',
        column: 'seconds',
        finding: 'held #4: type changed INTEGER -> VARCHAR',
        published: 'varchar(9)',
        present: 'INTEGER',
        rows: 0,
      },
    ]);
  });

  test('is shown with a document that is held, and with a feed that the policy keeps out', async () => {
    await using bench = await SchemaBench.open("policy: { '*': { feed_added: hold } }");
    await bench.follow('2026-01-05', [CALLS]);
    await bench.follow('2026-01-06', 'nothing');
    expect(await shown(bench)).toEqual([
      { feed: 'calls', finding: 'held #1: feed added' },
      {
        feed: '',
        finding:
          'held #2: the document export_docs/dt=2026-01-06/export_docs.yaml: no feed in it could be understood',
      },
    ]);
    expect(await shown(bench, 'phones.calls')).toEqual([{ feed: 'calls', finding: 'held #1: feed added' }]);
  });
});

describe('the history of documents', () => {
  test('compares any two days', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS]);
    await bench.follow('2026-01-06', [feedDoc('calls', { ...COLUMNS, flag: 'boolean' })]);
    await bench.follow('2026-01-08', [feedDoc('calls', { ...COLUMNS, flag: 'boolean', seconds: 'bigint' })]);
    const between = async (from: string, to: string) =>
      (await changesBetween(bench.workspace.session, ['phones'], from, to)).map(
        ({ kind, column, before, after }) => [kind, column, before, after],
      );
    expect(await between('2026-01-05', '2026-01-07')).toEqual([
      ['column_added', 'flag', undefined, 'BOOLEAN'],
    ]);
    expect(await between('2026-01-07', '2026-01-08')).toEqual([
      ['type_widened', 'seconds', 'INTEGER', 'BIGINT'],
    ]);
    // Backwards, too.
    expect(await between('2026-01-08', '2026-01-05')).toEqual([
      ['type_narrowed', 'seconds', 'BIGINT', 'INTEGER'],
      ['column_removed', 'flag', 'BOOLEAN', undefined],
    ]);
    expect(await between('2026-01-06', '2026-01-06')).toEqual([]);
    await expect(between('2026-01-01', '2026-01-05')).rejects.toThrow(
      'there was no schema document by 2026-01-01',
    );
  });

  test('has every version of the documents, and every change of a feed', async () => {
    await using bench = await SchemaBench.open();
    await bench.follow('2026-01-05', [CALLS, feedDoc('chats', COLUMNS)]);
    await bench.follow('2026-01-06', 'nothing');
    const marked = feedDoc('calls', { ...COLUMNS, name: columnDoc('name', 'varchar', { pii: 'yes' }) });
    await bench.follow('2026-01-07', [marked, feedDoc('chats', COLUMNS)]);
    const documents = await documentHistory(bench.workspace.session);
    const cells = (names: string[]) =>
      documents.rows.map((row) =>
        names.map((name) => String(row[documents.columns.findIndex((column) => column.name === name)])),
      );
    expect(cells(['document', 'path', 'feeds', 'changes', 'state', 'followed'])).toEqual([
      ['1', 'export_docs/dt=2026-01-05/export_docs.yaml', '2', '2', 'accepted', 'false'],
      ['2', 'export_docs/dt=2026-01-06/export_docs.yaml', '0', '1', 'held', 'false'],
      ['3', 'export_docs/dt=2026-01-07/export_docs.yaml', '2', '1', 'accepted', 'true'],
    ]);
    const life = await feedHistory(bench.workspace.session, 'calls');
    expect(life.rows.map((row) => [row[3], row[4], row[8]])).toEqual([
      [null, 'feed_added', 'applied'],
      ['name', 'pii_on', 'applied'],
    ]);
    expect((await feedHistory(bench.workspace.session, 'phones.chats')).rows).toHaveLength(1);
  });
});
