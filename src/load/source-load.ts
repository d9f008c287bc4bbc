import { pMapIterable } from 'p-map';
import type { Source } from '../config/config.ts';
import type { Connector } from '../connectors/connector.ts';
import { grantTables, haveOwnTables } from '../feeds/claims.ts';
import { seenFeeds, stagedFeeds } from '../ledger/feeds.ts';
import { nextFileId, resolveFileFailures } from '../ledger/files.ts';
import { recordAbsent, recordListings } from '../ledger/listings.ts';
import { recordMisfits } from '../ledger/misfits.ts';
import type { Misfit } from '../ledger/tables.ts';
import { asFeedError, fatal } from '../warehouse/scope.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { mustBeOfFeed } from './answering.ts';
import { BATCHES_AHEAD, BatchFetch, type LandedBatch } from './batch-fetch.ts';
import { BatchStage, type StagedBatch, sumOf } from './batch-stage.ts';
import { batchSizes, cutBatches, type WantedBatch } from './batches.ts';
import { chosenFeeds } from './chosen-feeds.ts';
import { Coverage } from './coverage.ts';
import { type FoundMisfit, findTargets, type Target } from './discover.ts';
import { ignoring } from './ignore.ts';
import type { LoadRun, SourceResult } from './load-run.ts';
import { toldMisfits } from './misplaced.ts';
import { type Plan, Planner } from './plan.ts';
import { Stager } from './staging/stage.ts';
import { gathered, stageTogether } from './together.ts';

/** A feed, or what is to be done about it could not be found out. */
type Planned = { target: Target; plan?: Plan; error?: unknown };

/** Feeds that are listed ahead of the one that is staged. */
const PLANS_AHEAD = 4;

/** One source, from its listing to its staged rows. The next batches are fetched while one is staged. */
export class SourceLoad {
  readonly #workspace: Workspace;
  readonly #run: LoadRun;
  readonly #source: Source;
  readonly #connector: Connector;
  readonly #before: SourceResult['expected'];
  readonly #done: SourceResult;
  readonly #fetch: BatchFetch;
  readonly #stager: Stager;
  readonly #misfits: Misfit[] = [];
  readonly #coverage = new Coverage();
  readonly #isIgnored: (path: string) => boolean;

  /** @param before what was found to be loaded of the sources before, for the progress */
  constructor(
    workspace: Workspace,
    run: LoadRun,
    source: Source,
    connector: Connector,
    before: SourceResult['expected'],
  ) {
    this.#workspace = workspace;
    this.#run = run;
    this.#source = source;
    this.#connector = connector;
    this.#before = before;
    this.#done = nothingDone(source.name);
    this.#fetch = new BatchFetch(workspace, run, source, connector);
    this.#isIgnored = ignoring(source.ignore);
    const { session, clock, config } = workspace;
    const { folder } = run.landing;
    const { runId } = run;
    this.#stager = new Stager(session, { folder, clock, runId, limits: config.limits });
  }

  /** Throws nothing: what was done is done, whatever ended it. */
  async run(): Promise<SourceResult> {
    const error = await this.#load().then(
      () => undefined,
      (cause: Error) => cause,
    );
    return { ...this.#done, error };
  }

  async #load(): Promise<void> {
    const { reporter, session, clock } = this.#workspace;
    const { name, group } = this.#source;
    const { dryRun } = this.#run.options;
    reporter.progress.activity(`listing ${name}`);
    const onMisfit = (misfit: FoundMisfit) => this.#misfit(misfit);
    const coverage = this.#coverage;
    const feeds = this.#chosenFeeds ?? this.#source.feeds;
    const { timings } = this.#workspace;
    const found = await timings.during('listing', () =>
      findTargets(this.#connector, feeds, onMisfit, {
        onLevel: (folder, folders) => coverage.level(folder, folders),
        onFailure: (feed, error) => this.#failIfOfFeed({ feed, version: '1' }, error),
      }),
    );
    this.#done.found = found.flatMap(({ feed }) => [feed, `${group}.${feed}`]);
    const targets = await this.#withTables(found);
    const planner = new Planner(this.#workspace, this.#run.options, this.#source, this.#connector, {
      onMisfit,
      coverage,
    });
    await timings.during('listing', () => planner.prepare(targets));
    const plans = pMapIterable(targets, (target) => this.#plan(planner, target), {
      concurrency: PLANS_AHEAD,
      backpressure: PLANS_AHEAD,
    });
    try {
      if (dryRun) {
        await this.#describe(plans);
      } else {
        await this.#execute(plans);
        await resolveFileFailures(session, name, planner.gone, clock());
        await this.#remember(found, planner);
      }
    } finally {
      await this.#fetch.stop();
      if (!dryRun) await this.#recordMisfits();
    }
  }

  /** @throws what is not the affair of this feed alone */
  async #plan(planner: Planner, target: Target): Promise<Planned> {
    try {
      return { target, plan: await this.#workspace.timings.during('listing', () => planner.plan(target)) };
    } catch (error) {
      await this.#mustBeOfFeed(error);
      return { target, error };
    }
  }

  /** @throws what ends the run, or the error where the source answers nothing any more */
  #mustBeOfFeed(error: unknown): Promise<void> {
    return mustBeOfFeed(this.#connector, error, this.#workspace.signal);
  }

  /** @throws as {@link mustBeOfFeed} */
  async #failIfOfFeed(target: Pick<Target, 'feed' | 'version'>, error: unknown): Promise<void> {
    await this.#mustBeOfFeed(error);
    this.#fail(target, error);
  }

  #fail(target: Pick<Target, 'feed' | 'version'>, cause: unknown): void {
    const feed = this.#nameOf(target);
    if (this.#hasFailed(target)) return;
    const error = asFeedError(cause);
    this.#done.failedFeeds.push({ source: this.#source.name, feed, error });
    const { reporter, redact } = this.#workspace;
    reporter.warn(`${feed} from ${this.#source.name}: ${redact(error.message)}`, {
      source: this.#source.name,
      feed,
      hint: error.hint,
    });
  }

  #hasFailed(target: Pick<Target, 'feed' | 'version'>): boolean {
    const name = this.#nameOf(target);
    return this.#done.failedFeeds.some(({ feed }) => feed === name);
  }

  /** `GROUP.FEED`, with its version where that is not 1. */
  #nameOf({ feed, version }: Pick<Target, 'feed' | 'version'>): string {
    return `${this.#source.group}.${feed}${version === '1' ? '' : `__v${version}`}`;
  }

  get #chosenFeeds(): readonly string[] | undefined {
    return this.#run.options.feed && chosenFeeds(this.#source.group, this.#run.options.feed);
  }

  /** Only now: of what a killed run had not come to, the next one makes the listing again. */
  async #remember(targets: readonly Target[], planner: Planner): Promise<void> {
    const { session, clock } = this.#workspace;
    const { name, group, feeds = [] } = this.#source;
    const whole = targets.filter((target) => planner.isWhole(target) && !this.#hasFailed(target));
    await recordListings(session, name, whole, clock());
    this.#done.listedWhole.push(...whole.map(({ feed, version }) => ({ feed_group: group, feed, version })));
    const found = new Set(targets.map(({ feed }) => feed));
    const lookedFor = feeds.filter((feed) => this.#chosenFeeds?.includes(feed) !== false);
    const absent = lookedFor.filter((feed) => !found.has(feed) && !this.#hasFailed({ feed, version: '1' }));
    await recordAbsent(session, name, lookedFor, absent, clock());
  }

  /** Those that have a table to themselves; the others are told of, see `feeds/claims.ts`. */
  async #withTables(found: readonly Target[]): Promise<Target[]> {
    const { reader, catalogue } = this.#workspace;
    const { group } = this.#source;
    const known = [...(await seenFeeds(reader, group)), ...catalogue.feeds(group)];
    // Which rows came first matters only then, and to find that out takes longer with each file that ever came.
    if (haveOwnTables([...known, ...found])) return [...found];
    const owners = [...(await stagedFeeds(reader, group)), ...catalogue.feeds(group)];
    const { granted, refused } = grantTables(found, owners);
    for (const { wanted, owner } of refused) {
      const reason = `would meet version ${owner.version} of the feed ${owner.feed} in one table, since names ignore case; load it by a source with another group, or leave it out of feeds`;
      this.#misfit({ path: wanted.path, reason });
    }
    return granted;
  }

  async #describe(plans: AsyncIterable<Planned>): Promise<void> {
    for await (const { target, plan, error } of plans) {
      if (!plan) this.#fail(target, error);
      if (!plan || plan.loads.length === 0) continue;
      const { spec, loads } = plan;
      const files = loads.flatMap(({ wanted }) => wanted);
      this.#done.planned.push({
        source: this.#source.name,
        group: spec.group,
        feed: spec.feed,
        version: spec.version,
        partitions: loads.length,
        files: files.length,
        bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      });
    }
  }

  async #execute(plans: AsyncIterable<Planned>): Promise<void> {
    const landed = pMapIterable(this.#batches(plans), (batch) => this.#fetch.fetch(batch), {
      concurrency: BATCHES_AHEAD,
      backpressure: BATCHES_AHEAD,
    });
    for await (const group of gathered(landed)) {
      await this.#workspace.timings.during('staging', () => this.#stageAll(group));
      for (const batch of group) this.#fetch.done(batch);
    }
  }

  async *#batches(plans: AsyncIterable<Planned>): AsyncGenerator<WantedBatch> {
    const { reader, reporter } = this.#workspace;
    const { expected } = this.#done;
    let next = await nextFileId(reader);
    const sizes = batchSizes(this.#connector.localPath === undefined);
    for await (const { target, plan, error } of plans) {
      if (!plan) {
        this.#fail(target, error);
        continue;
      }
      for (const { wanted } of plan.loads) {
        expected.files += wanted.length;
        expected.bytes += wanted.reduce((sum, { bytes }) => sum + bytes, 0);
      }
      reporter.progress.expect({
        files: this.#before.files + expected.files,
        bytes: this.#before.bytes + expected.bytes,
      });
      for (const batch of cutBatches(plan, () => next++, sizes)) {
        if (this.#hasFailed(target)) break;
        yield batch;
      }
    }
  }

  async #stageAll(group: readonly LandedBatch[]): Promise<void> {
    const { signal } = this.#workspace;
    // Of files that are not fetched for now there is nothing new to say.
    const told = group.filter(
      ({ landed, failures, notes, givenUp }) => landed.length + failures.length + notes.length > 0 || givenUp,
    );
    const stages = new Map(
      told.map((batch) => [batch, new BatchStage(this.#workspace, this.#source, this.#stager, batch)]),
    );
    try {
      signal?.throwIfAborted();
      const ready = told.filter(({ spec }) => !this.#hasFailed(spec));
      if (ready.length > 1) {
        this.#workspace.reporter.progress.activity(`staging ${ready.length} feeds`);
        const own = ready.map((batch) => stages.get(batch) as BatchStage);
        await stageTogether(this.#workspace, this.#stager, own).catch((error) => {
          const end = fatal(error, signal);
          if (end !== undefined) throw end;
        });
      }
      for (const [batch, stage] of stages) await this.#stage(batch, stage);
    } finally {
      await Promise.all(group.flatMap(({ landed }) => landed.map((file) => file.remove())));
    }
  }

  async #stage({ spec, givenUp }: LandedBatch, stage: BatchStage): Promise<void> {
    const { signal, reporter } = this.#workspace;
    try {
      signal?.throwIfAborted();
      // One that was fetched while the one before it failed: what is staged must not lie behind what is not.
      if (this.#hasFailed(spec)) return;
      reporter.progress.activity(`staging ${spec.group}.${spec.feed}`);
      this.#done.changed = true;
      const done = await stage.run();
      this.#add(done);
      if (done.error !== undefined) throw done.error;
      if (givenUp) this.#fail(spec, givenUp);
    } catch (error) {
      await this.#failIfOfFeed(spec, error);
    }
  }

  #add({ staged, failures }: StagedBatch): void {
    const done = this.#done;
    const { files, bytes, rows, rejected } = sumOf(staged);
    done.files += files;
    done.bytes += bytes;
    done.rows += rows;
    done.rejected += rejected;
    done.failedFiles += failures.length;
  }

  #misfit({ path, reason }: FoundMisfit): boolean {
    if (this.#isIgnored(path)) return false;
    this.#misfits.push({
      source: this.#source.name,
      path,
      reason,
      first_seen_at: this.#workspace.clock(),
    });
    return true;
  }

  async #recordMisfits(): Promise<void> {
    const { session, reporter } = this.#workspace;
    const { name } = this.#source;
    const fresh = await recordMisfits(session, name, this.#misfits, (path) => this.#coverage.covers(path));
    for (const { path, reason } of await toldMisfits(session, this.#source, fresh)) {
      reporter.warn(`passed over ${path}: ${reason}`, { source: name, path });
    }
  }
}

/** A source of which nothing was done yet. */
export function nothingDone(source: string): SourceResult {
  return {
    source,
    expected: { files: 0, bytes: 0 },
    files: 0,
    bytes: 0,
    rows: 0,
    rejected: 0,
    failedFiles: 0,
    failedFeeds: [],
    listedWhole: [],
    found: [],
    changed: false,
    planned: [],
  };
}
