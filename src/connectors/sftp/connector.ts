import { Readable } from 'node:stream';
import { SourceError } from '../../errors.ts';
import { DEFAULT_LIMITS, limitText } from '../../limits.ts';
import type { Bounds, Connector, Entry, FetchOptions, ListedFile } from '../connector.ts';
import { changedError, receive } from '../partial.ts';
import { backOff, type Patience } from '../retry.ts';
import { type ConnectionOptions, SftpConnection } from './connection.ts';
import { explainRequest } from './errors.ts';
import { etagOf, folder, unlessMissing } from './folders.ts';
import { type Attributes, abortable, hasStatus, STATUS } from './session.ts';
import { walk } from './walk.ts';

export interface SftpOptions extends ConnectionOptions {
  /** The folder on the server that holds the feeds. */
  root: string;
}

/** How many folders are listed at once: each takes two round trips to the server. */
const FOLDERS_AT_ONCE = 32;

export class SftpConnector implements Connector {
  readonly seal = 'marker';
  readonly location: string;
  readonly #options: SftpOptions;
  readonly #patience: Patience;
  readonly #bounds: Bounds;
  readonly #connection: SftpConnection;

  constructor(options: SftpOptions, patience: Patience, bounds: Bounds = {}) {
    const { host, port, username, root } = options;
    this.location = `sftp://${username}@${host}${port === 22 ? '' : `:${port}`}/${root.replace(/^\/+/, '')}`;
    this.#options = options;
    this.#patience = patience;
    this.#bounds = bounds;
    this.#connection = new SftpConnection(options, patience);
  }

  async *entries(path: string): AsyncGenerator<Entry> {
    for await (const entries of this.#list(path)) yield* entries;
  }

  files(path: string, from?: string): AsyncGenerator<ListedFile> {
    return walk((each) => this.#list(each), path, from, FOLDERS_AT_ONCE);
  }

  async fetch(file: ListedFile, partial: string, options?: FetchOptions): Promise<void> {
    const path = this.#locate(file.path);
    await receive(
      {
        file,
        partial,
        read: async (start, signal) =>
          Readable.from(this.#bytes(file, path, start, signal), { objectMode: false }),
        explain: (error) =>
          hasStatus(error, STATUS.noSuchFile)
            ? changedError(file, 'removed')
            : explainRequest(error, this.#options, path),
        // There is no checksum, so an unchanged time and size have to do.
        verify: async () => requireUnchanged(file, await this.#stat(path)),
      },
      options,
      this.#patience,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  /** @throws SourceError when the source's root is not a folder on the server */
  async requireRoot(): Promise<void> {
    const { root, host } = this.#options;
    const found = await this.#stat(root);
    if (found?.isDirectory()) return;
    throw new SourceError(
      found ? `${root} on ${host} is not a folder` : `there is no folder ${root} on ${host}`,
      {
        hint: 'Set root of this source in warehouse.yaml to the folder that holds the feeds.',
      },
    );
  }

  /** The contents of a folder, piece by piece; continues over a new connection when the present one is lost. */
  async *#list(path: string): AsyncGenerator<Entry[]> {
    if (path === '') await this.requireRoot();
    // Listing a folder again starts from its beginning, so entries that were seen are skipped.
    const seen = new Set<string>();
    const { signal, limits = DEFAULT_LIMITS } = this.#bounds;
    for (let pages = 0, failures = 0; ; ) {
      const before = seen.size;
      try {
        const session = await this.#untilStopped(this.#connection.session());
        for await (const entries of folder(session, (each) => this.#locate(each), path, signal)) {
          pages += 1;
          if (pages > limits.listing_pages)
            throw new SourceError(
              `the listing of ${this.#locate(path)} does not end within ${limitText(limits, 'listing_pages')} pages`,
            );
          const fresh = entries.filter(({ name }) => !seen.has(name));
          for (const { name } of fresh) seen.add(name);
          if (fresh.length > 0) yield fresh;
        }
        return;
      } catch (error) {
        failures = seen.size > before ? 1 : failures + 1;
        await this.#beforeRetry(error, failures, this.#locate(path));
      }
    }
  }

  async #stat(path: string): Promise<Attributes | undefined> {
    for (let failures = 1; ; failures++) {
      try {
        const session = await this.#untilStopped(this.#connection.session());
        return await unlessMissing(this.#untilStopped(session.stat(path)));
      } catch (error) {
        await this.#beforeRetry(error, failures, path);
      }
    }
  }

  async #untilStopped<T>(request: Promise<T>): Promise<T> {
    const { signal } = this.#bounds;
    return signal ? abortable(request, signal) : request;
  }

  /**
   * Waits before another attempt, or throws the explained error when another attempt is of no use. Our own errors are
   * always final here.
   */
  async #beforeRetry(error: unknown, failures: number, path: string): Promise<void> {
    const { signal } = this.#bounds;
    signal?.throwIfAborted();
    const failure = explainRequest(error, this.#options, path);
    const isFinal = failure === error || !failure.retryable;
    if (isFinal || failures >= this.#patience.attempts) throw failure;
    await backOff(failures, this.#patience, signal);
  }

  async *#bytes(file: ListedFile, path: string, start: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const session = await abortable(this.#connection.session(), signal);
    const opening = session.openFile(path);
    try {
      const [handle, found] = await abortable(Promise.all([opening, session.stat(path)]), signal);
      requireUnchanged(file, found);
      yield* session.read(handle, start, file.bytes, signal);
    } finally {
      opening.then(
        (handle) => session.release(handle),
        () => {},
      );
    }
  }

  /** The path on the server. */
  #locate(path: string): string {
    const { root } = this.#options;
    if (path.split('/').includes('..')) throw new SourceError(`${path} leads out of ${root}`);
    if (path === '') return root;
    return root.endsWith('/') ? root + path : `${root}/${path}`;
  }
}

function requireUnchanged(file: ListedFile, found: Attributes | undefined): void {
  if (!found?.isFile()) throw changedError(file, 'removed');
  if (found.size !== file.bytes || etagOf(found) !== file.etag) throw changedError(file, 'replaced');
}
