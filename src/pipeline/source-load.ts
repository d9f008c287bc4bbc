import pMap, { pMapIterable } from 'p-map';
import type { Source } from '../config/config.ts';
import type { Connector } from '../connectors/connector.ts';
import { FileError } from '../errors.ts';
import { grantTables } from '../feeds/claims.ts';
import { rememberFeeds, stagedFeeds } from '../ledger/feeds.ts';
import { nextFileId, recordFailure, resolveFailures } from '../ledger/files.ts';
import { recordAbsent, recordListings } from '../ledger/listings.ts';
import { recordMisfits } from '../ledger/misfits.ts';
import { recordPartitions } from '../ledger/partitions.ts';
import type { Misfit, Partition } from '../ledger/tables.ts';
import { cutBatches, type WantedBatch, type WantedPartition } from './batches.ts';
import { Coverage } from './coverage.ts';
import { type Decryptor, decryptorFor } from './decrypt.ts';
import { type FoundMisfit, findTargets, type Target } from './discover.ts';
import { ignoring } from './ignore.ts';
import type { LandedFile, WantedFile } from './landing.ts';
import type { LoadContext, LoadOptions, LoadResult } from './load-context.ts';
import { type Plan, Planner, partitionRow } from './plan.ts';
import { count } from './reporter.ts';
import { type Batch, type FileCounts, type StageResult, Stager } from './stage.ts';

/** A batch whose files have been fetched, as far as they could be. */
interface LandedBatch extends WantedBatch {
  /** By number. */
  landed: Map<number, LandedFile>;
  failures: { file: WantedFile; error: FileError }[];
}

/** Feeds that are listed ahead of the one that is staged. */
const PLANS_AHEAD = 4;
/** Files that are fetched at the same time. */
const FETCHES = 8;

/** One source, from its listing to its staged rows. The next batch is fetched while one is staged. */
export class SourceLoad {
  readonly #context: LoadContext;
  readonly #options: LoadOptions;
  readonly #source: Source;
  readonly #connector: Connector;
  readonly #result: LoadResult;
  readonly #decryptor: Decryptor | undefined;
  readonly #stager: Stager;
  readonly #misfits: Misfit[] = [];
  readonly #coverage = new Coverage();
  readonly #isIgnored: (path: string) => boolean;

  /** @param result what is done is added to it */
  constructor(
    context: LoadContext,
    options: LoadOptions,
    source: Source,
    connector: Connector,
    result: LoadResult,
  ) {
    this.#context = context;
    this.#options = options;
    this.#source = source;
    this.#connector = connector;
    this.#decryptor = source.decrypt && decryptorFor(source.decrypt);
    this.#result = result;
    this.#isIgnored = ignoring(source.ignore);
    const { session, landing, clock, runId } = context;
    this.#stager = new Stager(session, { folder: landing.folder, clock, runId });
  }

  async run(): Promise<void> {
    const { reporter } = this.#context;
    reporter.progress.activity(`listing ${this.#source.name}`);
    const onMisfit = (misfit: FoundMisfit) => this.#misfit(misfit);
    const coverage = this.#coverage;
    const feeds = this.#options.feed === undefined ? this.#source.feeds : [this.#options.feed];
    const found = await findTargets(this.#connector, feeds, onMisfit, (folder, folders) =>
      coverage.level(folder, folders),
    );
    const targets = await this.#withTables(found);
    const planner = new Planner(this.#context, this.#options, this.#source, this.#connector, {
      ...{ onMisfit, coverage },
    });
    await planner.prepare(targets);
    const plans = pMapIterable(targets, (target) => planner.plan(target), {
      concurrency: PLANS_AHEAD,
      backpressure: PLANS_AHEAD,
    });
    try {
      if (this.#options.dryRun) {
        await this.#describe(plans);
      } else {
        await this.#execute(plans);
        await resolveFailures(this.#context.session, this.#source.name, planner.gone, this.#context.clock());
        await this.#remember(found, planner);
      }
    } finally {
      if (!this.#options.dryRun) await this.#recordMisfits();
    }
  }

  /** Only now: of what a killed run had not come to, the next one makes the listing again. */
  async #remember(targets: readonly Target[], planner: Planner): Promise<void> {
    const { session, clock } = this.#context;
    const { name, group, feeds = [] } = this.#source;
    const whole = targets.filter((target) => planner.isWhole(target));
    await recordListings(session, name, whole, clock());
    this.#result.listedWhole.push(
      ...whole.map(({ feed, version }) => ({ feed_group: group, feed, version })),
    );
    const found = new Set(targets.map(({ feed }) => feed));
    const lookedFor = feeds.filter((feed) => (this.#options.feed ?? feed) === feed);
    const absent = lookedFor.filter((feed) => !found.has(feed));
    await recordAbsent(session, name, lookedFor, absent, clock());
  }

  /** Those that have a table to themselves; the others are told of, see `feeds/claims.ts`. */
  async #withTables(found: readonly Target[]): Promise<Target[]> {
    const { reader, catalogue } = this.#context;
    const { group } = this.#source;
    const owners = [...(await stagedFeeds(reader, group)), ...catalogue.feeds(group)];
    const { granted, refused } = grantTables(found, owners);
    for (const { wanted, owner } of refused) {
      const reason = `would meet version ${owner.version} of the feed ${owner.feed} in one table, since names ignore case; load it by a source with another group, or leave it out of feeds`;
      this.#misfit({ path: wanted.path, reason });
    }
    return granted;
  }

  async #describe(plans: AsyncIterable<Plan>): Promise<void> {
    for await (const { spec, loads } of plans) {
      if (loads.length === 0) continue;
      const files = loads.flatMap((load) => load.files);
      this.#result.planned.push({
        source: this.#source.name,
        ...{ group: spec.group, feed: spec.feed, version: spec.version },
        partitions: loads.length,
        files: files.length,
        bytes: files.reduce((sum, { listed }) => sum + listed.bytes, 0),
      });
    }
  }

  async #execute(plans: AsyncIterable<Plan>): Promise<void> {
    const landed = pMapIterable(this.#batches(plans), (batch) => this.#land(batch), {
      concurrency: 1,
      backpressure: 1,
    });
    for await (const batch of landed) await this.#stage(batch);
  }

  async *#batches(plans: AsyncIterable<Plan>): AsyncGenerator<WantedBatch> {
    const { reader, reporter } = this.#context;
    const { expected } = this.#result;
    let next = await nextFileId(reader);
    for await (const plan of plans) {
      for (const { files } of plan.loads) {
        expected.files += files.length;
        expected.bytes += files.reduce((sum, { listed }) => sum + listed.bytes, 0);
      }
      reporter.progress.expect(expected);
      yield* cutBatches(plan, () => next++);
    }
  }

  async #land(batch: WantedBatch): Promise<LandedBatch> {
    const { landing, reporter, signal } = this.#context;
    reporter.progress.activity(`fetching ${batch.spec.group}.${batch.spec.feed}`);
    const landed = new Map<number, LandedFile>();
    const failures: LandedBatch['failures'] = [];
    await pMap(
      batch.partitions.flatMap(({ wanted }) => wanted),
      async (file) => {
        signal?.throwIfAborted();
        try {
          const arrived = await landing.land(this.#connector, file, {
            decryptor: this.#decryptor,
            onBytes: (count) => reporter.progress.fetched(count),
            ...(signal && { signal }),
          });
          landed.set(file.fileId, arrived);
        } catch (error) {
          if (!(error instanceof FileError)) throw error;
          failures.push({ file, error });
        }
      },
      { concurrency: FETCHES },
    );
    return { ...batch, landed, failures };
  }

  async #stage(batch: LandedBatch): Promise<void> {
    const { session, reporter, signal, clock } = this.#context;
    signal?.throwIfAborted();
    reporter.progress.activity(`staging ${batch.spec.group}.${batch.spec.feed}`);
    this.#result.changed = true;
    await rememberFeeds(session, [batch.spec], clock());
    try {
      // A file that changed under our hands is left for the next run; the others are staged without it.
      while (!(await this.#tryToStage(batch)));
    } finally {
      for (const file of batch.landed.values()) await file.remove();
    }
    // Not before: what is noted as come must not lie ahead of what is still to be loaded.
    await recordPartitions(session, batch.notes);
  }

  /** @returns false when files had changed since they landed, and were left out */
  async #tryToStage(batch: LandedBatch): Promise<boolean> {
    const ready = await this.#sortOut(batch);
    if (ready.files.length === 0) return true;
    try {
      this.#count(ready, await this.#stager.stage(ready));
      return true;
    } catch (error) {
      if (error instanceof FileError && (await this.#dropChanged(batch))) return false;
      throw error;
    }
  }

  /** Notes the files that did not make it, and says how the partitions stand with the rest. */
  async #sortOut(batch: LandedBatch): Promise<Batch> {
    const { session, reporter, clock, redact } = this.#context;
    for (const { file, error } of batch.failures) {
      this.#result.failedFiles += 1;
      reporter.warn(error.message, {
        ...{ source: this.#source.name, path: file.listed.path, hint: error.hint },
      });
      const { path, etag, bytes } = file.listed;
      await recordFailure(
        session,
        { source: this.#source.name, path, etag, bytes, message: redact(error.message) },
        clock(),
      );
    }
    batch.failures.length = 0;
    const incomplete: Partition[] = [];
    const partitions = batch.partitions.filter((partition) => {
      const whole = partition.wanted.every(({ fileId }) => batch.landed.has(fileId));
      // A partition that takes the place of another does so as a whole.
      if (
        whole ||
        (partition.replaces.length === 0 && partition.wanted.some((file) => batch.landed.has(file.fileId)))
      ) {
        return true;
      }
      const state = partition.replaces.length > 0 ? 'reopened' : 'sealed';
      const rows = [...partition.kept, ...partition.replaces].reduce(
        (sum, file) => sum + file.rows_staged,
        0,
      );
      incomplete.push(partitionRow(this.#source, batch.spec, partition, state, rows, clock()));
      return false;
    });
    await recordPartitions(session, incomplete);
    const files = partitions.flatMap(({ wanted }) =>
      wanted.flatMap(({ fileId }) => batch.landed.get(fileId) ?? []),
    );
    return {
      source: this.#source.name,
      spec: batch.spec,
      files,
      supersedes: partitions.flatMap(({ replaces, wanted }) =>
        replaces.map((old) => ({
          fileId: old.file_id,
          by: (wanted.find(({ listed }) => listed.path === old.path) ?? wanted[0])?.fileId ?? old.file_id,
        })),
      ),
      partitions: (counts) =>
        partitions.map((partition) => {
          const whole = partition.wanted.every(({ fileId }) => counts.has(fileId));
          return partitionRow(
            this.#source,
            batch.spec,
            partition,
            whole ? 'loaded' : 'sealed',
            rowsOf(partition, counts),
            clock(),
          );
        }),
    };
  }

  /** @returns whether there were any */
  async #dropChanged(batch: LandedBatch): Promise<boolean> {
    const before = batch.landed.size;
    for (const file of [...batch.landed.values()]) {
      try {
        await file.recheck();
      } catch (error) {
        batch.landed.delete(file.fileId);
        await file.remove();
        batch.failures.push({ file, error: new FileError((error as Error).message, { cause: error }) });
      }
    }
    return batch.landed.size < before;
  }

  #count({ spec, files }: Batch, { rows, rejected }: StageResult): void {
    const bytes = files.reduce((sum, { listed }) => sum + listed.bytes, 0);
    this.#result.files += files.length;
    this.#result.bytes += bytes;
    this.#result.rows += rows;
    this.#result.rejected += rejected;
    const feed = `${spec.group}.${spec.feed}`;
    this.#context.reporter.progress.done({ feed, files: files.length, bytes, rows });
    this.#context.reporter.info(`staged ${count(files.length, 'file')}, ${count(rows, 'row')}`, {
      ...{ feed, files: files.length, bytes, rows, rejected },
    });
  }

  #misfit({ path, reason }: FoundMisfit): boolean {
    if (this.#isIgnored(path)) return false;
    this.#misfits.push({
      source: this.#source.name,
      path,
      reason,
      first_seen_at: this.#context.clock(),
    });
    return true;
  }

  async #recordMisfits(): Promise<void> {
    const { session, reporter } = this.#context;
    const { name } = this.#source;
    const fresh = await recordMisfits(session, name, this.#misfits, (path) => this.#coverage.covers(path));
    for (const { path, reason } of fresh) {
      reporter.warn(`passed over ${path}: ${reason}`, { source: name, path });
    }
  }
}

function rowsOf(partition: WantedPartition, counts: ReadonlyMap<number, FileCounts>) {
  const kept = partition.kept.reduce((sum, file) => sum + file.rows_staged, 0);
  return partition.wanted.reduce((sum, { fileId }) => sum + (counts.get(fileId)?.staged ?? 0), kept);
}
