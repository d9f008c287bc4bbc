import pMap from 'p-map';
import type { Source } from '../config/config.ts';
import type { Connector } from '../connectors/connector.ts';
import { SourceError } from '../errors.ts';
import { openFileFailures } from '../ledger/files.ts';
import type { FileFailure } from '../ledger/tables.ts';
import { asFileError, fatal } from '../warehouse/scope.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { mustAnswer } from './answering.ts';
import { fetchedAgainAt } from './back-off.ts';
import type { WantedBatch } from './batches.ts';
import { type Decryptor, decryptorFor } from './decrypt/decrypt.ts';
import type { FailedFile, LandedFile, WantedFile } from './file.ts';
import { UnreadableFile } from './inspect.ts';
import type { LoadRun } from './load-run.ts';

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

/** Fetches the files of one source, batch by batch. */
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
  #running: Promise<unknown> = Promise.resolve();

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
    await this.#running.catch(() => {});
  }

  /** @throws SourceError when the source answers nothing any more; what ends the run. Nothing of the batch is left then */
  fetch(batch: WantedBatch): Promise<LandedBatch> {
    const running = this.#workspace.timings.during('fetching', () => this.#fetchAll(batch));
    this.#running = running;
    return running;
  }

  async #fetchAll(batch: WantedBatch): Promise<LandedBatch> {
    const { reporter } = this.#workspace;
    reporter.progress.activity(`fetching ${batch.spec.group}.${batch.spec.feed}`);
    const result: LandedBatch = { ...batch, landed: [], failures: [] };
    let refused = 0;
    const fetchOne = async (file: WantedFile) => {
      if (this.#until.aborted || result.givenUp) return;
      try {
        if (await this.#waits(file)) return;
        result.landed.push(await this.#land(file));
        refused = 0;
      } catch (error) {
        if (this.#until.aborted) return;
        result.failures.push({ file, ...(await this.#ofFile(file, error)) });
        if (!(error instanceof SourceError)) return;
        refused += 1;
        if (refused >= MAX_REFUSED) result.givenUp ??= error;
      }
    };
    // Those that are on the way when something ends them all are waited for: they must not land behind our back.
    await pMap(
      batch.partitions.flatMap(({ wanted }) => wanted),
      (file) => fetchOne(file).catch((error) => this.#stop.abort(error)),
      { concurrency: FETCHES },
    );
    if (!this.#until.aborted) return result;
    for (const file of result.landed) await file.remove();
    throw this.#until.reason;
  }

  #land(file: WantedFile): Promise<LandedFile> {
    const { reporter, config } = this.#workspace;
    return this.#run.landing.land(this.#connector, file, {
      decryptor: this.#decryptor,
      onBytes: (count) => reporter.progress.fetched(count),
      limits: config.limits,
      signal: this.#until,
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
