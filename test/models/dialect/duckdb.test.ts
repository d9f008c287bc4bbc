import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../../src/ledger/migrations.ts';
import type { DedupQuery } from '../../../src/models/dialect/dialect.ts';
import { duckdb } from '../../../src/models/dialect/duckdb.ts';
import type { Session } from '../../../src/warehouse/session.ts';
import { Warehouse } from '../../../src/warehouse/warehouse.ts';

const { winners, refresh } = duckdb;

const NOW = new Date('2026-02-01T00:00:00Z');

let warehouse: Warehouse;
let session: Session;
beforeAll(async () => {
  warehouse = await Warehouse.open(':memory:', { threads: 1 });
  session = await warehouse.session();
  await migrate(session, NOW);
  await session.run('CREATE SCHEMA staging_messaging; CREATE SCHEMA messaging');
});
afterAll(() => warehouse[Symbol.asyncDispose]());

/** A version of a record: two key columns, one to order by, and where it is from as its value. */
interface Version {
  key: number | null;
  other: string | null;
  /** A place in {@link ORDERS}. */
  order: number | null;
}

/** Columns to order by: values from the first to the last, the ends of each type among them. */
const ORDERS: Record<string, readonly string[]> = {
  TIMESTAMP: ['-infinity', '290309-12-22 (BC) 00:00:00', '1969-12-31', '2026-01-05', 'infinity'],
  BIGINT: ['-9223372036854775808', '-1', '0', '1', '9223372036854775807'],
  INTEGER: ['-2147483648', '-1', '0', '1', '2147483647'],
  DOUBLE: ['-Infinity', '-1.5', '0', '1e300', 'NaN'],
  // Numbers and times rank as what they are, also where their column has become text.
  VARCHAR: ['a', '9', '10', '2026-01-05 07:00:00', '2026-01-05T08:00Z'],
};

interface Delivered {
  source: string;
  /** The hour of the partition. */
  hour: number;
  /** The end of the file's name. */
  end: string;
  rows: Version[];
}

const version: fc.Arbitrary<Version> = fc.record({
  key: fc.option(fc.integer({ min: 0, max: 2 })),
  other: fc.option(fc.constantFrom('x', 'y'), { freq: 3 }),
  order: fc.option(fc.integer({ min: 0, max: 4 })),
});

const file: fc.Arbitrary<Delivered> = fc.record({
  source: fc.constantFrom('live', 'archive'),
  hour: fc.integer({ min: 0, max: 2 }),
  end: fc.constantFrom('', '.01', '.02', '.10.gz'),
  rows: fc.array(version, { maxLength: 5 }),
});

/** Files in the order that they are loaded in, cut into batches; one may come again and changed. */
const loads = fc
  .uniqueArray(file, { minLength: 1, maxLength: 8, selector: pathOf })
  .chain((files) =>
    fc.tuple(fc.shuffledSubarray(files, { minLength: files.length }), fc.array(file, { maxLength: 3 })),
  )
  .chain(([files, again]) => {
    const paths = new Set(files.map(pathOf));
    const sequence = [...files, ...again.filter((one) => paths.has(pathOf(one)))];
    return fc.tuple(
      fc.constant(sequence),
      fc.array(fc.boolean(), { minLength: sequence.length, maxLength: sequence.length }),
    );
  })
  .map(([files, cuts]) => {
    const batches: Delivered[][] = [[]];
    for (const [index, one] of files.entries()) {
      const last = batches.at(-1) as Delivered[];
      if (cuts[index] || last.some((other) => pathOf(other) === pathOf(one))) batches.push([one]);
      else last.push(one);
    }
    return batches;
  });

function pathOf({ source, hour, end }: Delivered): string {
  return `${source}/calls/version=1/format=jsonl/dt=2026-01-05/hr=0${hour}/calls.jsonl${end}`;
}

/** What makes a version what it is, as its row tells. */
function told(one: Delivered, line: number): string {
  return `${pathOf(one)}#${line}`;
}

/** The query over the table whose ordering column has a type; 'nothing' leaves it to the files. */
function queryOf(type: string): DedupQuery {
  return {
    from: `"staging_messaging"."${tableOf(type)}"`,
    isTable: true,
    columns: ['key', 'other', 'order', 'value', '_partition_ts', '_file_id', '_line'],
    rule: {
      uniqueKey: ['key', 'other'],
      ...(type in ORDERS ? { orderBy: ['order'], orderTypes: [type] } : { orderBy: [], orderTypes: [] }),
    },
  };
}

function tableOf(type: string): string {
  return `calls_${type.toLowerCase()}`;
}

const TARGET = { schema: 'messaging', table: 'calls' };

async function start(type: string): Promise<void> {
  await session.run(`DELETE FROM ops.files;
    CREATE OR REPLACE TABLE staging_messaging.${tableOf(type)} (key BIGINT, other VARCHAR, "order" ${type in ORDERS ? type : 'BIGINT'}, value VARCHAR,
      _partition_ts TIMESTAMP, _file_id BIGINT, _line BIGINT, _loaded_at TIMESTAMP, _rescued JSON);
    CREATE OR REPLACE TABLE messaging.calls AS ${winners(queryOf(type))}`);
}

let nextFile = 1;

/** Stages a batch as the loader does: what is there of the same files goes. */
async function stage(batch: readonly Delivered[], type: string): Promise<void> {
  const table = tableOf(type);
  const files = batch.map((one) => ({
    ...one,
    id: nextFile++,
    path: pathOf(one).slice(one.source.length + 1),
  }));
  for (const { id, source, path } of files) {
    await session.run(
      `DELETE FROM staging_messaging.${table} WHERE _file_id IN
         (SELECT file_id FROM ops.files WHERE source = $1 AND path = $2)`,
      [source, path],
    );
    await session.run(
      'UPDATE ops.files SET superseded_by = $3 WHERE source = $1 AND path = $2 AND superseded_by IS NULL',
      [source, path, id],
    );
  }
  await session.insert(
    { schema: 'ops', table: 'files' },
    files.map(({ id, source, path, hour, rows }) => ({
      file_id: id,
      source,
      feed_group: 'messaging',
      feed: 'calls',
      version: '1',
      path,
      partition_ts: partitionTime(hour),
      bytes: 1,
      etag: 'x',
      sha256: `${source}`,
      lines: rows.length,
      rows_staged: rows.length,
      rows_rejected: 0,
      run_id: 1,
      loaded_at: NOW,
      superseded_by: null,
    })),
  );
  await session.insert(
    { schema: 'staging_messaging', table },
    files.flatMap((one) =>
      one.rows.map((row, index) => ({
        ...row,
        order: orderValue(row, type),
        value: told(one, index + 1),
        _partition_ts: partitionTime(one.hour),
        _file_id: one.id,
        _line: index + 1,
      })),
    ),
  );
}

function orderValue({ order }: Version, type: string): string | number | null {
  return order === null ? null : (ORDERS[type]?.[order] ?? order);
}

function partitionTime(hour: number): Date {
  return new Date(Date.UTC(2026, 0, 5, hour));
}

/** The rule in plain words: of each key the version that comes first, and of these its value. */
function expectedWinners(files: readonly Delivered[], ordered: boolean): string[] {
  const versions = files.flatMap((one) => one.rows.map((row, index) => ({ ...row, one, line: index + 1 })));
  const name = ({ end }: Delivered) => `calls.jsonl${end}`;
  const descending = (a: string | number, b: string | number) => (a < b ? 1 : a > b ? -1 : 0);
  versions.sort(
    (a, b) =>
      (ordered ? descending(a.order ?? -1, b.order ?? -1) : 0) ||
      descending(a.one.hour, b.one.hour) ||
      descending(name(a.one), name(b.one)) ||
      // One file from two sources: by what is in it, for which the name of its source stands here.
      descending(a.one.source, b.one.source) ||
      descending(a.line, b.line),
  );
  const first = new Map<string, string>();
  for (const { key, other, one, line } of versions) {
    const id = JSON.stringify([key, other]);
    if (!first.has(id)) first.set(id, told(one, line));
  }
  return [...first.values()].sort();
}

async function values(from: string): Promise<string[]> {
  const rows = await session.rows<{ value: string }>(`SELECT value FROM (${from}) ORDER BY value`);
  return rows.map(({ value }) => value).sort();
}

describe('the latest version of each record', () => {
  test.each([...Object.keys(ORDERS), 'nothing'])(
    'is the same whatever the order of loading, built at once or bit by bit (ordered by %s)',
    async (type) => {
      const query = queryOf(type);
      await fc.assert(
        fc.asyncProperty(loads, async (batches) => {
          await start(type);
          const live = new Map<string, Delivered>();
          for (const batch of batches) {
            const watermark = nextFile - 1;
            await stage(batch, type);
            for (const statement of refresh(TARGET, query, watermark)) await session.run(statement);
            for (const one of batch) live.set(pathOf(one), one);
          }
          const expected = expectedWinners([...live.values()], type in ORDERS);
          expect(await values(winners(query))).toEqual(expected);
          expect(await values('FROM messaging.calls')).toEqual(expected);
          expect(await values(winners({ ...query, from: `(FROM ${query.from})`, isTable: false }))).toEqual(
            expected,
          );
          const different = await session.rows(
            `(FROM messaging.calls EXCEPT ALL ${winners(query)}) UNION ALL (${winners(query)} EXCEPT ALL FROM messaging.calls)`,
          );
          expect(different).toEqual([]);
        }),
        { numRuns: 25 },
      );
    },
  );

  test.each(['TIMESTAMP', 'BIGINT', 'INTEGER', 'nothing'])(
    'is found by an aggregate (ordered by %s)',
    async (type) => {
      await start(type);
      const [plan] = await session.rows<{ explain_value: string }>(`EXPLAIN ${winners(queryOf(type))}`);
      expect(plan?.explain_value).toContain('arg_max');
    },
  );

  test('is found where names of columns look like SQL', async () => {
    await session.run(`CREATE OR REPLACE TABLE staging_messaging."se""lect" AS
      SELECT 1 AS "from", 'a' AS "or'der", 'v' AS "a b", _partition_ts, _file_id, _line FROM staging_messaging.calls_nothing LIMIT 0`);
    const rule = { uniqueKey: ['from'], orderBy: ["or'der"], orderTypes: ['VARCHAR'] };
    const query = {
      from: '"staging_messaging"."se""lect"',
      isTable: true,
      columns: ['from', "or'der", 'a b'],
      rule,
    };
    expect(await session.rows(winners(query))).toEqual([]);
  });
});
