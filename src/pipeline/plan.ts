import type { Source } from '../config/config.ts';
import type { Connector } from '../connectors/connector.ts';
import type { FeedSpec } from '../feeds/catalogue.ts';
import { startOfDay } from '../feeds/paths.ts';
import { openFailures } from '../ledger/files.ts';
import { type Known, type KnownFile, readKnown } from '../ledger/known.ts';
import { type Progress, progressOf } from '../ledger/partitions.ts';
import type { Partition } from '../ledger/tables.ts';
import { compare } from './compare.ts';
import { type FoundMisfit, type FoundPartition, findPartitions, type Target } from './discover.ts';
import type { LoadContext, LoadOptions } from './load-context.ts';

/** What is to be loaded of one partition. */
export interface PlannedPartition {
  found: FoundPartition;
  /** New and changed files. */
  files: FoundPartition['files'];
  /** Staged files whose rows go. */
  replaces: KnownFile[];
  /** Staged files that stay. */
  kept: KnownFile[];
  noted: Partition | undefined;
}

/** What is to be done about one feed of a source. */
export interface Plan {
  spec: FeedSpec;
  /** Partitions that have nothing to load and whose state the ledger does not know. */
  notes: Partition[];
  loads: PlannedPartition[];
}

const DAY_MS = 86_400_000;

/** From which day on a feed is listed, and which older folders are looked at beside. */
interface Reach {
  since: Date | undefined;
  /** Partitions from before `since` that were seen and are not loaded yet, or not again. */
  pending: string[];
}

/** Compares what listings of a source show with what the ledger knows. */
export class Planner {
  readonly #context: LoadContext;
  readonly #options: LoadOptions;
  readonly #source: Source;
  readonly #connector: Connector;
  readonly #onMisfit: (misfit: FoundMisfit) => void;
  /** Files that could not be staged by an earlier run, and that their partition has no more. */
  readonly gone: string[] = [];
  #failing: string[] = [];
  #reaches = new Map<Target, Reach>();
  #known: Known = { files: new Map(), byPath: new Map(), partitions: new Map() };

  constructor(
    context: LoadContext,
    options: LoadOptions,
    source: Source,
    connector: Connector,
    onMisfit: (misfit: FoundMisfit) => void,
  ) {
    this.#context = context;
    this.#options = options;
    this.#source = source;
    this.#connector = connector;
    this.#onMisfit = onMisfit;
  }

  /** Reads from the ledger what the plans of these targets need. */
  async prepare(targets: readonly Target[]): Promise<void> {
    const { reader } = this.#context;
    const progress = await progressOf(reader, this.#source.name);
    for (const target of targets) {
      this.#reaches.set(target, this.#reach(progress.get(`${target.feed}/${target.version}`)));
    }
    // Of a feed with unfinished partitions before the listing begins, the older ones must be known, too.
    const horizons = [...this.#reaches].map(([{ feed, version }, { since, pending }]) => ({
      ...{ feed, version, since: pending.length > 0 ? undefined : since },
    }));
    this.#known = await readKnown(reader, this.#source.name, horizons);
    this.#failing = (await openFailures(reader, this.#source.name)).map(({ path }) => path);
  }

  /** @param target one of those that were prepared */
  async plan(target: Target): Promise<Plan> {
    const { catalogue } = this.#context;
    const { since, pending } = this.#reaches.get(target) ?? { since: undefined, pending: [] };
    const spec = catalogue.feed(this.#source.group, target.feed, target.version) ?? {
      ...{ group: this.#source.group, feed: target.feed, version: target.version, description: '' },
      ...{ columns: [], key: [], orderBy: [], cadenceMinutes: undefined },
    };
    const plan: Plan = { spec, notes: [], loads: [] };
    const known = this.#known.byPath;
    const look = async (from: Date | undefined, path = target.path) => {
      const partitions = findPartitions(this.#connector, target, from, this.#onMisfit, { path, known });
      for await (const found of partitions) this.#judge(plan, found);
    };
    for (const path of pending) await look(undefined, path);
    await look(since);
    // Listings of folders come in any order; rows of neighbouring hours are best stored side by side.
    plan.loads.sort((a, b) => a.found.key.time.getTime() - b.found.key.time.getTime());
    return plan;
  }

  #reach(progress: Progress | undefined): Reach {
    if (this.#options.since) return { since: this.#options.since, pending: [] };
    if (this.#options.fullRefresh || !progress) return { since: undefined, pending: [] };
    const since = startOfDay(new Date(progress.newest.getTime() - this.#context.lookBackDays * DAY_MS));
    const pending = progress.unfinished.filter(({ time }) => time < since).map(({ path }) => path);
    return { since, pending };
  }

  #judge(plan: Plan, found: FoundPartition): void {
    for (const path of this.#failing) {
      const isOfPartition = path.slice(0, path.lastIndexOf('/')) === found.key.path;
      if (isOfPartition && !found.files.some(({ listed }) => listed.path === path)) this.gone.push(path);
    }
    const before = this.#known.files.get(found.key.path) ?? [];
    const noted = this.#known.partitions.get(found.key.path);
    const { until, fullRefresh } = this.#options;
    if (until && found.key.time.getTime() >= until.getTime() + DAY_MS) return;
    const verdict = compare(found, before, noted, fullRefresh);
    if (verdict.kind === 'note') {
      const rows = before.reduce((sum, file) => sum + file.rows_staged, 0);
      plan.notes.push(
        partitionRow(this.#source, plan.spec, { found, noted }, verdict.state, rows, this.#context.clock()),
      );
    } else if (verdict.kind === 'load') {
      const kept = before.filter((file) => !verdict.replaces.includes(file));
      plan.loads.push({ found, files: verdict.files, replaces: verdict.replaces, kept, noted });
    }
  }
}

/** How a partition stands, for the ledger. */
export function partitionRow(
  source: Source,
  spec: FeedSpec,
  { found, noted }: Pick<PlannedPartition, 'found' | 'noted'>,
  state: Partition['state'],
  rows: number,
  now: Date,
): Partition {
  return {
    source: source.name,
    feed_group: spec.group,
    feed: spec.feed,
    version: spec.version,
    partition_ts: found.key.time,
    path: found.key.path,
    state,
    files: found.files.length,
    rows,
    sealed_at: found.sealed ? (noted?.sealed_at ?? now) : null,
    loaded_at: state === 'loaded' || state === 'empty' ? now : (noted?.loaded_at ?? null),
  };
}
