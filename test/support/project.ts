import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Attention } from '../../src/attention.ts';
import type { Config } from '../../src/config/config.ts';
import { readConfig } from '../../src/config/read.ts';
import { connectors } from '../../src/connectors/index.ts';
import { SUCCESS } from '../../src/feeds/paths.ts';
import type { LoadOptions } from '../../src/load/load-run.ts';
import type { BuildOptions } from '../../src/models/build/build.ts';
import type { Reporter } from '../../src/reporter.ts';
import { silentReporter } from '../../src/reporter.ts';
import type { Outcome } from '../../src/run/record.ts';
import { buildOnly, loadOnly, run } from '../../src/run/run.ts';
import type { Row, Session } from '../../src/warehouse/session.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';
import { openWorkspace, type Workspace } from '../../src/workspace/workspace.ts';

/** Some hours after the feeds that tests write. */
export const NOW = new Date('2026-01-10T12:00:00Z');

/** One local source `messaging`, in the folder `feeds`. */
const ONE_SOURCE = `sources:
  messaging:
    connector: local
    path: ./feeds
`;

/** What one file of a partition holds: its bytes, or its lines. */
export type Content = Buffer | readonly (string | object)[];

interface PartitionOptions {
  version?: string;
  /** Whether `_SUCCESS` is there; it is, unless told otherwise. */
  sealed?: boolean;
  /** The folder of the source, below the project's. */
  root?: string;
}

/** Text that is logged is kept here, warnings and all. */
export interface Heard extends Reporter {
  info(message: string): void;
  warn(message: string): void;
  infos: string[];
  warnings: string[];
}

export function listen(more: Partial<Reporter> = {}): Heard {
  const infos: string[] = [];
  const warnings: string[] = [];
  return {
    ...silentReporter,
    info: (message) => void infos.push(message),
    warn: (message) => void warnings.push(message),
    ...more,
    infos,
    warnings,
  };
}

/** What a person should look at, as it is said to them. */
export function said(items: readonly Attention[]): string[] {
  return items.map(({ message }) => message);
}

/** A folder as a user has it: `warehouse.yaml`, feeds beside it, and the warehouse that comes of them. */
export class Project implements AsyncDisposable {
  readonly folder: string;
  /** The time that runs take it to be. */
  now = NOW;
  reporter = listen();
  readonly #sources: Pick<Config, 'sources'>['sources'] | undefined;

  private constructor(folder: string, sources: Config['sources'] | undefined) {
    this.folder = folder;
    this.#sources = sources;
  }

  /**
   * @param yaml the text of `warehouse.yaml`; left out: one local source `messaging`, in the folder `feeds`. Without
   *   `freshness:` it gets `freshness: off`
   * @param sources take the place of those in the file, for connectors that only a test has
   */
  static async create(yaml = ONE_SOURCE, sources?: Config['sources']): Promise<Project> {
    const project = new Project(await mkdtemp(join(tmpdir(), 'project-')), sources);
    await mkdir(project.path('feeds'));
    await writeFile(project.path('warehouse.yaml'), notLate(yaml));
    return project;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  async write(path: string, text: string | Buffer): Promise<void> {
    await mkdir(dirname(this.path(path)), { recursive: true });
    await writeFile(this.path(path), text);
  }

  /**
   * Writes one export of a feed, as the vendor lays it out.
   * @param time `2026-01-05`, `2026-01-05 07` or `2026-01-05 07:15`
   * @param files by the end of their names: `{ '': […] }` is `FEED.jsonl`, `{ '.01.gz': […] }` is compressed
   * @returns the partition's folder, relative to the source's root
   */
  async partition(
    feed: string,
    time: string,
    files: Record<string, Content> | readonly (string | object)[],
    { version = '1', sealed = true, root = 'feeds' }: PartitionOptions = {},
  ): Promise<string> {
    const folder = partitionFolder(feed, time, version);
    await mkdir(this.path(root, folder), { recursive: true });
    const named = Array.isArray(files) ? { '': files as readonly (string | object)[] } : files;
    for (const [end, content] of Object.entries(named)) {
      const bytes = bytesOf(content as Content);
      const zipped = end.endsWith('.gz') && !Buffer.isBuffer(content) ? gzipSync(bytes) : bytes;
      await writeFile(this.path(root, folder, `${feed}.jsonl${end}`), zipped);
    }
    if (sealed) await writeFile(this.path(root, folder, SUCCESS), '');
    return folder;
  }

  async config(): Promise<Config> {
    const knownGroups = ['messaging', 'ai_services'];
    const config = await readConfig(this.path('warehouse.yaml'), { connectors, env: {}, knownGroups });
    return { ...config, ...(this.#sources && { sources: this.#sources }) };
  }

  /** Opens the loader's own warehouse as a command does. */
  async open(options: { dryRun?: boolean } = {}): Promise<Workspace> {
    const { reporter } = this;
    return openWorkspace(await this.config(), { reporter, clock: () => this.now, ...options });
  }

  async run(options: LoadOptions & BuildOptions = {}): Promise<Outcome> {
    await using workspace = await this.open(dryRunOf(options));
    return await run(workspace, options);
  }

  async load(options: LoadOptions = {}): Promise<Outcome> {
    await using workspace = await this.open(dryRunOf(options));
    return await loadOnly(workspace, options);
  }

  async build(options: BuildOptions = {}): Promise<Outcome> {
    await using workspace = await this.open(dryRunOf(options));
    return await buildOnly(workspace, options);
  }

  /** Asks the loader's own warehouse. */
  loader<T = Row>(sql: string): Promise<T[]> {
    return ask(this.path('warehouse.duckdb'), sql);
  }

  /** Asks the published warehouse. */
  published<T = Row>(sql: string): Promise<T[]> {
    return ask(this.path('published/warehouse.duckdb'), sql);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * The feeds of tests end years ago by the clock of a command, and days ago by that of a test: unless a test is about that,
 * nobody expects more of them.
 */
function notLate(yaml: string): string {
  return /^sources:/m.test(yaml) && !/\bfreshness:/.test(yaml) ? `${yaml.trimEnd()}\nfreshness: off\n` : yaml;
}

function dryRunOf({ dryRun }: { dryRun?: boolean }): { dryRun?: boolean } {
  return dryRun === undefined ? {} : { dryRun };
}

function bytesOf(content: Content): Buffer {
  if (Buffer.isBuffer(content)) return content;
  const lines = content.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

/** The folder of an export: `FEED/version=V/format=jsonl/dt=D[/hr=H[/mi=M]]`. */
export function partitionFolder(feed: string, time: string, version = '1'): string {
  const [day, clock] = time.split(' ');
  const [hour, minute] = clock?.split(':') ?? [];
  const interval = [...(hour ? [`hr=${hour}`] : []), ...(minute ? [`mi=${minute}`] : [])];
  return [feed, `version=${version}`, 'format=jsonl', `dt=${day}`, ...interval].join('/');
}

/** Asks a DuckDB file that nobody writes to. */
export async function ask<T = Row>(file: string, sql: string): Promise<T[]> {
  return reading(file, (session) => session.rows<T>(sql));
}

/** Opens a DuckDB file to read it. */
export async function reading<T>(file: string, work: (session: Session) => Promise<T>): Promise<T> {
  await using warehouse = await Warehouse.open(file, { readOnly: true });
  return await work(await warehouse.session());
}
