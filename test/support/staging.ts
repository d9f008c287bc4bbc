import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeedSpec } from '../../src/feeds/catalogue.ts';
import type { ColumnType } from '../../src/feeds/types.ts';
import { migrate } from '../../src/ledger/migrations.ts';
import { DEFAULT_LIMITS, type Limits } from '../../src/limits.ts';
import type { LandedFile } from '../../src/load/file.ts';
import { LineCounter } from '../../src/load/lines.ts';
import { SMALL_BYTES } from '../../src/load/small.ts';
import { type Batch, Stager } from '../../src/load/staging/stage.ts';
import type { Row, Session } from '../../src/warehouse/session.ts';
import { Warehouse } from '../../src/warehouse/warehouse.ts';

export const NOW = new Date('2026-02-01T00:00:00Z');

/** A feed of the group `messaging` with the columns given as `{ name: type }`. */
export function feedSpec(columns: Record<string, ColumnType>, more: Partial<FeedSpec> = {}): FeedSpec {
  return {
    group: 'messaging',
    feed: 'calls',
    version: '1',
    description: '',
    key: [],
    orderBy: [],
    cadenceMinutes: 60,
    columns: Object.entries(columns).map(([name, type]) => ({ name, type, description: '', pii: '' })),
    ...more,
  };
}

/** A warehouse file of its own, into which lines are staged as if they had landed. */
export class StagingBench implements AsyncDisposable {
  /** Whether files count as large whatever is in them: these are read in another way, see `load/small.ts`. */
  static filesAreLarge = false;
  readonly folder: string;
  readonly session: Session;
  readonly #warehouse: Warehouse;
  readonly #stager: Stager;
  #nextFile = 1;

  private constructor(folder: string, warehouse: Warehouse, session: Session, limits: Limits) {
    this.folder = folder;
    this.#warehouse = warehouse;
    this.session = session;
    this.#stager = new Stager(session, { folder, clock: () => NOW, runId: 1, limits });
  }

  /** @param memoryLimit DuckDB's */
  static async open(limits: Partial<Limits> = {}, memoryLimit?: string): Promise<StagingBench> {
    const folder = await mkdtemp(join(tmpdir(), 'staging-'));
    const warehouse = await Warehouse.open(join(folder, 'warehouse.duckdb'), {
      memoryLimit,
      oneWhereSmall: true,
      fileAccess: { folders: [folder] },
    });
    const session = await warehouse.session();
    await migrate(session, NOW);
    return new StagingBench(folder, warehouse, session, { ...DEFAULT_LIMITS, ...limits });
  }

  /**
   * Stages files in one batch. Each is the bytes of a file, or lines to be joined.
   * @param options `careful` reads every file the careful way
   */
  async stage(
    spec: FeedSpec,
    files: readonly (readonly string[] | Buffer)[],
    options: { careful?: boolean; supersedes?: number[]; keyColumns?: string[] } = {},
  ): Promise<{ rows: number; rejected: number }> {
    const staged = await this.#stager.stage(await this.batch(spec, files, options));
    return {
      rows: staged.reduce((sum, file) => sum + file.staged, 0),
      rejected: staged.reduce((sum, file) => sum + file.rejected, 0),
    };
  }

  /** Stages batches of several feeds. @returns the feeds that were told of, before anything was thrown */
  async stageTogether(batches: readonly Batch[]): Promise<{ told: string[]; error?: Error }> {
    const told: string[] = [];
    try {
      await this.#stager.stageTogether(batches, ({ spec }) => told.push(spec.feed));
      return { told };
    } catch (error) {
      return { told, error: error as Error };
    }
  }

  /** Files as if they had landed: see {@link stage}. */
  async batch(
    spec: FeedSpec,
    files: readonly (readonly string[] | Buffer)[],
    options: { careful?: boolean; supersedes?: number[]; keyColumns?: string[] } = {},
  ): Promise<Batch> {
    const landed: LandedFile[] = [];
    for (const content of files) landed.push(await this.#land(spec, content, options.careful ?? false));
    const [first] = landed;
    const replaces = (options.supersedes ?? []).map((file_id) => ({
      file_id,
      path: '',
      bytes: 0,
      etag: '',
      rows_staged: 0,
    }));
    const partition = { sealed: true, strays: 0, files: landed, wanted: landed, kept: [], noted: undefined };
    return {
      source: 'test',
      spec,
      files: landed,
      partitions: first && replaces.length > 0 ? [{ ...partition, key: first.partition, replaces }] : [],
      before: new Map(),
      ...(options.keyColumns && { keyColumns: options.keyColumns }),
    };
  }

  async #land(spec: FeedSpec, content: readonly string[] | Buffer, careful: boolean): Promise<LandedFile> {
    const bytes = Buffer.isBuffer(content)
      ? content
      : Buffer.from(content.map((line) => `${line}\n`).join(''));
    const fileId = this.#nextFile;
    this.#nextFile += 1;
    const text = join(this.folder, `file-${fileId}.jsonl`);
    await writeFile(text, bytes);
    const counter = new LineCounter();
    counter.push(bytes);
    counter.finish();
    const path = `${spec.feed}/version=${spec.version}/format=jsonl/dt=2026-01-01/hr=00/${spec.feed}.jsonl.${fileId}`;
    return {
      fileId,
      path,
      bytes: StagingBench.filesAreLarge ? SMALL_BYTES + 1 : bytes.length,
      etag: 'x',
      name: { split: fileId, gzip: false, encrypted: false },
      partition: {
        feed: spec.feed,
        version: spec.version,
        format: 'jsonl',
        path,
        time: new Date('2026-01-01T00:00:00Z'),
      },
      text,
      sha256: 'x',
      lines: counter.lines,
      irregular: careful || counter.irregular,
      longest: counter.longest,
      recheck: async () => {},
      remove: async () => {},
    };
  }

  /** The staged rows in the order of files and lines, without what only the loader cares for. */
  rows(spec: FeedSpec, columns = '* EXCLUDE (_partition_ts, _loaded_at)'): Promise<Row[]> {
    return this.session.rows(
      `SELECT ${columns} FROM "staging_${spec.group}"."${spec.feed}" ORDER BY _file_id, _line`,
    );
  }

  rejects(): Promise<Row[]> {
    return this.session.rows(
      'SELECT file_id, line, reason, decode(raw) AS raw FROM ops.rejected_rows ORDER BY file_id, line',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#warehouse[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}
