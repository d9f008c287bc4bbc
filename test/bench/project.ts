import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileFingerprint } from '../../src/publish/untouched.ts';
import { literal } from '../../src/warehouse/sql.ts';
import { type Run, runScript } from './child.ts';
import { COLUMNS, FEED, hourFolder, rows, type Shape } from './feed.ts';
import { rowsOf, runSql } from './sql.ts';

/** The built command: npm runs its scripts in the folder of the package. */
export const COMMAND = resolve('dist/cli/main.js');

/** A line of `--log-format json`. */
interface LogLine {
  time: Date;
  level: string;
  message: string;
}

const KEPT = ['warehouse.duckdb', 'published'];
/** A published copy is known by its times, too. */
const COPY = { recursive: true, preserveTimestamps: true };

export type CommandRun = Run & { log: LogLine[] };

/** A folder with a `warehouse.yaml` and the feeds of one source, in which the real command is run. */
export class Project {
  readonly folder: string;
  readonly feeds: string;
  readonly warehouse: string;
  readonly published: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.feeds = join(folder, 'feeds');
    this.warehouse = join(folder, 'warehouse.duckdb');
    this.published = join(folder, 'published', 'warehouse.duckdb');
  }

  /**
   * @param settings more lines of `warehouse.yaml`
   * @param source what it says of its source
   */
  static async create(
    folder: string,
    settings: readonly string[] = [],
    source: readonly string[] = ['connector: local', 'path: ./feeds'],
  ): Promise<Project> {
    const project = new Project(folder);
    await mkdir(project.feeds, { recursive: true });
    // What is made here ended long ago.
    const lines = [
      ...settings,
      'freshness: off',
      'sources:',
      '  messaging:',
      ...source.map((line) => `    ${line}`),
      '',
    ];
    await writeFile(join(folder, 'warehouse.yaml'), lines.join('\n'));
    return project;
  }

  /** One with the sample feeds, as `init --demo` makes it. */
  static async ofSamples(folder: string): Promise<Project> {
    await mkdir(folder, { recursive: true });
    const project = new Project(folder);
    await project.run('init', '--demo');
    return project;
  }

  /**
   * Runs the command in this folder.
   * @throws Error when it does not end with 0: what it did is not what was to be measured
   */
  async run(...args: string[]): Promise<CommandRun> {
    const run = await runScript(COMMAND, [...args, '--log-format', 'json'], { cwd: this.folder });
    if (run.exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${run.exitCode}:\n${run.stderr}`);
    const log = run.stderr.split('\n').filter((line) => line.startsWith('{'));
    return { ...run, log: log.map((line) => logLine(line)) };
  }

  /** Removes the warehouse and what was published. */
  async reset(): Promise<void> {
    for (const name of ['warehouse.duckdb', 'warehouse.duckdb.wal', 'landing', 'published']) {
      await rm(join(this.folder, name), { recursive: true, force: true });
    }
  }

  /** Keeps a copy of the warehouse and of what was published, for {@link restore}. */
  async keep(): Promise<void> {
    for (const name of KEPT) await cp(join(this.folder, name), join(this.folder, 'kept', name), COPY);
  }

  async restore(): Promise<void> {
    await this.reset();
    for (const name of KEPT) await cp(join(this.folder, 'kept', name), join(this.folder, name), COPY);
    // Else the copy for analysts would be another file than the one that was left, and be made anew.
    const fingerprint = await fileFingerprint(this.published);
    await runSql(this.warehouse, [`UPDATE ops.published SET fingerprint = ${literal(fingerprint ?? '')}`]);
  }

  /** Writes the exports of the hours from `first` up to `end`, each sealed. @returns the files */
  async writeHours(
    shape: Shape,
    first: number,
    end: number,
    { gzip = false }: { gzip?: boolean } = {},
  ): Promise<string[]> {
    const files: string[] = [];
    const statements: string[] = [];
    for (let hour = first; hour < end; hour += 1) {
      const folder = join(this.feeds, hourFolder(hour));
      await mkdir(folder, { recursive: true });
      const file = join(folder, `${FEED}.jsonl${gzip ? '.gz' : ''}`);
      files.push(file);
      statements.push(
        `COPY (${rows(shape, hour, hour + 1, 'written')}) TO ${literal(file)} (FORMAT json${gzip ? ', COMPRESSION gzip' : ''})`,
      );
    }
    await runSql(':memory:', statements);
    for (let hour = first; hour < end; hour += 1) {
      await writeFile(join(this.feeds, hourFolder(hour), '_SUCCESS'), '');
    }
    return files;
  }

  /** The columns of the feed's staging table and their types, without the loader's own. */
  async stagedTypes(): Promise<Map<string, string>> {
    const found = await rowsOf<{ name: string; type: string }>(
      this.warehouse,
      `SELECT column_name AS name, data_type AS type FROM duckdb_columns()
       WHERE schema_name = 'staging_messaging' AND table_name = ${literal(FEED)} AND column_name NOT LIKE '\\_%' ESCAPE '\\'
       ORDER BY column_index`,
    );
    const types = new Map(found.map(({ name, type }) => [name, type]));
    const wrong = [
      ...COLUMNS.filter((name) => !types.has(name)),
      ...[...types.keys()].filter((name) => !COLUMNS.includes(name)),
    ];
    if (wrong.length > 0)
      throw new Error(`the columns of ${FEED} have changed, test/bench/feed.ts has not: ${wrong}`);
    return types;
  }
}

function logLine(text: string): LogLine {
  const { time, ...rest } = JSON.parse(text) as { time: string; level: string; message: string };
  return { ...rest, time: new Date(time) };
}
