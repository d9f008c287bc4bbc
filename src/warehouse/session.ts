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
import { bigintText } from '../text.ts';
import { withLiterals } from './parameters.ts';
import { literal, qualified, type SqlValue, type TableName } from './sql.ts';
import { columnTypes } from './tables.ts';
import { storageTrouble } from './trouble.ts';
import { type Cell, type ResultRows, type ResultTable, toCell } from './values.ts';

export type Row = Record<string, SqlValue>;

/** What the sessions of one warehouse share. */
export interface Shared {
  /** Types of the columns of tables that rows were inserted into, by table. */
  types: Map<string, Map<string, string>>;
  /** Whether it holds little, so that one thread works on it. */
  isSmall: boolean;
}

/**
 * One connection to the warehouse, and what is done over it: SQL, the ledger through kysely, transactions.
 * Statements of one session run one after the other.
 */
export class Session implements Disposable {
  readonly #connection: DuckDBConnection;
  readonly #shared: Shared;
  readonly #file: string | undefined;

  /** @param file the database's, for messages */
  constructor(
    connection: DuckDBConnection,
    shared: Shared = { types: new Map(), isSmall: false },
    file?: string,
  ) {
    this.#connection = connection;
    this.#shared = shared;
    this.#file = file;
  }

  /** From here on there is much to do: a warehouse that was opened as a small one is worked on by all threads. */
  async useAllThreads(): Promise<void> {
    if (!this.#shared.isSmall) return;
    this.#shared.isSmall = false;
    await this.run('RESET GLOBAL threads');
  }

  /** Runs statements and discards their rows. */
  async run(sql: string, parameters: readonly SqlValue[] = []): Promise<void> {
    const [text, values] = bound(sql, parameters);
    await this.#withStorageErrors(() => this.#connection.run(text, values));
  }

  /** Runs one statement and reads all of its rows. */
  async rows<T = Row>(sql: string, parameters: readonly SqlValue[] = []): Promise<T[]> {
    const [text, values] = bound(sql, parameters);
    const reader = await this.#withStorageErrors(() => this.#connection.runAndReadAll(text, values));
    const names = reader.deduplicatedColumnNames();
    // Column by column, which takes half as long as row by row.
    const rows = Array.from({ length: reader.currentRowCount }, (): Row => ({}));
    for (const [index, values] of reader.getColumns().entries()) {
      const name = names[index] as string;
      // A plain assignment would not make a field of this name.
      if (name === '__proto__') for (const row of rows) Object.defineProperty(row, name, FIELD);
      for (const [at, row] of rows.entries()) row[name] = fromDuckDB(values[at] ?? null);
    }
    return rows as T[];
  }

  /** The first row of a query that always has one. */
  async row<T = Row>(sql: string, parameters: readonly SqlValue[] = []): Promise<T> {
    const [first] = await this.rows<T>(sql, parameters);
    if (first === undefined) throw new Error(`no row from: ${sql}`);
    return first;
  }

  /** Runs one statement and keeps columns, types and exact values, for printing. */
  async table(sql: string): Promise<ResultTable> {
    const reader = await this.#withStorageErrors(() => this.#connection.runAndReadAll(sql));
    const types = reader.columnTypes();
    return { columns: columnsOf(reader.columnNames(), types), rows: toCells(reader.getRows(), types) };
  }

  /**
   * Runs one SELECT and reads it row by row, since a result may be larger than the memory. Only one can be read at a
   * time.
   *
   * The result is written to a temporary table first, which spills to the disk, and read from there. DuckDB's client
   * can stream a result while it is computed, but ends such a stream without an error where the query fails after its
   * first rows (seen in 1.5.6: 71,680 rows of 200,000, and no error).
   * @throws StorageError when not all of it can be read back
   */
  async stream(sql: string): Promise<ResultRows> {
    const { columns } = await this.parsed(sql);
    const names = columns.map((_, index) => `c${index}`).join(', ');
    await this.run(`CREATE OR REPLACE TEMP TABLE ${RESULT_TABLE} (${names}) AS ${sql}`);
    return { columns, rows: this.#readResult() };
  }

  async *#readResult(): AsyncGenerator<Cell[]> {
    const { kept } = await this.row<{ kept: number }>(`SELECT count(*) AS kept FROM ${RESULT_TABLE}`);
    const result = await this.#withStorageErrors(() => this.#connection.stream(`FROM ${RESULT_TABLE}`));
    const types = result.columnTypes();
    const chunks = result.yieldRows();
    let read = 0;
    for (;;) {
      const { done, value } = await this.#withStorageErrors(() => chunks.next());
      if (done) break;
      yield* toCells(value, types);
      read += value.length;
    }
    if (read < kept) throw new StorageError(`only ${read} of ${kept} rows could be read back from the disk`);
  }

  /**
   * What DuckDB's parser says of a text: how many statements it has, and of the first its kind (`SELECT`, `COPY`), the
   * number of its parameters, and its columns, which are unknown when there are parameters. Nothing is run.
   * @throws DuckDB's error when the text cannot be parsed
   */
  async parsed(sql: string): Promise<ParsedStatements> {
    const extracted = await this.#withStorageErrors(() => this.#connection.extractStatements(sql));
    const first = await this.#withStorageErrors(() => extracted.prepare(0));
    const { parameterCount: parameters } = first;
    const columns = Array.from({ length: parameters > 0 ? 0 : first.columnCount }, (_, index) => ({
      name: first.columnName(index),
      type: String(first.columnType(index)),
    }));
    const kind = StatementType[first.statementType] ?? 'INVALID';
    first.destroySync();
    return { count: extracted.count, kind, parameters, columns };
  }

  /** Stops the statement that is running, which then fails with an error that {@link isInterrupted} recognizes. */
  interrupt(): void {
    this.#connection.interrupt();
  }

  /** Turns DuckDB's errors about a disk or a damaged file into {@link StorageError}s. */
  async #withStorageErrors<T>(ask: () => Promise<T>): Promise<T> {
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
    const types = await this.#typesOf(table);
    const structure = Object.fromEntries(names.map((name) => [name, types.get(name) ?? 'VARCHAR']));
    const select = `SELECT unnest(from_json($1, ${literal(JSON.stringify([structure]))}), max_depth := 2)`;
    await this.run(`INSERT INTO ${qualified(table)} BY NAME ${select}`, [JSON.stringify(rows, bigintText)]);
  }

  async #typesOf(table: TableName): Promise<Map<string, string>> {
    const key = qualified(table);
    const known = this.#shared.types.get(key);
    if (known) return known;
    const types = await columnTypes(this, table);
    if (types.size > 0) this.#shared.types.set(key, types);
    return types;
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

const FIELD = { value: null, writable: true, enumerable: true, configurable: true };

export interface ParsedStatements {
  count: number;
  kind: string;
  parameters: number;
  columns: ResultRows['columns'];
}

/**
 * The result that {@link Session.stream} reads. Temporary tables belong to one connection, so sessions do not share it.
 */
const RESULT_TABLE = 'temp.main._answer';

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

/**
 * A statement with the values for its parameters, as far as they are not written into it. None at all rather than an
 * empty list: with a list the client parses, plans and runs a statement in steps of their own.
 */
function bound(sql: string, parameters: readonly SqlValue[]): [string, DuckDBValue[]?] {
  const text = withLiterals(sql, parameters);
  return text === undefined ? [sql, parameters.map(toDuckDB)] : [text];
}

function toDuckDB(value: SqlValue): DuckDBValue {
  if (value instanceof Date) return new DuckDBTimestampValue(BigInt(value.getTime()) * 1000n);
  if (Array.isArray(value)) return new DuckDBListValue(value.map(toDuckDB));
  return value as DuckDBValue;
}

function fromDuckDB(value: DuckDBValue): SqlValue {
  if (typeof value === 'string' || value === null) return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) {
    return new Date(Number(value.micros / 1000n));
  }
  if (value instanceof DuckDBDateValue) return value.toString();
  if (value instanceof DuckDBDecimalValue) return value.toString();
  if (value instanceof DuckDBListValue) return value.items.map(fromDuckDB);
  return value as SqlValue;
}
