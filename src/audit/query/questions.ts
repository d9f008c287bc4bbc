import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { UsageError, WarehouseError } from '../../errors.ts';
import { leadingWords } from '../../warehouse/lexer.ts';
import { readOnlyStatement } from '../../warehouse/question.ts';
import { isInterrupted, type Session } from '../../warehouse/session.ts';
import { identifier, literal } from '../../warehouse/sql.ts';
import { presentRelations, tablesSql } from '../../warehouse/tables.ts';
import type { ResultRows } from '../../warehouse/values.ts';
import { Warehouse } from '../../warehouse/warehouse.ts';
import { type Described, describeTable } from './describe.ts';
import { sqlMistake } from './sql-mistake.ts';

export interface QuestionOptions {
  /** Asks the loader's own file, with what is staged and rescued, instead of the copy for analysts. */
  staging?: boolean;
  /** Lets statements read files of this machine. */
  allowFiles?: boolean;
  /** A file that an answer is written to. */
  target?: string;
}

/**
 * A warehouse that can be asked, and in which nothing can be changed, nor anywhere else: the file is opened for reading only,
 * other files and the network are out of reach, settings are locked, and only statements that read are taken.
 */
export class Questions implements AsyncDisposable {
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
    { staging, allowFiles, target }: QuestionOptions = {},
  ): Promise<Questions> {
    const spill = await mkdtemp(join(tmpdir(), 'asapp-warehouse-'));
    const warehouse = await Warehouse.open(staging ? config.warehouse : config.publish, {
      readOnly: true,
      memoryLimit: config.memoryLimit,
      threads: config.threads,
      key: staging ? 'warehouse' : 'publish',
      // Whoever asks need not be able to write beside the file.
      spill,
      fileAccess: { folders: allowFiles ? ['/'] : [], files: target === undefined ? [] : [target] },
    }).catch(async (error) => {
      await rm(spill, { recursive: true });
      throw error;
    });
    return new Questions(warehouse, await warehouse.session(), target, spill);
  }

  /**
   * Runs one statement that reads.
   * @throws UsageError when it is another, or wrong
   */
  async ask(text: string): Promise<ResultRows> {
    return this.#helped(text, async () => {
      const { sql, mayBeLarge } = await readOnlyStatement(this.#session, text);
      if (!mayBeLarge) return this.#session.table(inOwnWords(sql));
      const { columns, rows } = await this.#session.stream(sql).catch((error: Error) => {
        // No table can keep one; reading it says how to write it instead.
        if (error.message.includes('unnamed struct')) return this.#session.table(sql);
        throw error;
      });
      return { columns, rows: this.#told(rows, text) };
    });
  }

  /**
   * Writes what one statement answers to the file that these questions were opened for.
   * @throws UsageError when it does not read, is wrong, or has a column that Parquet cannot hold as it is
   */
  async writeParquet(text: string): Promise<void> {
    await this.#helped(text, async () => {
      const sql = inOwnWords((await readOnlyStatement(this.#session, text)).sql);
      const { columns } = await this.#session.parsed(`SELECT * FROM (${sql}\n)`);
      const names = columns.map((_, index) => `c${index}`).join(', ');
      await this.#session.run(
        `COPY (SELECT ${columns.map(parquetColumn).join(', ')} FROM (${sql}\n) AS answer(${names}))
         TO ${literal(this.#target ?? '')} (FORMAT parquet)`,
      );
    });
  }

  /**
   * What a table holds, and how fresh it is.
   * @throws UsageError when the name means no table, or several
   */
  describe(name: string): Promise<Described> {
    return describeTable(this.#session, name);
  }

  /** Ends the statement that is running. */
  interrupt(): void {
    this.#session.interrupt();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#warehouse[Symbol.asyncDispose]();
    await rm(this.#spill, { recursive: true, force: true });
  }

  async *#told<T>(rows: AsyncIterable<T> | Iterable<T>, sql: string): AsyncGenerator<T> {
    try {
      yield* rows;
    } catch (error) {
      throw await this.#mistake(error as Error, sql);
    }
  }

  async #helped<T>(sql: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await this.#mistake(error as Error, sql);
    }
  }

  /** What DuckDB has against a statement is a person's to mend; the disk's troubles and interruptions are not. */
  async #mistake(error: Error, sql: string): Promise<Error> {
    if (error instanceof WarehouseError || isInterrupted(error)) return error;
    if (error.message.startsWith('Out of Memory Error')) return error;
    const tables = await presentRelations(this.#session).catch(() => []);
    return sqlMistake(error, sql, [...tables]);
  }
}

/** Every table and view, in whatever schema. DuckDB's own SHOW TABLES shows those of `main`, which holds none. */
const TABLES = `SELECT schema, "table", kind, comment AS description FROM (${tablesSql()})`;

function inOwnWords(sql: string): string {
  return SHOWS_TABLES.has(leadingWords(sql).join(' ')) ? `${TABLES} ORDER BY ALL` : sql;
}

/** Numbers of more than 64 bits would become floating-point numbers, and lose digits. */
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
