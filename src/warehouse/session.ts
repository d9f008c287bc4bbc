import {
  type DuckDBConnection,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  StatementType,
} from '@duckdb/node-api';
import { StorageError } from '../errors.ts';
import { literal, qualified, type TableName } from './sql.ts';
import { columnsSql } from './tables.ts';
import { storageTrouble } from './trouble.ts';
import { type Cell, type ResultRows, type ResultTable, toCell } from './values.ts';

/** A value as the program works with it: 64-bit integers as numbers where they are safe, instants as Dates. */
export type Value = null | boolean | number | bigint | string | Date | Uint8Array | Value[];

export type Row = Record<string, Value>;

/**
 * One connection to the warehouse, and what is done over it: SQL, the ledger through kysely, transactions.
 * Statements of one session run one after the other.
 */
export class Session implements Disposable {
  readonly #connection: DuckDBConnection;
  readonly #types: Map<string, Map<string, string>>;
  readonly #file: string | undefined;

  /**
   * @param types of the columns of tables that rows were inserted into, by table: sessions of one warehouse share them
   * @param file the database's, for messages
   */
  constructor(connection: DuckDBConnection, types = new Map<string, Map<string, string>>(), file?: string) {
    this.#connection = connection;
    this.#types = types;
    this.#file = file;
  }

  /** Runs statements whose rows nobody reads. */
  async run(sql: string, parameters: readonly Value[] = []): Promise<void> {
    await this.#asked(() => this.#connection.run(sql, parameters.map(toDuckDB)));
  }

  /** Runs one statement and reads all of its rows. */
  async rows<T = Row>(sql: string, parameters: readonly Value[] = []): Promise<T[]> {
    const reader = await this.#asked(() => this.#connection.runAndReadAll(sql, parameters.map(toDuckDB)));
    const names = reader.deduplicatedColumnNames();
    return reader
      .getRows()
      .map(
        (row) => Object.fromEntries(names.map((name, index) => [name, fromDuckDB(row[index] ?? null)])) as T,
      );
  }

  /** The first row, for queries that always have one. */
  async row<T = Row>(sql: string, parameters: readonly Value[] = []): Promise<T> {
    const [first] = await this.rows<T>(sql, parameters);
    if (first === undefined) throw new Error(`no row from: ${sql}`);
    return first;
  }

  /** Runs one statement and keeps columns, types and exact values, for printing. */
  async table(sql: string): Promise<ResultTable> {
    const reader = await this.#asked(() => this.#connection.runAndReadAll(sql));
    const types = reader.columnTypes();
    return { columns: columnsOf(reader.columnNames(), types), rows: toCells(reader.getRows(), types) };
  }

  /**
   * The same of one SELECT, row by row: a result may be larger than the memory. Only one can be read at a time.
   *
   * It is kept in a temporary table first, which spills to the disk, and read from there. A result that DuckDB's client
   * streams while it is made ends without a word where the query fails behind its first rows (seen in 1.5.6: 71,680 rows of
   * 200,000, and no error), and what is printed would be half an answer.
   * @throws StorageError when not all of it can be read back
   */
  async stream(sql: string): Promise<ResultRows> {
    const { columns } = await this.parsed(sql);
    const names = columns.map((_, index) => `c${index}`).join(', ');
    await this.run(`CREATE OR REPLACE TEMP TABLE ${ANSWER} (${names}) AS ${sql}`);
    return { columns, rows: this.#answer() };
  }

  async *#answer(): AsyncGenerator<Cell[]> {
    const { kept } = await this.row<{ kept: number }>(`SELECT count(*) AS kept FROM ${ANSWER}`);
    const result = await this.#asked(() => this.#connection.stream(`FROM ${ANSWER}`));
    const types = result.columnTypes();
    const chunks = result.yieldRows();
    let read = 0;
    for (;;) {
      const { done, value } = await this.#asked(() => chunks.next());
      if (done) break;
      yield* toCells(value, types);
      read += value.length;
    }
    if (read < kept) throw new StorageError(`only ${read} of ${kept} rows could be read back from the disk`);
  }

  /**
   * How many statements a text is, and of the first: its kind, `SELECT` or `COPY`, as DuckDB's parser tells, how many
   * parameters it has, and the columns that it answers with, which are not known where it has some. Runs none of them.
   * @throws what DuckDB has against it
   */
  async parsed(sql: string): Promise<Parsed> {
    const extracted = await this.#asked(() => this.#connection.extractStatements(sql));
    const first = await this.#asked(() => extracted.prepare(0));
    const { parameterCount: parameters } = first;
    const columns = Array.from({ length: parameters > 0 ? 0 : first.columnCount }, (_, index) => ({
      name: first.columnName(index),
      type: String(first.columnType(index)),
    }));
    const kind = StatementType[first.statementType] ?? 'INVALID';
    first.destroySync();
    return { count: extracted.count, kind, parameters, columns };
  }

  /** Ends the statement that is running; it fails with an error that {@link isInterrupted} knows. */
  interrupt(): void {
    this.#connection.interrupt();
  }

  /** What DuckDB says of a disk is said as what it is, to everybody who asks. */
  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw storageTrouble(error, this.#file) ?? error;
    }
  }

  /** Runs `work` in one transaction: all of it happens, or none. Not to be nested. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.run('BEGIN');
    try {
      const result = await work();
      await this.run('COMMIT');
      return result;
    } catch (error) {
      // The statement that failed may have ended the transaction already.
      await this.run('ROLLBACK').catch(() => {});
      throw error;
    }
  }

  /**
   * Inserts many rows at once, by column name. They travel as one JSON parameter, which DuckDB unpacks far faster
   * than it binds thousands of values.
   */
  async insert(table: TableName, rows: readonly object[]): Promise<void> {
    const [first] = rows;
    if (first === undefined) return;
    const names = Object.keys(first);
    const types = await this.#columnTypes(table);
    const structure = Object.fromEntries(names.map((name) => [name, types.get(name) ?? 'VARCHAR']));
    const select = `SELECT unnest(from_json($1, ${literal(JSON.stringify([structure]))}), max_depth := 2)`;
    await this.run(`INSERT INTO ${qualified(table)} BY NAME ${select}`, [JSON.stringify(rows, jsonValue)]);
  }

  /** Of a schema's tables all at once: those of the ledger are all needed in time. */
  async #columnTypes(table: TableName): Promise<Map<string, string>> {
    const key = qualified(table);
    if (!this.#types.has(key)) {
      const rows = await this.rows<{ table: string; name: string; type: string }>(
        `SELECT "table", name, type FROM (${columnsSql()}) WHERE schema = $1`,
        [table.schema],
      );
      for (const { table: name, ...column } of rows) {
        const of = qualified({ schema: table.schema, table: name });
        this.#types.set(of, (this.#types.get(of) ?? new Map()).set(column.name, column.type));
      }
    }
    return this.#types.get(key) ?? new Map();
  }

  /** Fills a table row by row, for values that are bytes. The callback appends each column, then `endRow`. */
  async append(table: TableName, fill: (appender: RowAppender) => Promise<void>): Promise<void> {
    const appender = await this.#connection.createAppender(table.table, table.schema);
    let pending = 0;
    try {
      await fill({
        bigint: (value) => appender.appendBigInt(BigInt(value)),
        blob: (value) => appender.appendBlob(value),
        endRow() {
          appender.endRow();
          pending += 1;
          if (pending % 65536 === 0) appender.flushSync();
        },
      });
    } finally {
      appender.closeSync();
    }
  }

  [Symbol.dispose](): void {
    this.#connection.closeSync();
  }
}

export interface Parsed {
  count: number;
  kind: string;
  parameters: number;
  columns: ResultRows['columns'];
}

/** What was asked last, one table a session: nobody else sees it. */
const ANSWER = 'temp.main._answer';

function columnsOf(names: readonly string[], types: readonly DuckDBType[]): ResultTable['columns'] {
  return names.map((name, index) => ({ name, type: String(types[index]) }));
}

function toCells(rows: readonly DuckDBValue[][], types: readonly DuckDBType[]): Cell[][] {
  // biome-ignore lint/style/noNonNullAssertion: a row has a value and a type for each column
  return rows.map((row) => row.map((value, index) => toCell(value, types[index]!)));
}

/** Whether a statement was ended by {@link Session.interrupt}. */
export function isInterrupted(error: unknown): boolean {
  return error instanceof Error && /\bINTERRUPT Error\b|Interrupted!/.test(error.message);
}

export interface RowAppender {
  bigint(value: number): void;
  blob(value: Uint8Array): void;
  endRow(): void;
}

function toDuckDB(value: Value): DuckDBValue {
  if (value instanceof Date) return new DuckDBTimestampValue(BigInt(value.getTime()) * 1000n);
  if (Array.isArray(value)) return new DuckDBListValue(value.map(toDuckDB));
  return value as DuckDBValue;
}

function fromDuckDB(value: DuckDBValue): Value {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) {
    return new Date(Number(value.micros / 1000n));
  }
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBDecimalValue) return value.toString();
  if (value instanceof DuckDBListValue) return value.items.map(fromDuckDB);
  return value as Value;
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
