import type { Source } from '../config/config.ts';
import { FeedError, FileError } from '../errors.ts';
import { recordFeeds } from '../ledger/feeds.ts';
import { recordFileFailure } from '../ledger/files.ts';
import { recordPartitions } from '../ledger/partitions.ts';
import type { Partition } from '../ledger/tables.ts';
import { count } from '../text.ts';
import { asFileError, fatal } from '../warehouse/scope.ts';
import type { LandedBatch } from './batch-fetch.ts';
import type { FailedFile, LandedFile } from './file.ts';
import type { LoadContext, LoadResult } from './load-context.ts';
import { partitionRow, type WantedPartition } from './partition.ts';
import type { Batch, FileCounts, Stager } from './staging/stage.ts';

/** More files than this that cannot be staged in one batch, and it is not the files that are odd. */
const MAX_ODD = 4;

/**
 * Stages one batch: what landed of it, and what the ledger says of the rest.
 *
 * All of it goes in one transaction. Where that fails, it is tried in halves, and those in halves again, until the files
 * that it fails with are found: they are left for the next run, and the others are staged without them.
 */
export class BatchStage {
  readonly #context: LoadContext;
  readonly #source: Source;
  readonly #stager: Stager;
  readonly #result: LoadResult;
  readonly #batch: LandedBatch;
  readonly #staged = new Map<number, FileCounts>();
  readonly #odd: FailedFile[] = [];

  constructor(context: LoadContext, source: Source, stager: Stager, result: LoadResult, batch: LandedBatch) {
    this.#context = context;
    this.#source = source;
    this.#stager = stager;
    this.#result = result;
    this.#batch = batch;
  }

  /** @throws what is the affair of the whole feed, or ends the run */
  async run(): Promise<void> {
    const { session, clock } = this.#context;
    const { spec, landed, failures, notes, givenUp } = this.#batch;
    await recordFeeds(session, [spec], clock());
    for (const failed of failures.splice(0)) await this.#note(failed);
    await this.#stage([...landed.keys()]);
    for (const failed of [...failures, ...this.#odd]) await this.#note(failed);
    await recordPartitions(session, this.#incomplete());
    // Not before: what is noted as come must not lie ahead of what is still to be loaded.
    if (!givenUp) await recordPartitions(session, notes);
  }

  /** Stages those of these files that are here, and whose partitions can be. */
  async #stage(ids: readonly number[]): Promise<void> {
    for (;;) {
      let counts: ReadonlyMap<number, FileCounts> = new Map();
      const ready = this.#ready(ids, (seen) => {
        counts = seen;
      });
      if (ready.files.length === 0) return;
      const error = await this.#stager.stage(ready).then(
        ({ rows, rejected }) => {
          for (const [id, staged] of counts) this.#staged.set(id, staged);
          this.#count(ready, rows, rejected);
        },
        (failure: unknown) => failure,
      );
      if (error === undefined) return;
      // A file that changed under our hands is left for the next run; the others are staged without it.
      if (error instanceof FileError && (await this.#dropChanged())) continue;
      const end = fatal(error, this.#context.signal);
      if (end !== undefined) throw end;
      if (error instanceof FeedError) throw error;
      return this.#apart(ready, error);
    }
  }

  async #apart({ files }: Batch, error: unknown): Promise<void> {
    const units = this.#units(files);
    if (units.length > 1) {
      const middle = Math.ceil(units.length / 2);
      await this.#stage(units.slice(0, middle).flat());
      return this.#stage(units.slice(middle).flat());
    }
    if (this.#odd.length + files.length > MAX_ODD && this.#odd.length > 0) throw error;
    for (const file of files) {
      this.#odd.push({ file, error: asFileError(file.path, error, 'be staged') });
      await this.#drop(file);
    }
  }

  /** What can be staged without the rest: a file, or a partition that takes the place of what is there. */
  #units(files: readonly LandedFile[]): number[][] {
    const ids = new Set(files.map(({ fileId }) => fileId));
    return this.#batch.partitions.flatMap(({ wanted, replaces }) => {
      const own = wanted.flatMap(({ fileId }) => (ids.has(fileId) ? [fileId] : []));
      if (own.length === 0) return [];
      return replaces.length > 0 ? [own] : own.map((id) => [id]);
    });
  }

  /** What of these files is to be staged, and how the partitions stand then. */
  #ready(ids: readonly number[], onCounts: (counts: ReadonlyMap<number, FileCounts>) => void): Batch {
    const { spec, landed, partitions: all } = this.#batch;
    const chosen = new Map(ids.flatMap((id) => (landed.has(id) ? [[id, landed.get(id) as LandedFile]] : [])));
    const partitions = all.filter(({ wanted, replaces }) =>
      // A partition that takes the place of another does so as a whole.
      replaces.length > 0
        ? wanted.every(({ fileId }) => chosen.has(fileId))
        : wanted.some(({ fileId }) => chosen.has(fileId)),
    );
    return {
      source: this.#source.name,
      spec,
      files: partitions.flatMap(({ wanted }) => wanted.flatMap(({ fileId }) => chosen.get(fileId) ?? [])),
      supersedes: partitions.flatMap(({ replaces, wanted }) =>
        replaces.map((old) => ({
          fileId: old.file_id,
          by: (wanted.find(({ path }) => path === old.path) ?? wanted[0])?.fileId ?? old.file_id,
        })),
      ),
      partitions: (counts) => {
        onCounts(counts);
        const staged = new Map([...this.#staged, ...counts]);
        return partitions.map((partition) => {
          const isWhole = partition.wanted.every(({ fileId }) => staged.has(fileId));
          return this.#row(partition, isWhole ? 'loaded' : 'sealed', rowsOf(partition, staged));
        });
      },
    };
  }

  /** Partitions of which nothing was staged now. */
  #incomplete(): Partition[] {
    return this.#batch.partitions
      .filter(({ wanted }) => !wanted.some(({ fileId }) => this.#staged.has(fileId)))
      .map((partition) => {
        const stays = partition.replaces.reduce((sum, file) => sum + file.rows_staged, 0);
        const state = partition.replaces.length > 0 ? 'reopened' : 'sealed';
        return this.#row(partition, state, stays + rowsOf(partition, this.#staged));
      });
  }

  #row(partition: WantedPartition, state: Partition['state'], rows: number): Partition {
    return partitionRow(this.#source.name, this.#batch.spec, partition, state, rows, this.#context.clock());
  }

  /** Tells of a file that did not make it, and keeps that for `status` and the next run. */
  async #note({ file, error, fingerprint }: FailedFile): Promise<void> {
    const { session, reporter, clock, redact } = this.#context;
    const { path, etag, bytes } = file;
    const source = this.#source.name;
    this.#result.failedFiles += 1;
    reporter.warn(error.message, { source, path, hint: error.hint });
    const message = redact(error.message);
    await recordFileFailure(
      session,
      { source, path, etag, bytes, message, fingerprint: fingerprint ?? null },
      clock(),
    );
  }

  /** @returns whether there were any */
  async #dropChanged(): Promise<boolean> {
    const { landed, failures } = this.#batch;
    const before = landed.size;
    for (const file of [...landed.values()]) {
      try {
        await file.recheck();
      } catch (error) {
        failures.push({ file, error: new FileError((error as Error).message, { cause: error }) });
        await this.#drop(file);
      }
    }
    return landed.size < before;
  }

  async #drop(file: LandedFile): Promise<void> {
    this.#batch.landed.delete(file.fileId);
    await file.remove();
  }

  #count({ spec, files }: Batch, rows: number, rejected: number): void {
    const { reporter } = this.#context;
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    this.#result.files += files.length;
    this.#result.bytes += bytes;
    this.#result.rows += rows;
    this.#result.rejected += rejected;
    const feed = `${spec.group}.${spec.feed}`;
    reporter.progress.done({ feed, files: files.length, bytes, rows });
    reporter.info(`staged ${count(files.length, 'file')}, ${count(rows, 'row')}`, {
      feed,
      files: files.length,
      bytes,
      rows,
      rejected,
    });
  }
}

function rowsOf(partition: WantedPartition, counts: ReadonlyMap<number, FileCounts>) {
  const kept = partition.kept.reduce((sum, file) => sum + file.rows_staged, 0);
  return partition.wanted.reduce((sum, { fileId }) => sum + (counts.get(fileId)?.staged ?? 0), kept);
}
