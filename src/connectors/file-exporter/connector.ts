import { pMapIterable, pMapSkip } from 'p-map';
import type { Bounds, Connector, Entry, FetchOptions, Health, ListedFile } from '../connector.ts';
import { type Access, Api } from './api.ts';
import { type Clock, systemClock } from './clock.ts';
import { AnswerError } from './failures.ts';
import { fetchFile } from './fetch.ts';
import { Http, type Timeouts } from './http.ts';
import { Links } from './links.ts';
import { type Found, Listings } from './listings.ts';
import { look } from './look.ts';
import { Md5Thread } from './md5-thread.ts';
import { Pace } from './pace.ts';

export interface Options extends Access {
  /** Requests to the API and to its storage together. */
  requestsPerSecond: number;
}

/** What is around the connector, for tests: a server of theirs, and its certificate; a clock that need not be waited for. */
export interface Surroundings extends Bounds {
  /** Certificates, as PEM, to trust in place of the usual ones. */
  ca?: string;
  clock?: Clock;
  timeouts?: Timeouts;
}

/** Files as they were listed earlier, by path. */
export type Known = Pick<ReadonlyMap<string, ListedFile>, 'get'>;

/** Files whose size and version are asked for at once. */
const LOOKS_AT_ONCE = 8;

/**
 * ASAPP's File Exporter API as a place with folders and files.
 *
 * Its lists tell neither size nor version. Each listed file therefore costs two small requests: one for a link, and one
 * for the first byte. A listing of D days of a feed whose days have I intervals (or none) and F files makes
 * `3 + D × (1 + max(I, 1)) + 2 × F` requests; a fetch makes two more for each file.
 */
export class FileExporter implements Connector {
  readonly location: string;
  readonly seal = 'always';
  readonly #http: Http;
  readonly #clock: Clock;
  readonly #listings: Listings;
  readonly #links: Links;
  readonly #checksums = new Md5Thread();
  readonly #signal: AbortSignal | undefined;

  constructor(options: Options, surroundings: Surroundings = {}) {
    const { clock = systemClock, signal } = surroundings;
    this.location = options.baseUrl;
    this.#signal = signal;
    this.#clock = clock;
    this.#http = new Http(new Pace(options.requestsPerSecond, clock), surroundings);
    const api = new Api(options, this.#http, clock, signal);
    this.#listings = new Listings(api);
    this.#links = new Links(api, this.#http, clock);
  }

  async *entries(path: string): AsyncGenerator<Entry> {
    const { folders, files } = await this.#listings.children(path);
    for (const name of folders) yield { kind: 'folder', name };
    for await (const file of this.#lookAll(files))
      yield { kind: 'file', name: file.path.slice(path.length + 1), ...file };
  }

  /** @param known is asked about with `If-None-Match`; other files without a condition */
  files(path: string, from?: string, known?: Known): AsyncIterable<ListedFile> {
    return this.#lookAll(this.#listings.files(path, from), known);
  }

  fetch(file: ListedFile, partial: string, options?: FetchOptions): Promise<void> {
    const from = {
      listings: this.#listings,
      links: this.#links,
      checksums: this.#checksums,
      clock: this.#clock,
    };
    return fetchFile(file, partial, from, options);
  }

  #lookAll(files: Iterable<Found> | AsyncIterable<Found>, known?: Known): AsyncIterable<ListedFile> {
    return pMapIterable(
      files,
      async (found) =>
        (await look(found, this.#links, this.#clock, known?.get(found.path), this.#signal)) ?? pMapSkip,
      { concurrency: LOOKS_AT_ONCE },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http[Symbol.dispose]();
    await this.#checksums[Symbol.asyncDispose]();
  }
}

/**
 * Asks whether the API says of itself that it is well: `GET /v1/health`.
 * @throws SourceError when it cannot be reached, or does not know these credentials
 */
export async function health(options: Options, surroundings: Surroundings = {}): Promise<Health> {
  const { clock = systemClock, signal } = surroundings;
  using http = new Http(new Pace(options.requestsPerSecond, clock), surroundings);
  try {
    const answer = await new Api(options, http, clock, signal).health();
    return { state: answer === 'SUCCESS' ? 'success' : 'failed', detail: String(answer) };
  } catch (error) {
    if (error instanceof AnswerError && error.status === 403)
      return { state: 'refused', detail: error.message };
    throw error;
  }
}
