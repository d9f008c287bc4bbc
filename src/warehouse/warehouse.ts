import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { BusyError, StorageError } from '../errors.ts';
import { Session } from './session.ts';

export interface OpenOptions {
  /** Readers see a file that nobody writes. They may be many; a writer is alone. */
  readOnly?: boolean;
  /** DuckDB's `memory_limit`, e.g. `1GB`. */
  memoryLimit?: string | undefined;
  threads?: number | undefined;
  /** How long to wait for another process to let go of the file, in milliseconds. */
  patience?: number;
}

/** How long a command waits for another one to finish before it says that the warehouse is held. */
const PATIENCE_MS = 2000;

/** An open DuckDB file. */
export class Warehouse implements AsyncDisposable {
  readonly file: string;
  readonly #instance: DuckDBInstance;
  readonly #sessions: Session[] = [];
  readonly #types = new Map<string, Map<string, string>>();

  private constructor(file: string, instance: DuckDBInstance) {
    this.file = file;
    this.#instance = instance;
  }

  /**
   * Opens a DuckDB file; one that is not there is created, unless it is only to be read.
   * @throws BusyError when another process holds it
   * @throws StorageError when it is not there, not a DuckDB file, or cannot be read
   */
  static async open(file: string, options: OpenOptions = {}): Promise<Warehouse> {
    if (options.readOnly) await mustExist(file);
    else await mkdir(dirname(file), { recursive: true });
    const settings: Record<string, string> = {
      access_mode: options.readOnly ? 'READ_ONLY' : 'READ_WRITE',
      // Extensions that we need are built in; nothing is to be fetched from the network.
      autoinstall_known_extensions: 'false',
      // A checkpoint writes changed row groups anew, so one at the end costs less than one every 16 MB.
      checkpoint_threshold: '256MB',
      ...(options.memoryLimit ? { memory_limit: options.memoryLimit } : {}),
      ...(options.threads ? { threads: String(options.threads) } : {}),
    };
    const deadline = Date.now() + (options.patience ?? PATIENCE_MS);
    for (;;) {
      try {
        return new Warehouse(file, await DuckDBInstance.create(file, settings));
      } catch (error) {
        const problem = openProblem(file, error as Error);
        if (!(problem instanceof BusyError) || Date.now() > deadline) throw problem;
        await sleep(100);
      }
    }
  }

  /** A new connection. Closed with the warehouse, or before by its owner. */
  async session(): Promise<Session> {
    const session = new Session(await this.#instance.connect(), this.#types);
    // Instants are UTC everywhere; a machine's own time zone must not show in a cast.
    await session.run("SET TimeZone = 'UTC'");
    this.#sessions.push(session);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session[Symbol.dispose]();
    this.#instance.closeSync();
  }
}

async function mustExist(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile()) return;
  throw new StorageError(`${file} is not there yet`, { hint: 'asapp-warehouse run makes it' });
}

/** DuckDB's own message turned into who, what and what to do. */
function openProblem(file: string, error: Error): Error {
  if (/conflicting lock/i.test(error.message)) {
    const holder = /held in (.+?) \(PID (\d+)\)/.exec(error.message);
    const who = holder ? `${holder[1]} (process ${holder[2]})` : 'another process';
    return new BusyError(`${file} is held by ${who}`, {
      hint: 'wait for it to finish, or close it; to query at any time, open the published warehouse instead',
      retryable: true,
    });
  }
  if (/permission denied/i.test(error.message)) {
    return new StorageError(`${file} cannot be opened: permission denied`, {
      hint: 'run this as the user who owns it, or give this one the right to read and write it and its folder',
    });
  }
  if (/is a directory/i.test(error.message)) {
    return new StorageError(`${file} is a folder`, {
      hint: 'name a file in it at warehouse: in warehouse.yaml',
    });
  }
  if (/not a valid DuckDB database file|Unable to open database/i.test(error.message)) {
    return new StorageError(`${file} is not a DuckDB database`, {
      hint: 'name another file at warehouse: in warehouse.yaml, or move this one away',
      cause: error,
    });
  }
  return new StorageError(`${file} cannot be opened: ${error.message}`, { cause: error });
}
