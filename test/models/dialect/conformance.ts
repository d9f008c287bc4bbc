import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileError } from '../../../src/errors.ts';
import type { ColumnType } from '../../../src/feeds/types.ts';
import type { DedupQuery, Dialect } from '../../../src/models/dialect/dialect.ts';
import type { TableName } from '../../../src/warehouse/sql.ts';

/** What a query answers: numbers, texts and NULL as JavaScript has them. */
type Answer = Record<string, unknown>[];

/** A real engine with nothing in it, and ways to run SQL there. */
export interface Place {
  run(sql: string): Promise<void>;
  rows(sql: string): Promise<Answer>;
  /** The same by somebody else at the same time, who sees what is done and not what is being done. */
  rowsAside(sql: string): Promise<Answer>;
  /** Has the engine know these files and this order of the sources, and no others: what `FILE_ORDER` ranks. */
  record(files: readonly StagedFile[], sources: readonly Source[]): Promise<void>;
  /** What a table or view is said to hold, by column; by `''` what it is itself. NULL or left out: nothing. */
  comments(target: TableName): Promise<Record<string, string | null>>;
  stop(): Promise<void>;
}

/** A file as the ledger has it, as far as ranking goes by it. */
export interface StagedFile {
  id: number;
  source: string;
  path: string;
  partition: Date;
  supersededBy: number | null;
}

/** In their order. */
export interface Source {
  source: string;
  configured: boolean;
}

export interface Harness {
  start(): Promise<Place>;
  /** Five times from the first to the last, the ends of its type among them, each as a text that the engine casts. */
  timestamps: readonly string[];
  /** Of the names that the suite tries, those that no table or column of the engine can have. */
  impossibleNames?: readonly string[];
  /** How many random histories each rule is tried with: fewer where a statement takes long. */
  histories: number;
}

const HOSTILE_NAMES = [
  'a b',
  'select',
  'CaPiTaLs',
  'se"lect',
  '"',
  "or'der",
  'semi;colon',
  'a.b',
  '-- comment',
  '/* comment',
  'back\\slash',
  '{{ braces }} $1 %s ?',
  'line\nbreak',
  'Ünïcödé 日本 🙂',
] as const;

const HOSTILE_TEXTS = [...HOSTILE_NAMES, '', "'", "''); DROP TABLE x; --", "\\'", 'a\tb\r\n', ' ', 'e\u0301'];

const SCHEMA = 'conformance';

/** A staged column, or one of a table that a test makes. */
type Columns = Readonly<Record<string, ColumnType>>;

/** Where a staged row came from. */
const ORIGIN: Columns = { _partition_ts: 'TIMESTAMP', _file_id: 'BIGINT', _line: 'BIGINT' };

const TYPES: readonly ColumnType[] = [
  'BIGINT',
  'INTEGER',
  'SMALLINT',
  'TINYINT',
  'DOUBLE',
  'BOOLEAN',
  'TIMESTAMP',
  'DATE',
  'VARCHAR',
  'JSON',
  'DECIMAL(18,2)',
  'DECIMAL(38,9)',
];

/** A value as a text that the engine casts. */
type Texts = Readonly<Record<string, string | null>>;

/** What every dialect must do, on a real engine. `src/models/dialect/dialect.ts` says it in words. */
export function describeDialect(name: string, dialect: Dialect, harness: Harness): void {
  describe(`${name} keeps the dialect contract`, () => {
    let place: Place;
    beforeAll(async () => {
      place = await harness.start();
      for (const schema of [SCHEMA, 'staging_messaging', 'messaging'])
        await place.run(dialect.createSchema(schema));
    }, 120_000);
    afterAll(() => place?.stop());

    const inSchema = (table: string): TableName => ({ schema: SCHEMA, table });
    const possible = (names: readonly string[]) =>
      names.filter((each) => !harness.impossibleNames?.includes(each));
    const kept = (each: string) => (dialect.keepsCapitals ? each : each.toLowerCase());
    const cast = (text: string | null, type: ColumnType) =>
      `CAST(${text === null ? 'NULL' : dialect.literal(text)} AS ${dialect.type(type)})`;

    async function runAll(statements: readonly string[]): Promise<void> {
      for (const statement of statements) await place.run(statement);
    }

    async function emptyTable(target: TableName, columns: Columns): Promise<void> {
      const list = Object.entries(columns).map(
        ([each, type]) => `${dialect.identifier(each)} ${dialect.type(type)}`,
      );
      await place.run(`DROP TABLE IF EXISTS ${dialect.qualified(target)}`);
      await place.run(`CREATE TABLE ${dialect.qualified(target)} (${list.join(', ')})`);
    }

    /** A query for some rows. */
    function queryOf(columns: Columns, rows: readonly Texts[]): string {
      const select = (row: Texts) =>
        `SELECT ${Object.entries(columns).map(([each, type]) => `${cast(row[each] ?? null, type)} AS ${dialect.identifier(each)}`)}`;
      return rows.length > 0
        ? rows.map(select).join('\nUNION ALL ')
        : `SELECT * FROM (${select({})}) AS none WHERE 1 = 0`;
    }

    async function insert(target: TableName, columns: Columns, rows: readonly Texts[]): Promise<void> {
      if (rows.length === 0) return;
      const names = Object.keys(columns).map((each) => dialect.identifier(each));
      await place.run(
        `INSERT INTO ${dialect.qualified(target)} (${names.join(', ')}) ${queryOf(columns, rows)}`,
      );
    }

    async function columnsOf(query: string): Promise<[name: unknown, type: unknown][]> {
      const statements = dialect.describe(query);
      await runAll(statements.slice(0, -1));
      const rows = await place.rows(statements.at(-1) as string);
      return rows.map((row) => [row.column_name, row.column_type]);
    }

    /** All rows of a table as texts, in no order that means anything. */
    async function contents(target: TableName): Promise<string[]> {
      const rows = await place.rows(`SELECT * FROM ${dialect.qualified(target)}`);
      return rows
        .map((row) => JSON.stringify(Object.values(row).map((value) => value && String(value))))
        .sort();
    }

    describe('in its names and texts', () => {
      test('hostile names of columns stand for themselves', async () => {
        const names = possible(HOSTILE_NAMES);
        const columns = names.map((each, index) => `${index} AS ${dialect.identifier(each)}`);
        const target = inSchema('columns');
        await runAll(dialect.create('table', target, `SELECT ${columns.join(', ')}`));
        const found = await columnsOf(`SELECT * FROM ${dialect.qualified(target)}`);
        expect(found.map(([each]) => each)).toEqual(names.map(kept));
        for (const [index, each] of names.entries())
          expect(
            await place.rows(`SELECT ${dialect.identifier(each)} AS found FROM ${dialect.qualified(target)}`),
          ).toEqual([{ found: index }]);
      });

      test('hostile names of schemas and tables stand for themselves', async () => {
        for (const each of possible(HOSTILE_NAMES)) {
          const target = { schema: `${SCHEMA} ${each}`, table: each };
          await place.run(dialect.createSchema(target.schema));
          await runAll(dialect.create('table', target, 'SELECT 1 AS a'));
          expect(await place.rows(`SELECT * FROM ${dialect.qualified(target)}`)).toEqual([{ a: 1 }]);
          await place.run(dialect.drop('table', target));
        }
      });

      test.each(['', 'a\0b'])('%j is refused as a name', (each) => {
        expect(() => dialect.identifier(each)).toThrow(FileError);
      });

      test('a schema may be there already', async () => {
        await place.run(dialect.createSchema(SCHEMA));
      });

      test.each([...HOSTILE_TEXTS, 'nul\0and\0\0more'])('the text %j comes back as it is', async (text) => {
        expect(await place.rows(`SELECT ${dialect.literal(text)} AS text`)).toEqual([{ text }]);
      });
    });

    describe('in its types', () => {
      test('a column is told by the type that it was made with', async () => {
        const target = inSchema('types');
        await emptyTable(target, Object.fromEntries(TYPES.map((type, index) => [`c${index}`, type])));
        expect(await columnsOf(`SELECT * FROM ${dialect.qualified(target)}`)).toEqual(
          TYPES.map((type, index) => [`c${index}`, dialect.type(type)]),
        );
      });

      test.each<[ColumnType, string[], string[]]>([
        ['BIGINT', ['1', '-9223372036854775808'], ['9223372036854775808', 'x', '']],
        ['DOUBLE', ['1.5', '-1e300'], ['x', '1,5', '']],
        ['DECIMAL(4,2)', ['99.99', '-0.01'], ['100', 'x']],
        ['BOOLEAN', ['true', 'false'], ['perhaps', '']],
        ['DATE', ['2026-01-05'], ['2026-02-30', 'today?']],
        ['TIMESTAMP', ['2026-01-05 07:00:00', '2026-01-05 07:00:00.123456'], ['2026-02-30 07:00:00', 'x']],
      ])('what is no %s is NULL as one, and what is one is it', async (type, fitting, unfitting) => {
        const target = inSchema('words');
        await emptyTable(target, { word: 'VARCHAR' });
        await insert(
          target,
          { word: 'VARCHAR' },
          [...fitting, ...unfitting, null].map((word) => ({ word })),
        );
        const found = await place.rows(
          `SELECT word FROM ${dialect.qualified(target)} WHERE ${dialect.tryCast('word', type)} = CAST(CASE
             WHEN word IN (${fitting.map((each) => dialect.literal(each)).join(', ')}) THEN word END AS ${dialect.type(type)})`,
        );
        expect(found.map(({ word }) => word).sort()).toEqual(fitting.toSorted());
        const failed = await place.rows(
          `SELECT word FROM ${dialect.qualified(target)} WHERE ${dialect.tryCast('word', type)} IS NULL`,
        );
        expect(failed.flatMap(({ word }) => word ?? []).sort()).toEqual(unfitting.toSorted());
      });
    });

    describe('in its queries', () => {
      test('the columns of a query come in their order, also where it gives no row', async () => {
        const columns: Columns = { b: 'VARCHAR', a: 'BIGINT', c: 'TIMESTAMP' };
        expect(await columnsOf(queryOf(columns, []))).toEqual(
          Object.entries(columns).map(([each, type]) => [each, dialect.type(type)]),
        );
      });

      test('layout and comments change no meaning, and everything else does', async () => {
        const meaning = async (query: string) => (await place.rows(dialect.meaning(query)))[0]?.meaning;
        const one = await meaning('SELECT a, count(*) AS n FROM x.y GROUP BY a');
        expect(await meaning('SELECT a,\n  count(*) AS n -- how many\nFROM x.y\nGROUP BY a')).toBe(one);
        expect(await meaning('SELECT a, count(*) AS m FROM x.y GROUP BY a')).not.toBe(one);
        expect(await meaning('SELECT a, count(*) AS n FROM x.z GROUP BY a')).not.toBe(one);
        expect(await meaning("SELECT a, 'a  b' AS n FROM x.y")).not.toBe(
          await meaning("SELECT a, 'a b' AS n FROM x.y"),
        );
      });

      test('they begin on the second line of what makes, fills or changes a table, and may end in a comment', async () => {
        const table = inSchema('lines');
        const view = inSchema('lines_view');
        const query = `${queryOf({ id: 'BIGINT' }, [{ id: '1' }])}\n-- the end`;
        expect(await columnsOf(query)).toHaveLength(1);
        for (const statements of [
          dialect.create('table', table, query),
          dialect.create('view', view, query),
          dialect.append(table, query),
          dialect.create('table', table, query),
          dialect.merge(table, query, ['id'], 'twice: '),
        ]) {
          const seconds = statements.map((statement) => statement.slice(statement.indexOf('\n') + 1));
          expect(seconds.some((second) => second.startsWith(query))).toBe(true);
          await runAll(statements);
        }
        expect(await contents(table)).toEqual(['["1"]']);
        expect(await contents(view)).toEqual(['["1"]']);
      });
    });

    describe('when it makes tables and views', () => {
      test.each(['table', 'view'] as const)('a %s takes the place of an older one', async (kind) => {
        const target = inSchema(`replaced_${kind}`);
        await runAll(dialect.create(kind, target, 'SELECT 1 AS a'));
        await runAll(dialect.create(kind, target, "SELECT 2 AS b, 'x' AS c"));
        expect(await place.rows(`SELECT * FROM ${dialect.qualified(target)}`)).toEqual([{ b: 2, c: 'x' }]);
        await place.run(dialect.drop(kind, target));
        await expect(place.rows(`SELECT * FROM ${dialect.qualified(target)}`)).rejects.toThrow();
        await runAll(dialect.create(kind, target, 'SELECT 3 AS a'));
        expect(await place.rows(`SELECT * FROM ${dialect.qualified(target)}`)).toEqual([{ a: 3 }]);
      });

      test.each(['table', 'view'] as const)(
        'readers of a %s that is replaced have all of the old one, or all of the new one',
        async (kind) => {
          const target = inSchema(`swapped_${kind}`);
          const numbered = inSchema('numbered');
          const columns: Columns = { n: 'BIGINT' };
          await emptyTable(numbered, columns);
          await insert(
            numbered,
            columns,
            Array.from({ length: 100 }, (_, n) => ({ n: String(n) })),
          );
          /** The nth has 100 + n rows, each of which says n. */
          const nth = (n: number) =>
            `SELECT ${n} AS v FROM ${dialect.qualified(numbered)} UNION ALL
SELECT ${n} FROM ${dialect.qualified(numbered)} WHERE n < ${n}`;
          await runAll(dialect.create(kind, target, nth(0)));
          let done = false;
          const seen: Record<string, unknown>[] = [];
          const reading = (async () => {
            do {
              const [row] = await place.rowsAside(
                `SELECT count(*) AS n, min(v) AS lowest, max(v) AS highest FROM ${dialect.qualified(target)}`,
              );
              seen.push(row ?? {});
            } while (!done);
          })();
          try {
            for (let n = 1; n <= 20; n++) await runAll(dialect.create(kind, target, nth(n)));
          } finally {
            done = true;
            await reading;
          }
          for (const { n, lowest, highest } of seen)
            expect([lowest, highest]).toEqual([Number(n) - 100, Number(n) - 100]);
        },
        120_000,
      );

      test('rows are counted, and a view of which a value cannot be had fails at that', async () => {
        const words = inSchema('counted');
        const view = inSchema('counted_view');
        await emptyTable(words, { word: 'VARCHAR' });
        const numbers = `SELECT CAST(word AS ${dialect.type('BIGINT')}) AS n FROM ${dialect.qualified(words)}`;
        await runAll(dialect.create('view', view, numbers));
        await insert(words, { word: 'VARCHAR' }, [{ word: '1' }, { word: null }]);
        expect(await place.rows(dialect.count('table', words))).toMatchObject([{ rows: 2 }]);
        expect(await place.rows(dialect.count('view', view))).toMatchObject([{ rows: 2 }]);
        await insert(words, { word: 'VARCHAR' }, [{ word: 'two' }]);
        expect(await place.rows(dialect.count('table', words))).toMatchObject([{ rows: 3 }]);
        await expect(place.rows(dialect.count('view', view))).rejects.toThrow();
      });

      test.each(['table', 'view'] as const)(
        'comments on a %s and its columns are kept as they are',
        async (kind) => {
          const target = inSchema(`commented_${kind}`);
          const column = kept(possible(["or'der"])[0] ?? 'a');
          await runAll(dialect.create(kind, target, `SELECT 1 AS ${dialect.identifier(column)}`));
          for (const text of [...HOSTILE_TEXTS, 'nul\0inside']) {
            await place.run(dialect.comment(kind, target, text));
            await place.run(dialect.commentColumn(target, column, text));
            const said = await place.comments(target);
            const expected = text.replaceAll('\0', '');
            expect([said[''] ?? '', said[column] ?? '']).toEqual([expected, expected]);
          }
        },
      );
    });

    describe('when it adds rows', () => {
      const columns: Columns = { id: 'BIGINT', part: 'VARCHAR', value: 'VARCHAR' };

      test('they are added by the names of their columns, and what they do not name is NULL', async () => {
        const target = inSchema('appended');
        await emptyTable(target, columns);
        const query = queryOf({ value: 'VARCHAR', id: 'BIGINT' }, [{ value: 'x', id: '1' }]);
        await runAll(dialect.append(target, query));
        await runAll(dialect.append(target, query));
        expect(await contents(target)).toEqual(['["1",null,"x"]', '["1",null,"x"]']);
      });

      test('those that merge take the place of rows of their key, in which NULLs are equal', async () => {
        const target = inSchema('merged');
        const reversed = Object.fromEntries(Object.entries(columns).reverse());
        const row = fc.record({
          id: fc.option(fc.constantFrom('1', '2', '3')),
          part: fc.option(fc.constantFrom('x', 'y', '')),
          value: fc.option(fc.constantFrom('a', 'b', 'c')),
        });
        const keyOf = ({ id, part }: Texts) => JSON.stringify([id, part]);
        const batch = fc.uniqueArray(row, { maxLength: 6, selector: keyOf });
        await fc.assert(
          fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 4 }), async (batches) => {
            await emptyTable(target, columns);
            const expected = new Map<string, string>();
            for (const rows of batches) {
              await runAll(dialect.merge(target, queryOf(reversed, rows), ['id', 'part'], 'twice: '));
              for (const each of rows) {
                const values = [each.id, each.part, each.value];
                expected.set(keyOf(each), JSON.stringify(values));
              }
              expect(await contents(target)).toEqual([...expected.values()].sort());
            }
          }),
          { numRuns: harness.histories },
        );
      }, 300_000);

      test('a key that they have twice is refused with what is said of it, and nothing is changed', async () => {
        const target = inSchema('refused');
        await emptyTable(target, columns);
        await insert(target, columns, [{ id: '7', part: null, value: 'old' }]);
        const before = await contents(target);
        const rows = [
          { id: '7', part: null, value: 'a' },
          { id: '8', part: 'x', value: 'b' },
          { id: '8', part: 'x', value: 'c' },
        ];
        const twice = "it's a key of the rows twice: ";
        await expect(
          runAll(dialect.merge(target, queryOf(columns, rows), ['id', 'part'], twice)),
        ).rejects.toThrow(`${twice}8, x`);
        expect(await contents(target)).toEqual(before);
      });

      test('a merge that stops anywhere can be done again from the first', async () => {
        const target = inSchema('interrupted');
        const merge = dialect.merge(
          target,
          queryOf(columns, [
            { id: '1', part: 'x', value: 'new' },
            { id: '2', part: null, value: 'new' },
          ]),
          ['id', 'part'],
          'twice: ',
        );
        for (const statements of stops(merge)) {
          await emptyTable(target, columns);
          await insert(target, columns, [
            { id: '1', part: 'x', value: 'old' },
            { id: '3', part: null, value: 'old' },
          ]);
          await stopAfter(statements, target);
          await runAll(merge);
          expect(await contents(target)).toEqual(['["1","x","new"]', '["2",null,"new"]', '["3",null,"old"]']);
        }
      });
    });

    /** The beginnings of a list of statements, from none of them to all. */
    function stops(statements: readonly string[]): string[][] {
      return [...statements, undefined].map((_, count) => statements.slice(0, count));
    }

    /** Runs statements, and no others after them. Where it has transactions, they are in one, and come to nothing. */
    async function stopAfter(statements: readonly string[], target: TableName): Promise<void> {
      if (!dialect.transactional) return runAll(statements);
      const before = await contents(target);
      await place.run('BEGIN');
      await runAll(statements);
      await place.run('ROLLBACK');
      expect(await contents(target)).toEqual(before);
    }

    describe('in the latest version of each record', () => {
      const target: TableName = { schema: 'messaging', table: 'calls' };
      const staging: TableName = { schema: 'staging_messaging', table: 'calls' };

      /** Columns to order by: values from the first to the last, the ends of each type among them. */
      const orders: Partial<Record<ColumnType, readonly string[]>> = {
        TIMESTAMP: harness.timestamps,
        BIGINT: ['-9223372036854775808', '-1', '0', '1', '9223372036854775807'],
        INTEGER: ['-2147483648', '-1', '0', '1', '2147483647'],
        DOUBLE: ['-Infinity', '-1.5', '0', '1e300', 'NaN'],
        // Numbers and times rank as what they are, also where their column has become text.
        VARCHAR: ['a', '9', '10', '2026-01-05 07:00:00', '2026-01-05T08:00Z'],
      };

      /** Files as the ledger has them, and the rows of those that are not superseded. */
      let ledger: StagedFile[] = [];
      let nextFile = 1;

      function columnsBy(type: ColumnType): Columns {
        const own: Columns = { key: 'BIGINT', other: 'VARCHAR', order: type, value: 'VARCHAR' };
        return { ...own, ...ORIGIN, _loaded_at: 'TIMESTAMP', _rescued: 'JSON' };
      }

      /** @param type of the ordering column; undefined leaves it to the files */
      function dedup(type: ColumnType | undefined): DedupQuery {
        return {
          from: dialect.qualified(staging),
          isTable: true,
          columns: ['key', 'other', 'order', 'value', '_partition_ts', '_file_id', '_line'],
          rule: {
            uniqueKey: ['key', 'other'],
            orderBy: type === undefined ? [] : ['order'],
            orderTypes: type === undefined ? [] : [dialect.type(type)],
          },
        };
      }

      async function start(type: ColumnType | undefined): Promise<void> {
        ledger = [];
        await place.record([], []);
        await emptyTable(staging, columnsBy(type ?? 'BIGINT'));
        await runAll(dialect.create('table', target, dialect.winners(dedup(type))));
      }

      /** Stages files as the loader does: what is there of the same files goes. */
      async function stage(
        batch: readonly Delivered[],
        type: ColumnType | undefined,
        sources: readonly Source[],
      ): Promise<void> {
        const columns = columnsBy(type ?? 'BIGINT');
        const values = type === undefined ? [] : (orders[type] ?? []);
        for (const one of batch) {
          const id = nextFile++;
          const [source, path] = [one.source, relativePath(one)];
          const old = ledger.find(
            (each) => each.source === source && each.path === path && !each.supersededBy,
          );
          if (old) {
            await place.run(`DELETE FROM ${dialect.qualified(staging)} WHERE _file_id = ${old.id}`);
            old.supersededBy = id;
          }
          ledger.push({ id, source, path, partition: partitionOf(one), supersededBy: null });
          await insert(
            staging,
            columns,
            one.rows.map(({ key, other, order }, index) => ({
              key: key === null ? null : String(key),
              other,
              value: told(one, index + 1),
              order: order === null ? null : (values[order] ?? String(order)),
              _partition_ts: partitionOf(one).toISOString().slice(0, 19).replace('T', ' '),
              _file_id: String(id),
              _line: String(index + 1),
            })),
          );
        }
        await place.record(ledger, sources);
      }

      async function valuesOf(query: string): Promise<unknown[]> {
        return (await place.rows(`SELECT value FROM (${query}) AS found`)).map(({ value }) => value).sort();
      }

      /** Rows that the table and a full build do not share. */
      async function differences(type: ColumnType | undefined): Promise<Answer> {
        const built = `SELECT * FROM (${dialect.winners(dedup(type))}) AS built`;
        const grown = `SELECT * FROM ${dialect.qualified(target)}`;
        return place.rows(`(${built} EXCEPT ALL ${grown}) UNION ALL (${grown} EXCEPT ALL ${built})`);
      }

      test.each([...Object.keys(orders), 'nothing'])(
        'it is the same whatever the order of loading, built at once or bit by bit (ordered by %s)',
        async (ordering) => {
          const type = ordering === 'nothing' ? undefined : (ordering as ColumnType);
          const query = dedup(type);
          await fc.assert(
            fc.asyncProperty(histories, sourceOrders, async (batches, sources) => {
              await start(type);
              const live = new Map<string, Delivered>();
              for (const batch of batches) {
                const watermark = nextFile - 1;
                await stage(batch, type, sources);
                await runAll(dialect.refresh(target, query, watermark));
                for (const one of batch) live.set(pathOf(one), one);
              }
              const expected = expectedWinners([...live.values()], type !== undefined, sources);
              expect(await valuesOf(dialect.winners(query))).toEqual(expected);
              const from = `(SELECT * FROM ${query.from})`;
              expect(await valuesOf(dialect.winners({ ...query, from, isTable: false }))).toEqual(expected);
              expect(await valuesOf(`SELECT * FROM ${dialect.qualified(target)}`)).toEqual(expected);
              expect(await differences(type)).toEqual([]);
            }),
            { numRuns: harness.histories },
          );
        },
        600_000,
      );

      test('it is brought up to date from the first where that stopped anywhere', async () => {
        const version = (key: number | null, order: number): Version => ({ key, other: 'x', order });
        const first: Delivered = {
          source: 'live',
          hour: 0,
          end: '',
          rows: [version(1, 0), version(null, 0)],
        };
        const later: Delivered = { source: 'live', hour: 1, end: '', rows: [version(1, 2), version(2, 1)] };
        const again = { ...first, rows: [version(null, 3)] };
        const count = dialect.refresh(target, dedup('BIGINT'), 0).length;
        for (let stop = 0; stop <= count; stop++) {
          await start('BIGINT');
          await stage([first], 'BIGINT', []);
          await runAll(dialect.create('table', target, dialect.winners(dedup('BIGINT'))));
          const watermark = nextFile - 1;
          await stage([later, again], 'BIGINT', []);
          const statements = dialect.refresh(target, dedup('BIGINT'), watermark);
          await stopAfter(statements.slice(0, stop), target);
          await runAll(statements);
          expect(await differences('BIGINT')).toEqual([]);
          expect(await contents(target)).toHaveLength(3);
        }
      }, 300_000);

      test('it is found where names of columns look like SQL', async () => {
        const [key = 'key', order = 'order', value = 'value'] = possible(['from', "or'der", 'a "b"']);
        const from: TableName = { schema: 'staging_messaging', table: possible(['se"lect'])[0] ?? 'select' };
        const columns: Columns = {
          [key]: 'BIGINT',
          [order]: 'VARCHAR',
          [value]: 'VARCHAR',
          ...ORIGIN,
        };
        const query: DedupQuery = {
          from: dialect.qualified(from),
          isTable: true,
          columns: [key, order, value, '_file_id', '_line'],
          rule: { uniqueKey: [key], orderBy: [order], orderTypes: [dialect.type('VARCHAR')] },
        };
        const partition = new Date('2026-01-05T00:00:00Z');
        const file: StagedFile = {
          id: nextFile++,
          source: 'live',
          path: 'calls',
          partition,
          supersededBy: null,
        };
        const line = (number: number, text: string): Texts => ({
          [key]: '1',
          [order]: text,
          [value]: text,
          _partition_ts: '2026-01-05 00:00:00',
          _file_id: String(file.id),
          _line: String(number),
        });
        await place.record([file], []);
        await emptyTable(from, columns);
        await insert(from, columns, [line(1, 'b'), line(2, 'a')]);
        await runAll(
          dialect.create(
            'table',
            target,
            dialect.winners({ ...query, from: `(SELECT * FROM ${query.from} WHERE 1 = 0)`, isTable: false }),
          ),
        );
        await runAll(dialect.refresh(target, query, file.id - 1));
        for (const found of [dialect.winners(query), `SELECT * FROM ${dialect.qualified(target)}`])
          expect(
            await place.rows(`SELECT ${dialect.identifier(value)} AS found FROM (${found}) AS kept`),
          ).toEqual([{ found: 'b' }]);
      });
    });
  });
}

/** A version of a record: two key columns, one to order by, and where it is from as its value. */
interface Version {
  key: number | null;
  other: string | null;
  /** A place among the values of the type that it is ordered by. */
  order: number | null;
}

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
const histories = fc
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

const LIVE: Source = { source: 'live', configured: true };
const ARCHIVE: Source = { source: 'archive', configured: true };

/** Nobody knows them, one stands before the other, or is there no more. */
const sourceOrders = fc.constantFrom<Source[]>(
  [],
  [LIVE, ARCHIVE],
  [ARCHIVE, LIVE],
  [LIVE, { ...ARCHIVE, configured: false }],
);

function pathOf(one: Delivered): string {
  return `${one.source}/${relativePath(one)}`;
}

function relativePath({ hour, end }: Delivered): string {
  return `calls/version=1/format=jsonl/dt=2026-01-05/hr=0${hour}/calls.jsonl${end}`;
}

function partitionOf({ hour }: Delivered): Date {
  return new Date(Date.UTC(2026, 0, 5, hour));
}

/** What makes a version what it is, as its row tells. */
function told(one: Delivered, line: number): string {
  return `${pathOf(one)}#${line}`;
}

/** The rule in plain words: of each key the version that comes first, and of these its value. */
function expectedWinners(
  files: readonly Delivered[],
  ordered: boolean,
  sources: readonly Source[],
): string[] {
  const versions = files.flatMap((one) => one.rows.map((row, index) => ({ ...row, one, line: index + 1 })));
  const descending = (a: string | number, b: string | number) => (a < b ? 1 : a > b ? -1 : 0);
  const placeOf = ({ source }: Delivered) => {
    const place = sources.findIndex((each) => each.source === source);
    return place < 0 ? sources.length : place;
  };
  const isConfigured = ({ source }: Delivered) =>
    Number(sources.some((each) => each.source === source && each.configured));
  versions.sort(
    (a, b) =>
      (ordered ? descending(a.order ?? -1, b.order ?? -1) : 0) ||
      descending(a.one.hour, b.one.hour) ||
      descending(isConfigured(a.one), isConfigured(b.one)) ||
      descending(`calls.jsonl${a.one.end}`, `calls.jsonl${b.one.end}`) ||
      placeOf(a.one) - placeOf(b.one) ||
      // One file from two sources that nobody knows: by what is in it, for which the name of its source stands here.
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
