import type { z } from 'zod';
import type { Limits } from '../limits.ts';

/**
 * The contract of a connector: code that lists and opens files in one kind of place.
 *
 * A new one is one file that exports a `ConnectorDefinition`, and one line in `index.ts`.
 * `test/connectors/contract.ts` is the suite that every connector passes, against a real server.
 *
 * Paths are relative to the source's root, use `/`, and are as the vendor lays them out:
 * `convos_metrics/version=1/format=jsonl/dt=2026-01-31/hr=07/convos_metrics.jsonl`. They come from the place: one may
 * hold any character, and `..`, so none is a path on this machine until it was looked at.
 */

/** A file as a listing shows it. */
export interface ListedFile {
  path: string;
  /** Size in bytes, as stored (compressed, encrypted). */
  bytes: number;
  /**
   * Changes whenever the bytes do: S3's ETag without its quotes, or the modification time where there is none.
   * Compared for equality, never interpreted.
   */
  etag: string;
  /** Why it cannot be fetched as it is listed; left out otherwise. Continues "FILE cannot be fetched: ". */
  problem?: string;
}

/** What one folder holds, one level deep. */
export type Entry =
  | { kind: 'folder'; name: string }
  | ({
      kind: 'file';
      name: string;
      /** When it was last changed; left out where the place does not say. Only tells files of one day apart. */
      modified?: Date;
    } & ListedFile);

export interface FetchOptions {
  /** Ends the fetch, which then rejects with the signal's reason; `partial` keeps what came. */
  signal?: AbortSignal;
  /** Called with the number of bytes that arrived since the last call. */
  onBytes?: (count: number) => void;
}

/** The signal and the limits for everything that a connector does. */
export interface Bounds {
  /** Ends listings, too, which then reject with the signal's reason. */
  signal?: AbortSignal;
  /** Left out: the usual ones. */
  limits?: Limits;
}

export interface Connector extends AsyncDisposable {
  /** Where this is, for people: `s3://bucket/prefix`. Never holds a secret. */
  readonly location: string;
  /** `marker`: complete once `_SUCCESS` is there. `always`: whatever is listed is complete. */
  readonly seal: 'marker' | 'always';

  /**
   * The contents of the folder `path`, one level deep; `''` is the root. Streamed and paged, in no particular order. A
   * folder that does not exist yields nothing.
   * @throws SourceError when the place cannot be reached or refuses us
   */
  entries(path: string): AsyncIterable<Entry>;

  /**
   * Every file below the folder `path`, at any depth. Streamed and paged, in no particular order.
   * @param from skips children of `path` whose name sorts before it, without listing them: `dt=2026-01-01` leaves out
   *   the days before.
   * @param known files as they were last listed, by path: a place that needs a request for each file can ask whether it
   *   has changed since
   * @throws SourceError when the place cannot be reached or refuses us
   */
  files(
    path: string,
    from?: string,
    known?: Pick<ReadonlyMap<string, ListedFile>, 'get'>,
  ): AsyncIterable<ListedFile>;

  /**
   * Fetches `file` into the local file `partial`, whose folder exists. When `partial` already holds a beginning of the
   * file, fetching resumes there; a `partial` that is longer than the file is emptied first. Whether the beginning is
   * of another version of the file can only be told where the place keeps a checksum, so callers use a `partial` of its
   * own for each path, size and etag. On return `partial` is complete: its size is `file.bytes`, and it matches the
   * checksum where the place keeps one.
   * @throws FileError when the file is not, or no longer, the one that was listed, or does not arrive whole; a
   *   beginning that cannot be trusted has then been removed
   * @throws SourceError when the place cannot be reached, after retries; `partial` keeps what came
   */
  fetch(file: ListedFile, partial: string, options?: FetchOptions): Promise<void>;

  /**
   * The file's path on this machine: it is then read in place instead of fetched. Connectors to other machines leave
   * this out.
   */
  localPath?(file: ListedFile): string;
}

/** What a connector learns from the configuration besides its own keys. */
interface SourceContext {
  /** The source's name in `warehouse.yaml`. */
  name: string;
  company?: string;
  environment?: string;
  /** The folder that `warehouse.yaml` lies in; relative paths start there. */
  directory: string;
}

export interface ConnectorDefinition<Input = unknown, Options = unknown> {
  /** The value of `connector:`. */
  readonly name: string;
  /** The keys it understands beside `connector`, `group`, `feeds`; each with a description, for the JSON Schema. */
  readonly keys: z.ZodObject;
  /** The group of its feeds where the configuration does not say and the source's name is not a known group. */
  readonly defaultGroup: string;
  /** How often such a place is listed whole by default, as `7d`; left out: as the file says. */
  readonly fullListing?: string;
  /** Minutes between deliveries, where the place decides that; left out: each feed has its own cadence. */
  readonly deliveryMinutes?: number;
  /** Which of `keys` hold secrets: their values are redacted everywhere. */
  readonly secrets: readonly (keyof Input & string)[];
  /**
   * Completes the keys from the rest of the configuration, such as a bucket's name from company and environment. Pure.
   * @returns the options that `open` takes, or what is wrong, by key
   */
  resolve(input: Input, context: SourceContext): Options | { problems: { key: string; message: string }[] };
  /** Connects. Loads its client library only now, so that other sources do not pay for it. */
  open(options: Options, bounds?: Bounds): Promise<Connector>;
  /** Warnings about options that work, such as that others can read what is sent; left out: none. */
  warnings?(options: Options): string[];
  /** The folder on this machine whose files are read in place; left out by connectors that fetch. */
  folder?(options: Options): string;
  /** The server that connections go to, for `debug`; left out by connectors to this machine. */
  server?(options: Options): Server;
  /**
   * Asks the server for its health, for `debug`; left out where it has no such call.
   * @throws SourceError when it does not answer
   */
  health?(options: Options): Promise<Health>;
}

export interface Server {
  host: string;
  port: number;
  /** Whether a connection begins with TLS. */
  tls: boolean;
}

/** What a server says about its health. */
export interface Health {
  /** `refused`: these credentials may not ask; that says nothing about the feeds. */
  state: 'success' | 'failed' | 'refused';
  /** What was answered, for people. */
  detail: string;
}

/** The server of an `http:` or `https:` address. */
export function serverOf(url: string): Server {
  const { hostname, port, protocol } = new URL(url);
  const tls = protocol === 'https:';
  // URLs write an IPv6 address in brackets.
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (tls ? 443 : 80), tls };
}
