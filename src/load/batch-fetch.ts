import pMap from 'p-map';
import type { Source } from '../config/config.ts';
import type { Connector } from '../connectors/connector.ts';
import { SourceError } from '../errors.ts';
import type { FeedSpec } from '../feeds/catalogue.ts';
import { openFileFailures } from '../ledger/files.ts';
import type { FileFailure } from '../ledger/tables.ts';
import { asFileError, fatal } from '../warehouse/scope.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { mustAnswer } from './answering.ts';
import { fetchedAgainAt } from './back-off.ts';
import { BATCH_BYTES, type WantedBatch } from './batches.ts';
import { type Decryptor, decryptorFor } from './decrypt/decrypt.ts';
import type { FailedFile, LandedFile, WantedFile } from './file.ts';
import { UnreadableFile } from './inspect.ts';
import type { LoadRun } from './load-run.ts';
import { Room } from './room.ts';
import { SMALL_BYTES } from './small.ts';

/** A batch whose files have been fetched, as far as they could be. */
export interface LandedBatch extends WantedBatch {
  landed: LandedFile[];
  failures: FailedFile[];
  /** Why the rest of its files, and of its feed, was not asked for. */
  givenUp?: SourceError;
}

/** Files that are fetched at the same time. */
const FETCHES = 8;

/**
 * After so many files in a row that the source does not hand out, though it answers otherwise, the rest of the feed is
 * left for the next run: each file costs the connector's whole patience. Twice as many as are asked for at once, so
 * that one bad moment of the network is not enough.
 */
const MAX_REFUSED = 2 * FETCHES;

/** Batches that are fetched, or are here and not yet staged: of small ones so many that no fetch waits for its turn. */
export const BATCHES_AHEAD = FETCHES;
/** Bytes of text that are here or on their way at once, the batch that is staged among them: they need so much disk. */
const BYTES_AHEAD = 2 * BATCH_BYTES;

/** What a feed that is fetched has come to. */
interface Patience {
  /** Files in a row that were not handed out. */
  refused: number;
  givenUp?: SourceError;
}

/** Fetches the files of one source, batch by batch, several batches at a time. */
export class BatchFetch {
  readonly #workspace: Workspace;
  readonly #run: LoadRun;
  readonly #source: Source;
  readonly #connector: Connector;
  readonly #decryptor: Decryptor | undefined;
  /** By path. */
  #failing: Promise<Map<string, FileFailure>> | undefined;
  readonly #stop = new AbortController();
  readonly #until: AbortSignal;
  /** By feed. */
  readonly #patience = new Map<FeedSpec, Patience>();
  readonly #fetches = new Room(FETCHES);
  readonly #ahead = new Room(BYTES_AHEAD);
  /** Of the batches that are on their way, in order. */
  readonly #stops = new Set<AbortController>();
  /** What ended one of them: those after it are not begun. */
  #end: { error: unknown } | undefined;
  readonly #running = new Set<Promise<unknown>>();
  /** How many were begun: the files of the earlier ones go first. */
  #begun = 0;

  constructor(workspace: Workspace, run: LoadRun, source: Source, connector: Connector) {
    this.#workspace = workspace;
    this.#run = run;
    this.#source = source;
    this.#connector = connector;
    this.#decryptor = source.decrypt && decryptorFor(source.decrypt, workspace.redact);
    const { signal } = workspace;
    this.#until = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
  }

  /** Ends what is on the way, and waits until it has: nobody takes it any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running);
  }

  /**
   * Fetches a batch, once there is room for it: {@link BatchFetch.done} makes some. To be called in the order in which
   * batches are staged.
   * @throws SourceError when the source answers nothing any more; what ends the run. Nothing of the batch is left then
   */
  fetch(batch: WantedBatch): Promise<LandedBatch> {
    const running = this.#fetchAll(batch);
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  }

  /** Ends a batch and those after it. Those before it may still come whole, and are staged. */
  #stopFrom(first: AbortController, error: unknown): void {
    this.#end ??= { error };
    const stops = [...this.#stops];
    for (const stop of stops.slice(stops.indexOf(first))) stop.abort(error);
  }

  /** Says that the files of a batch that was fetched lie here no longer. */
  done(batch: LandedBatch): void {
    this.#ahead.leave(roomFor(batch));
  }

  async #fetchAll(batch: WantedBatch): Promise<LandedBatch> {
    await this.#ahead.enter(roomFor(batch), this.#until);
    if (this.#end) throw this.#end.error;
    const stop = new AbortController();
    this.#stops.add(stop);
    try {
      return await this.#workspace.timings.during('fetching', () => this.#fetchUntil(batch, stop));
    } finally {
      this.#stops.delete(stop);
    }
  }

  async #fetchUntil(batch: WantedBatch, stop: AbortController): Promise<LandedBatch> {
    const { reporter } = this.#workspace;
    const until = AbortSignal.any([this.#until, stop.signal]);
    reporter.progress.activity(`fetching ${batch.spec.group}.${batch.spec.feed}`);
    const result: LandedBatch = { ...batch, landed: [], failures: [] };
    const rank = this.#begun++;
    const patience = this.#patience.get(batch.spec) ?? { refused: 0 };
    this.#patience.set(batch.spec, patience);
    const fetchOne = async (file: WantedFile) => {
      if (until.aborted || patience.givenUp) return;
      try {
        if (await this.#waits(file)) return;
        result.landed.push(await this.#land(file, until));
        patience.refused = 0;
      } catch (error) {
        if (until.aborted) return;
        result.failures.push({ file, ...(await this.#ofFile(file, error)) });
        if (!(error instanceof SourceError)) return;
        patience.refused += 1;
        if (patience.refused >= MAX_REFUSED) patience.givenUp ??= error;
      }
    };
    const inTurn = async (file: WantedFile) => {
      await this.#fetches.enter(1, until, rank);
      await fetchOne(file).finally(() => this.#fetches.leave(1));
    };
    // Those that are on the way when something ends them all are waited for: they must not land behind our back.
    await pMap(
      batch.partitions.flatMap(({ wanted }) => wanted),
      (file) => inTurn(file).catch((error) => this.#stopFrom(stop, error)),
      // One more than can be fetched: it waits, so that none of another batch goes before it.
      { concurrency: FETCHES + 1 },
    );
    if (!until.aborted) return { ...result, givenUp: patience.givenUp };
    await Promise.all(result.landed.map((file) => file.remove()));
    throw until.reason;
  }

  #land(file: WantedFile, signal: AbortSignal): Promise<LandedFile> {
    const { reporter, config } = this.#workspace;
    return this.#run.landing.land(this.#connector, file, {
      decryptor: this.#decryptor,
      onBytes: (count) => reporter.progress.fetched(count),
      limits: config.limits,
      signal,
    });
  }

  /** @throws what is not the affair of this file alone */
  async #ofFile(file: WantedFile, error: unknown): Promise<Omit<FailedFile, 'file'>> {
    const { signal } = this.#workspace;
    const end = fatal(error, signal);
    if (end !== undefined) throw end;
    if (error instanceof SourceError) await mustAnswer(this.#connector, error, signal);
    const isFetched = this.#connector.localPath === undefined;
    const fingerprint =
      error instanceof UnreadableFile && isFetched ? await this.#fingerprint(file) : undefined;
    return { error: asFileError(file.path, error), fingerprint };
  }

  /** Of how a file is read. Keys that cannot be opened have none: then no file is fetched either. */
  async #fingerprint({ name }: WantedFile): Promise<string | undefined> {
    if (!name.encrypted) return 'gzip';
    return this.#decryptor?.fingerprint().catch(() => undefined);
  }

  /** Whether a file that could not be read is left alone for now: nothing about it has changed, see `back-off.ts`. */
  async #waits(file: WantedFile): Promise<boolean> {
    const { reader, clock, reporter } = this.#workspace;
    const { fullRefresh, since, feed } = this.#run.options;
    // Whoever names a feed or a day asks for it now.
    if (fullRefresh || since !== undefined || feed !== undefined) return false;
    this.#failing ??= openFileFailures(reader, this.#source.name).then(
      (failures) => new Map(failures.map((failure) => [failure.path, failure])),
    );
    const failure = (await this.#failing).get(file.path);
    const fingerprint = failure?.fingerprint && (await this.#fingerprint(file));
    const again = fingerprint && fetchedAgainAt(failure, file, fingerprint, clock());
    if (!again) return false;
    const { path } = file;
    reporter.info(
      `${path} is not fetched again before ${again.toISOString()}: nothing about it has changed`,
      {
        source: this.#source.name,
        path,
      },
    );
    return true;
  }
}

/** Small ones take none: they lie here until others have come that they are staged with, see `together.ts`. */
function roomFor({ bytes }: WantedBatch): number {
  return bytes <= SMALL_BYTES ? 0 : bytes;
}
