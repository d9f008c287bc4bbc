import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../../src/ledger/migrations.ts';
import { duckdb } from '../../../src/models/dialect/duckdb.ts';
import type { Session } from '../../../src/warehouse/session.ts';
import type { TableName } from '../../../src/warehouse/sql.ts';
import { tableColumns, tablesAndViews } from '../../../src/warehouse/tables.ts';
import { Warehouse } from '../../../src/warehouse/warehouse.ts';
import { describeDialect, type Place, type Source, type StagedFile } from './conformance.ts';

const NOW = new Date('2026-02-01T00:00:00Z');

async function start(): Promise<Place> {
  const warehouse = await Warehouse.open(':memory:', { threads: 1 });
  const session = await warehouse.session();
  const other = await warehouse.session();
  await migrate(session, NOW);
  return {
    run: (sql) => session.run(sql),
    rows: (sql) => session.rows(sql),
    rowsAside: (sql) => other.rows(sql),
    record: (files, sources) => record(session, files, sources),
    comments: (target) => comments(session, target),
    stop: () => warehouse[Symbol.asyncDispose](),
  };
}

async function record(
  session: Session,
  files: readonly StagedFile[],
  sources: readonly Source[],
): Promise<void> {
  await session.run('DELETE FROM ops.files; DELETE FROM ops.sources');
  await session.insert(
    { schema: 'ops', table: 'sources' },
    sources.map((each, index) => ({ ...each, place: index + 1 })),
  );
  await session.insert(
    { schema: 'ops', table: 'files' },
    files.map(({ id, source, path, partition, supersededBy }) => ({
      file_id: id,
      source,
      feed_group: 'messaging',
      feed: 'calls',
      version: '1',
      path,
      partition_ts: partition,
      bytes: 1,
      etag: 'x',
      sha256: source,
      lines: 1,
      rows_staged: 1,
      rows_rejected: 0,
      run_id: 1,
      loaded_at: NOW,
      superseded_by: supersededBy,
    })),
  );
}

async function comments(session: Session, target: TableName): Promise<Record<string, string | null>> {
  const all = await tablesAndViews(session);
  const own = all.find(({ schema, table }) => schema === target.schema && table === target.table);
  const columns = await tableColumns(session, target);
  return Object.fromEntries([
    ['', own?.comment ?? null],
    ...columns.map(({ name, comment }) => [name, comment]),
  ]);
}

describeDialect('DuckDB', duckdb, {
  start,
  timestamps: ['-infinity', '290309-12-22 (BC) 00:00:00', '1969-12-31', '2026-01-05', 'infinity'],
  histories: 25,
});

describe('the latest version of each record', () => {
  let warehouse: Warehouse;
  let session: Session;
  beforeAll(async () => {
    warehouse = await Warehouse.open(':memory:', { threads: 1 });
    session = await warehouse.session();
    await migrate(session, NOW);
  });
  afterAll(() => warehouse[Symbol.asyncDispose]());

  test.each(['TIMESTAMP', 'BIGINT', 'INTEGER', 'nothing'])(
    'is found by an aggregate (ordered by %s)',
    async (type) => {
      await session.run(`CREATE OR REPLACE TABLE calls
        (key BIGINT, "order" ${type === 'nothing' ? 'BIGINT' : type}, value VARCHAR, _file_id BIGINT, _line BIGINT)`);
      const order = type === 'nothing' ? [] : [type];
      const query = duckdb.winners({
        from: 'calls',
        isTable: true,
        columns: ['key', 'value'],
        rule: { uniqueKey: ['key'], orderBy: order.map(() => 'order'), orderTypes: order },
      });
      const [plan] = await session.rows<{ explain_value: string }>(`EXPLAIN ${query}`);
      expect(plan?.explain_value).toContain('arg_max');
    },
  );
});
