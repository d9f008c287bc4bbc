import { hash } from 'node:crypto';
import pMap from 'p-map';
import type { Source } from '../config/config.ts';
import type { Connector } from '../connectors/connector.ts';
import { SourceError } from '../errors.ts';
import { type FeedSpec, undocumentedFeed } from '../feeds/catalogue.ts';
import { dayFolder } from '../feeds/paths.ts';
import { openFileFailures } from '../ledger/files.ts';
import {
  type KnownPartitions,
  type NotedPartition,
  readKnownPartitions,
} from '../ledger/known-partitions.ts';
import { feedProgress } from '../ledger/partitions.ts';
import type { Partition } from '../ledger/tables.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { compare, type GoneFiles } from './compare.ts';
import type { Coverage } from './coverage.ts';
import { findPartitions, type OnMisfit, type Target } from './discover.ts';
import type { LoadOptions } from './load-run.ts';
import { type FoundPartition, type PlannedPartition, partitionRow } from './partition.ts';
import { type Reach, reachOf } from './reach.ts';

/** What is to be done about one feed of a source. */
export interface Plan {
  spec: FeedSpec;
  /** Partitions that have nothing to load and whose state the ledger does not know. */
  notes: Partition[];
  loads: PlannedPartition[];
}

const DAY_MS = 86_400_000;

/** Folders that are listed at the same time beside the look-back of a feed. */
const BESIDE = 4;

const ALL: Reach = { since: undefined, whole: false, beside: [], times: [], days: [], lookBack: undefined };

/** Compares what listings of a source show with what the ledger knows. */
export class Planner {
  readonly #workspace: Workspace;
  readonly #options: LoadOptions;
  readonly #source: Source;
  readonly #connector: Connector;
  readonly #onMisfit: OnMisfit;
  readonly #coverage: Coverage;
  /** Files that could not be staged by an earlier run, and that their partition has no more. */
  readonly gone: string[] = [];
  #failing: string[] = [];
  readonly #reaches = new Map<Target, Reach>();
  #known: KnownPartitions = { files: new Map(), byPath: new Map(), partitions: new Map() };

  /** @param coverage is told what was listed */
  constructor(
    workspace: Workspace,
    options: LoadOptions,
    source: Source,
    connector: Connector,
    { onMisfit, coverage }: { onMisfit: OnMisfit; coverage: Coverage },
  ) {
    this.#workspace = workspace;
    this.#options = options;
    this.#source = source;
    this.#connector = connector;
    this.#onMisfit = onMisfit;
    this.#coverage = coverage;
  }

  /** Reads from the ledger what the plans of these targets need. */
  async prepare(targets: readonly Target[]): Promise<void> {
    const { reader, config, clock } = this.#workspace;
    const { lookBackDays } = config;
    const now = clock();
    const { name: source, fullListing = DAY_MS } = this.#source;
    const progress = await feedProgress(reader, source, { now, lookBackDays });
    for (const target of targets) {
      const of = progress.get(`${target.feed}/${target.version}`);
      const options = { ...this.#options, lookBackDays, fullListing, now, source };
      this.#reaches.set(target, reachOf(target, of, options));
    }
    const horizons = [...this.#reaches].map(([{ feed, version }, { since, times, days }]) => ({
      feed,
      version,
      since,
      times,
      days,
    }));
    this.#known = await readKnownPartitions(reader, this.#source.name, horizons);
    this.#failing = (await openFileFailures(reader, this.#source.name)).map(({ path }) => path);
  }

  /** @param target one of those that were prepared */
  async plan(target: Target): Promise<Plan> {
    const { catalogue } = this.#workspace;
    const reach = this.#reaches.get(target) ?? ALL;
    const feed = [this.#source.group, target.feed, target.version] as const;
    const spec = catalogue.feed(...feed) ?? undocumentedFeed(...feed);
    const plan: Plan = { spec, notes: [], loads: [] };
    const known = this.#known.byPath;
    const seen = new Map<string, string>();
    const look = async (from: Date | undefined, path = target.path) => {
      const partitions = findPartitions(this.#connector, target, from, this.#onMisfit, { path, known });
      for await (const found of partitions) if (!isRepeated(found, seen)) this.#judge(plan, found, reach);
      this.#coverage.tree(path, from && dayFolder(from));
    };
    await pMap(reach.beside, (path) => look(undefined, path), { concurrency: BESIDE });
    await look(reach.since);
    // Listings of folders come in any order; rows of neighbouring hours are best stored side by side.
    plan.loads.sort((a, b) => a.key.time.getTime() - b.key.time.getTime());
    return plan;
  }

  /** Whether all there is of a target was listed by its plan. */
  isWhole(target: Target): boolean {
    return this.#reaches.get(target)?.whole ?? false;
  }

  /**
   * Whoever tidies old exports away takes one file after the other: of a partition from before the look-back, files must be
   * gone for a day, and others still be there, before that is taken for a new export.
   */
  #goneFiles({ key }: FoundPartition, noted: NotedPartition | undefined, { lookBack }: Reach): GoneFiles {
    if (this.#connector.seal === 'always') return 'keep';
    if (lookBack !== undefined && key.time >= lookBack) return 'replace';
    const since = noted?.files_gone_at;
    return since && this.#workspace.clock().getTime() - since.getTime() >= DAY_MS ? 'replace' : 'wait';
  }

  #judge(plan: Plan, found: FoundPartition, reach: Reach): void {
    for (const path of this.#failing) {
      const isOfPartition = path.slice(0, path.lastIndexOf('/')) === found.key.path;
      if (isOfPartition && !found.files.some((file) => file.path === path)) this.gone.push(path);
    }
    const before = this.#known.files.get(found.key.path) ?? [];
    const noted = this.#known.partitions.get(found.key.path);
    const { until, fullRefresh } = this.#options;
    if (until && found.key.time.getTime() >= until.getTime() + DAY_MS) return;
    const gone = this.#goneFiles(found, noted, reach);
    const verdict = compare(found, before, noted, { again: fullRefresh, gone });
    if (verdict.kind === 'note') {
      const rows = before.reduce((sum, file) => sum + file.rows_staged, 0);
      const now = this.#workspace.clock();
      const row = partitionRow(this.#source.name, plan.spec, { ...found, noted }, verdict.state, rows, now);
      // Only files that are gone reopen a partition that has nothing to load.
      if (verdict.state === 'reopened') row.files_gone_at = now;
      plan.notes.push(row);
    } else if (verdict.kind === 'load') {
      const kept = before.filter((file) => !verdict.replaces.includes(file));
      plan.loads.push({ ...found, wanted: verdict.files, replaces: verdict.replaces, kept, noted });
    }
  }
}

/**
 * Whether a partition was met before in this plan: a listing that says everything twice says it once. One that says something
 * else the second time is not to be believed, and files that were met twice would be staged twice.
 * @param seen what was met so far, by folder
 */
function isRepeated({ key, sealed, files }: FoundPartition, seen: Map<string, string>): boolean {
  const what = files.map(({ path, bytes, etag }) => JSON.stringify([path, bytes, etag])).sort();
  const print = hash('sha256', `${sealed} ${what}`, 'base64');
  const before = seen.get(key.path);
  seen.set(key.path, print);
  if (before === undefined) return false;
  if (before === print) return true;
  throw new SourceError(`the listing names ${key.path} in two places, and not the same files`, {
    hint: 'Ask those who run the place; the next run lists it again.',
  });
}
