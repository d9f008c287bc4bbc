import type { Source } from '../config/config.ts';
import { FeedError, FileError } from '../errors.ts';
import { recordFeeds } from '../ledger/feeds.ts';
import { recordFileFailure } from '../ledger/files.ts';
import { recordPartitions } from '../ledger/partitions.ts';
import type { Partition } from '../ledger/tables.ts';
import { count } from '../text.ts';
import { asFileError, fatal } from '../warehouse/scope.ts';
import type { Workspace } from '../workspace/workspace.ts';
import type { LandedBatch } from './batch-fetch.ts';
import type { FailedFile, LandedFile, StagedFile } from './file.ts';
import { rowOnceStaged, type WantedPartition } from './partition.ts';
import type { Batch, Stager } from './staging/stage.ts';

/** A batch that was staged, as far as it could be. */
export interface StagedBatch {
  staged: StagedFile[];
  /** Files that are left for the next run; the ledger knows of them. */
  failures: FailedFile[];
  /** What ended it before its end, and is the affair of the whole feed, or of all of them. */
  error?: unknown;
}

/** More files than this that cannot be staged in one batch, and it is not the files that are odd. */
const MAX_ODD = 4;

/**
 * Stages one batch: what landed of it, and what the ledger says of the rest.
 *
 * All of it goes in one transaction. Where that fails, it is tried in halves, and those in halves again, until the files
 * that it fails with are found: they are left for the next run, and the others are staged without them.
 */
export class BatchStage {
  readonly #workspace: Workspace;
  readonly #source: Source;
  readonly #stager: Stager;
  readonly #batch: LandedBatch;
  /** Files that are here, by their numbers. */
  readonly #landed: Map<number, LandedFile>;
  readonly #staged = new Map<number, StagedFile>();
  readonly #changed: FailedFile[] = [];
  readonly #odd: FailedFile[] = [];
  readonly #noted: FailedFile[] = [];
  /** Whether all of it was staged with others. */
  #isDone = false;

  constructor(workspace: Workspace, source: Source, stager: Stager, batch: LandedBatch) {
    this.#workspace = workspace;
    this.#source = source;
    this.#stager = stager;
    this.#batch = batch;
    this.#landed = new Map(batch.landed.map((file) => [file.fileId, file]));
  }

  /**
   * All there is to stage, with what the ledger is to say of the rest; undefined where something of the batch has failed.
   * Whoever stages it says so: {@link isStaged}.
   */
  whole(): (Batch & { notes: Partition[] }) | undefined {
    const { failures, givenUp, partitions, notes } = this.#batch;
    if (failures.length > 0 || givenUp) return undefined;
    const ready = this.#ready([...this.#landed.keys()]);
    const left = partitions.filter((partition) => !ready.partitions.includes(partition));
    return { ...ready, notes: [...this.#rowsOf(left), ...notes] };
  }

  /** All of {@link whole} is staged and recorded. */
  isStaged(files: readonly StagedFile[]): void {
    this.#isDone = true;
    for (const file of files) this.#staged.set(file.fileId, file);
    if (files.length > 0) this.#tell(files);
  }

  /** Throws nothing: what is staged is staged, whatever comes after it. */
  async run(): Promise<StagedBatch> {
    const running = this.#isDone ? Promise.resolve() : this.#run();
    const error = await running.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    return { staged: [...this.#staged.values()], failures: this.#noted, error };
  }

  async #run(): Promise<void> {
    const { session, clock } = this.#workspace;
    const { spec, failures, partitions, notes, givenUp } = this.#batch;
    await recordFeeds(session, [spec], clock());
    for (const failed of failures) await this.#note(failed);
    await this.#stage([...this.#landed.keys()]);
    for (const failed of [...this.#changed, ...this.#odd]) await this.#note(failed);
    // Those of which something was staged are written with it.
    const left = partitions.filter(({ wanted }) => !wanted.some(({ fileId }) => this.#staged.has(fileId)));
    // What is noted as come must not lie ahead of what is still to be loaded.
    await recordPartitions(session, [...this.#rowsOf(left), ...(givenUp ? [] : notes)]);
  }

  #rowsOf(partitions: readonly WantedPartition[]): Partition[] {
    const { clock } = this.#workspace;
    const { spec } = this.#batch;
    return partitions.map((partition) =>
      rowOnceStaged(this.#source.name, spec, partition, this.#staged, clock()),
    );
  }

  /** Stages those of these files that are here, and whose partitions can be. */
  async #stage(ids: readonly number[]): Promise<void> {
    for (;;) {
      const ready = this.#ready(ids);
      if (ready.files.length === 0) return;
      let staged: StagedFile[];
      try {
        staged = await this.#stager.stage(ready);
      } catch (error) {
        // A file that changed under our hands is left for the next run; the others are staged without it.
        if (error instanceof FileError && (await this.#dropChanged())) continue;
        const end = fatal(error, this.#workspace.signal);
        if (end !== undefined) throw end;
        if (error instanceof FeedError) throw error;
        return this.#apart(ready, error);
      }
      for (const file of staged) this.#staged.set(file.fileId, file);
      return this.#tell(staged);
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

  /** What of these files is to be staged, of those that are here. */
  #ready(ids: readonly number[]): Batch {
    const chosen = new Map(
      ids.flatMap((id) => {
        const file = this.#landed.get(id);
        return file ? [[id, file] as const] : [];
      }),
    );
    const partitions = this.#batch.partitions.filter(({ wanted, replaces }) =>
      // A partition that takes the place of another does so as a whole.
      replaces.length > 0
        ? wanted.every(({ fileId }) => chosen.has(fileId))
        : wanted.some(({ fileId }) => chosen.has(fileId)),
    );
    return {
      source: this.#source.name,
      spec: this.#batch.spec,
      files: partitions.flatMap(({ wanted }) => wanted.flatMap(({ fileId }) => chosen.get(fileId) ?? [])),
      partitions,
      before: this.#staged,
    };
  }

  /** Tells of a file that did not make it, and keeps that for `status` and the next run. */
  async #note(failed: FailedFile): Promise<void> {
    const { file, error, fingerprint } = failed;
    const { session, reporter, clock, redact } = this.#workspace;
    const { path, etag, bytes } = file;
    const source = this.#source.name;
    this.#noted.push(failed);
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
    const before = this.#landed.size;
    for (const file of [...this.#landed.values()]) {
      try {
        await file.recheck();
      } catch (error) {
        this.#changed.push({ file, error: new FileError((error as Error).message, { cause: error }) });
        await this.#drop(file);
      }
    }
    return this.#landed.size < before;
  }

  async #drop(file: LandedFile): Promise<void> {
    this.#landed.delete(file.fileId);
    await file.remove();
  }

  #tell(staged: readonly StagedFile[]): void {
    const { reporter } = this.#workspace;
    const { group, feed: name } = this.#batch.spec;
    const feed = `${group}.${name}`;
    const { files, bytes, rows, rejected } = sumOf(staged);
    reporter.progress.done({ feed, files, bytes, rows });
    reporter.info(`staged ${count(files, 'file')}, ${count(rows, 'row')}`, {
      feed,
      files,
      bytes,
      rows,
      rejected,
    });
  }
}

/** What files come to; bytes as delivered. */
export function sumOf(staged: readonly StagedFile[]): {
  files: number;
  bytes: number;
  rows: number;
  rejected: number;
} {
  const sum = { files: staged.length, bytes: 0, rows: 0, rejected: 0 };
  for (const file of staged) {
    sum.bytes += file.bytes;
    sum.rows += file.staged;
    sum.rejected += file.rejected;
  }
  return sum;
}
