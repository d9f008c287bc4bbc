import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { BusyError, DamagedError, StorageError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import { type FileAccess, fileAccessSettings } from './file-access.ts';
import { Session, type Shared } from './session.ts';
import { storageTrouble } from './trouble.ts';

export interface OpenOptions {
  /** Opens the file for reading only. Many processes can read it at once, but none while another writes. */
  readOnly?: boolean;
  /** DuckDB's `memory_limit`, e.g. `1GB`. */
  memoryLimit?: string;
  /** Left out: one for each core; or one alone while the file is small, see {@link OpenOptions.oneWhereSmall}. */
  threads?: number;
  /**
   * Whether one thread works on a small file until {@link Session.useAllThreads}: to hand its parts to others costs more than
   * it gains.
   */
  oneWhereSmall?: boolean;
  /** How long to wait for another process to release the file, in milliseconds. */
  patience?: number;
  /** Files besides its own that SQL may touch; left out: none. */
  fileAccess?: FileAccess;
  /**
   * Whether SQL may change settings. By default they are locked, since one query or model would change them for all.
   */
  settable?: boolean;
  /** The folder for temporary files that do not fit in memory; left out: one beside the file. */
  spill?: string;
  /** The key of `warehouse.yaml` that names the file. */
  key?: 'warehouse' | 'publish';
}

/** How many bytes a small file has at most: some million rows, or the ledger of a year of hours. */
const SMALL_FILE = 2 ** 28;

/** How long a command waits by default for another one to finish, before it fails with {@link BusyError}. */
const PATIENCE_MS = 2000;

/** An open DuckDB file. */
export class Warehouse implements AsyncDisposable {
  readonly file: string;
  readonly #instance: DuckDBInstance;
  readonly #sessions: Session[] = [];
  readonly #shared: Shared;

  private constructor(file: string, instance: DuckDBInstance, isSmall: boolean) {
    this.file = file;
    this.#instance = instance;
    this.#shared = { types: new Map(), isSmall };
  }

  /**
   * Opens a DuckDB file; one that is not there is created, unless it is only to be read.
   * @throws BusyError when another process holds it
   * @throws StorageError when it is not there, not a DuckDB file, or cannot be read
   */
  static async open(file: string, options: OpenOptions = {}): Promise<Warehouse> {
    if (options.readOnly) await mustExist(file);
    else await makeFolder(dirname(file));
    const isSmall = options.oneWhereSmall === true && !options.threads && (await sizeOf(file)) <= SMALL_FILE;
    const threads = isSmall ? 1 : options.threads;
    const settings: Record<string, string> = {
      access_mode: options.readOnly ? 'READ_ONLY' : 'READ_WRITE',
      // Extensions that we need are built in; nothing is to be fetched from the network, or loaded.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      allow_community_extensions: 'false',
      // Secrets that this user saved for other work with DuckDB are not used.
      allow_persistent_secrets: 'false',
      // A checkpoint rewrites the changed row groups, so one at the end costs less than one for every 16 MB.
      checkpoint_threshold: '256MB',
      ...(options.memoryLimit ? { memory_limit: options.memoryLimit } : {}),
      ...(options.spill ? { temp_directory: options.spill } : {}),
      ...(threads ? { threads: String(threads) } : {}),
    };
    const deadline = Date.now() + (options.patience ?? PATIENCE_MS);
    for (;;) {
      try {
        const instance = await DuckDBInstance.create(file, settings);
        await applySettings(instance, options);
        return new Warehouse(file, instance, isSmall);
      } catch (error) {
        const problem = openProblem(file, error as Error, options.key ?? 'warehouse');
        if (!(problem instanceof BusyError) || Date.now() > deadline) throw problem;
        await sleep(100);
      }
    }
  }

  /** A new connection. Closed with the warehouse, or before by its owner. */
  async session(): Promise<Session> {
    const session = new Session(await this.#instance.connect(), this.#shared, this.file);
    this.#sessions.push(session);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session[Symbol.dispose]();
    this.#instance.closeSync();
  }
}

/** Applies the settings of all sessions of a database; the last one locks them. */
async function applySettings(
  instance: DuckDBInstance,
  { fileAccess: reach = {}, settable }: OpenOptions,
): Promise<void> {
  const statements = [
    // All instants are UTC: the time zone of the machine must not change a cast.
    "SET GLOBAL TimeZone = 'UTC'",
    ...fileAccessSettings(reach),
    // How many threads there are changes nothing but speed, see `Session.useAllThreads`.
    ...(settable ? [] : ["SET GLOBAL allowed_configs = ['threads']", 'SET lock_configuration = true']),
  ];
  const connection = await instance.connect();
  try {
    await connection.run(statements.join(';\n'));
  } catch (error) {
    instance.closeSync();
    throw error;
  } finally {
    connection.closeSync();
  }
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => undefined);
  return found?.size ?? 0;
}

async function mustExist(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile()) return;
  throw new StorageError(`${file} is not there yet`, { hint: 'asapp-warehouse run makes it' });
}

/** DuckDB's message as an error that says who holds the file or what is wrong with it, and what to do. */
function openProblem(file: string, error: Error, key: 'warehouse' | 'publish'): Error {
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
      hint: `name a file in it at ${key}: in warehouse.yaml`,
    });
  }
  if (/not a valid DuckDB database file|Unable to open database/i.test(error.message)) {
    return new DamagedError(`${file} is not a DuckDB database, or its beginning is damaged`, {
      file,
      cause: error,
    });
  }
  return (
    storageTrouble(error, file) ??
    new StorageError(`${file} cannot be opened: ${error.message}`, { cause: error })
  );
}
