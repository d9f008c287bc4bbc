import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { UsageError, WarehouseError } from '../../errors.ts';
import { leadingWords } from '../../warehouse/lexer.ts';
import { readOnlyStatement } from '../../warehouse/read-only-statement.ts';
import { isInterrupted, type Session } from '../../warehouse/session.ts';
import { identifier, literal } from '../../warehouse/sql.ts';
import { presentRelations, tablesSql } from '../../warehouse/tables.ts';
import type { ResultRows } from '../../warehouse/values.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import { describeTable, type TableDescription } from './describe.ts';
import { sqlMistake } from './sql-mistake.ts';

export interface ReadOnlyOptions {
  /** Opens the loader's own file, with staging and `_rescued`, instead of the copy for analysts. */
  staging?: boolean;
  /** Allows statements to read files of this machine. */
  allowFiles?: boolean;
  /** A file that a result is written to. */
  target?: string;
}

/**
 * A warehouse that can only be queried. Its file is opened read-only, other files and the network cannot be reached,
 * settings are locked, and only statements that read are accepted.
 */
export class ReadOnlyWarehouse implements AsyncDisposable {
  readonly #warehouse: Warehouse;
  readonly #session: Session;
  readonly #target: string | undefined;
  readonly #spill: string;

  private constructor(warehouse: Warehouse, session: Session, target: string | undefined, spill: string) {
    this.#spill = spill;
    this.#warehouse = warehouse;
    this.#session = session;
    this.#target = target;
  }

  /**
   * @throws BusyError when a run holds the loader's file
   * @throws StorageError when the file is not there, or cannot be read
   */
  static async open(
    config: Config,
    { staging, allowFiles, target }: ReadOnlyOptions = {},
  ): Promise<ReadOnlyWarehouse> {
    const spill = await mkdtemp(join(tmpdir(), 'asapp-warehouse-'));
    const warehouse = await Warehouse.open(staging ? config.warehouse : config.publish, {
      readOnly: true,
      memoryLimit: config.memoryLimit,
      threads: config.threads,
      key: staging ? 'warehouse' : 'publish',
      // Whoever queries the file may not be allowed to write beside it.
      spill,
      fileAccess: { folders: allowFiles ? ['/'] : [], files: target === undefined ? [] : [target] },
    }).catch(async (error) => {
      await rm(spill, { recursive: true });
      throw error;
    });
    return new ReadOnlyWarehouse(warehouse, await warehouse.session(), target, spill);
  }

  /**
   * Runs one statement that reads.
   * @throws UsageError when it is another, or wrong
   */
  async ask(text: string): Promise<ResultRows> {
    return this.#withSqlMistakes(text, async () => {
      const { sql, mayBeLarge } = await readOnlyStatement(this.#session, text);
      if (!mayBeLarge) return this.#session.table(ownShowTables(sql));
      const { columns, rows } = await this.#session.stream(sql).catch((error: Error) => {
        // A temporary table cannot hold an unnamed struct. Reading the result directly gives the error that says what
        // to do.
        if (error.message.includes('unnamed struct')) return this.#session.table(sql);
        throw error;
      });
      return { columns, rows: this.#rowsWithSqlMistakes(rows, text) };
    });
  }

  /**
   * Writes the result of one statement to the target file, as Parquet.
   * @throws UsageError when the statement does not only read, is wrong, or has a column that Parquet cannot hold
   */
  async writeParquet(text: string): Promise<void> {
    await this.#withSqlMistakes(text, async () => {
      const sql = ownShowTables((await readOnlyStatement(this.#session, text)).sql);
      const { columns } = await this.#session.parsed(`SELECT * FROM (${sql}\n)`);
      const names = columns.map((_, index) => `c${index}`).join(', ');
      await this.#session.run(
        `COPY (SELECT ${columns.map(parquetColumn).join(', ')} FROM (${sql}\n) AS answer(${names}))
         TO ${literal(this.#target ?? '')} (FORMAT parquet)`,
      );
    });
  }

  /**
   * Describes a table: what it holds, and how fresh it is.
   * @throws UsageError when no table has the name, or several have
   */
  describe(name: string): Promise<TableDescription> {
    return describeTable(this.#session, name);
  }

  /** Stops the statement that is running. */
  interrupt(): void {
    this.#session.interrupt();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#warehouse[Symbol.asyncDispose]();
    await rm(this.#spill, { recursive: true, force: true });
  }

  async *#rowsWithSqlMistakes<T>(rows: AsyncIterable<T> | Iterable<T>, sql: string): AsyncGenerator<T> {
    try {
      yield* rows;
    } catch (error) {
      throw await this.#explain(error as Error, sql);
    }
  }

  async #withSqlMistakes<T>(sql: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await this.#explain(error as Error, sql);
    }
  }

  /**
   * DuckDB's error as a mistake in the SQL, with a hint. Errors of the disk, of memory and interruptions are not the
   * author's mistakes, and stay as they are.
   */
  async #explain(error: Error, sql: string): Promise<Error> {
    if (error instanceof WarehouseError || isInterrupted(error)) return error;
    if (error.message.startsWith('Out of Memory Error')) return error;
    const tables = await presentRelations(this.#session).catch(() => []);
    return sqlMistake(error, sql, [...tables]);
  }
}

/**
 * All tables and views with their schemas. DuckDB's own SHOW TABLES only lists the schema `main`, which is empty here.
 */
const TABLES = `SELECT schema, "table", kind, comment AS description FROM (${tablesSql()})`;

function ownShowTables(sql: string): string {
  return SHOWS_TABLES.has(leadingWords(sql).join(' ')) ? `${TABLES} ORDER BY ALL` : sql;
}

/** Parquet would store integers of more than 64 bits as floating-point numbers, which lose digits. */
const WIDE = /^U?HUGEINT$/;

function parquetColumn({ name, type }: ResultRows['columns'][number], index: number): string {
  const column = WIDE.test(type) ? `CAST(c${index} AS DECIMAL(38, 0))` : `c${index}`;
  if (!WIDE.test(type) && /HUGEINT|VARIANT|BIGNUM/.test(type))
    throw new UsageError(`Parquet cannot hold ${name} as it is: it is ${type}`, {
      hint: `cast it in the query, e.g. ${identifier(name)}::VARCHAR`,
    });
  return `${column} AS ${identifier(name)}`;
}

const SHOWS_TABLES = new Set(['SHOW TABLES', 'PRAGMA SHOW_TABLES']);
