import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dropUnless } from '../../src/models/relations.ts';
import type { Session } from '../../src/warehouse/session.ts';
import {
  columnList,
  presentColumns,
  presentRelations,
  presentSchemas,
  presentTables,
  tableColumns,
  tableKind,
  tablesAndViews,
} from '../../src/warehouse/tables.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

let warehouse: Warehouse;
let session: Session;
beforeAll(async () => {
  warehouse = await Warehouse.open(':memory:');
  session = await warehouse.session();
  await session.run(`CREATE SCHEMA phones;
CREATE TABLE phones.calls (id BIGINT, "it's; a ""name""" VARCHAR, list INTEGER[]);
COMMENT ON TABLE phones.calls IS 'one a call';
COMMENT ON COLUMN phones.calls.id IS 'tells them apart';
CREATE VIEW phones.long_calls AS SELECT id FROM phones.calls;
CREATE TABLE main.agents (name VARCHAR);
CREATE TEMP TABLE calls (other DATE);
ATTACH ':memory:' AS other;
CREATE TABLE other.main.calls (later DATE);`);
});
afterAll(() => warehouse[Symbol.asyncDispose]());

const CALLS = { schema: 'phones', table: 'calls' };
const LONG_CALLS = { schema: 'phones', table: 'long_calls' };

describe('tables and views', () => {
  test('are those of the one database, in the order they were made in', async () => {
    expect(await presentRelations(session)).toEqual(
      new Set(['phones.calls', 'phones.long_calls', 'main.agents']),
    );
    const found = await tablesAndViews(session);
    expect(found.map(({ table, kind, comment }) => [table, kind, comment])).toEqual([
      ['calls', 'table', 'one a call'],
      ['long_calls', 'view', null],
      ['agents', 'table', null],
    ]);
    expect(found[1]?.sql).toContain('CREATE VIEW phones.long_calls');
  });

  test('are also found in a database that is attached', async () => {
    const [found, more] = await presentTables(session, { database: 'other' });
    expect([found?.table, found?.columns, more]).toEqual([
      'calls',
      [{ name: 'later', type: 'DATE', comment: null }],
      undefined,
    ]);
    await session.run('CREATE SCHEMA other.later');
    expect(await presentSchemas(session, 'other')).toEqual(new Set(['later']));
    expect(await tableKind(session, { schema: 'main', table: 'calls' }, 'other')).toBe('table');
  });

  test('have columns in their order, whatever they are called', async () => {
    const columns = await tableColumns(session, CALLS);
    expect(columns).toEqual([
      { name: 'id', type: 'BIGINT', comment: 'tells them apart' },
      { name: `it's; a "name"`, type: 'VARCHAR', comment: null },
      { name: 'list', type: 'INTEGER[]', comment: null },
    ]);
    expect(columnList(columns)).toBe(`"id" BIGINT, "it's; a ""name""" VARCHAR, "list" INTEGER[]`);
    const all = await presentColumns(session, { where: `schema = 'phones'` });
    expect([...all.keys()]).toEqual(['phones.calls', 'phones.long_calls']);
    expect(all.get('phones.calls')).toEqual(columns);
  });

  test('keep hundreds of columns in their order', async () => {
    const names = Array.from({ length: 400 }, (_, index) => `c${(index * 7) % 400}`);
    await session.run(
      `CREATE SCHEMA wide; CREATE TABLE wide.table (${names.map((name) => `${name} INTEGER`).join()})`,
    );
    const [wide] = await presentTables(session, { where: `schema = 'wide'` });
    expect(wide?.columns.map(({ name }) => name)).toEqual(names);
  });

  test('do not include one with a name that looks like SQL', async () => {
    const nothing = { schema: 'phones', table: `x'"; DROP TABLE calls` };
    expect(await tableKind(session, nothing)).toBeUndefined();
    expect(await tableColumns(session, nothing)).toEqual([]);
    await dropUnless(session, nothing);
  });

  test('are dropped only to make way for the other kind', async () => {
    await dropUnless(session, CALLS, 'table');
    await dropUnless(session, LONG_CALLS, 'view');
    expect([await tableKind(session, CALLS), await tableKind(session, LONG_CALLS)]).toEqual([
      'table',
      'view',
    ]);
    await dropUnless(session, LONG_CALLS, 'table');
    expect(await tableKind(session, LONG_CALLS)).toBeUndefined();
  });
});
