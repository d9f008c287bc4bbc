import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Opens the file named first, to read or to write, and answers each line of SQL with a line of JSON. */
const PROGRAM = `
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
const [file, mode] = process.argv.slice(1);
const instance = await DuckDBInstance.create(file, { access_mode: mode });
const connection = await instance.connect();
console.log('open');
for await (const sql of createInterface({ input: process.stdin })) {
  const rows = await connection.runAndReadAll(sql).then((reader) => reader.getRowObjectsJson(), (error) => error.message);
  console.log(JSON.stringify(rows));
}`;

/** Somebody else's process that has a DuckDB file open, as an analyst's client does. */
export class OtherProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #input: Interface;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#input = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    this.#lines = this.#input[Symbol.asyncIterator]();
  }

  static async open(file: string, mode: 'READ_ONLY' | 'READ_WRITE'): Promise<OtherProcess> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, file, mode], {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const other = new OtherProcess(child);
    if ((await other.#lines.next()).value !== 'open') throw new Error(`${file} cannot be opened`);
    return other;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** @param sql on one line */
  async ask(sql: string): Promise<unknown> {
    this.#child.stdin?.write(`${sql}\n`);
    return JSON.parse((await this.#lines.next()).value as string);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    await ended;
    this.#input.close();
  }
}
