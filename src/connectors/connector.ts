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
  /** Why it makes no sense to fetch it, as it is listed; left out where it does. Reads on from "FILE cannot be fetched: ". */
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

/** What ends and bounds all that a connector does. */
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
   * What the folder `path` holds, one level deep; `''` is the root. Streamed and paged, in no particular order.
   * A folder that is not there yields nothing.
   * @throws SourceError when the place cannot be reached or refuses us
   */
  entries(path: string): AsyncIterable<Entry>;

  /**
   * Every file below the folder `path`, however deep. Streamed and paged, in no particular order.
   * @param from skips whatever lies in children of `path` whose name sorts before it, without listing them:
   *   `dt=2026-01-01` leaves out the days before.
   * @param known files as they were listed last, by path: a place that must ask about each file may ask whether it has
   *   changed since
   * @throws SourceError when the place cannot be reached or refuses us
   */
  files(
    path: string,
    from?: string,
    known?: Pick<ReadonlyMap<string, ListedFile>, 'get'>,
  ): AsyncIterable<ListedFile>;

  /**
   * Brings the bytes of `file` into the local file `partial`, whose folder is there. When `partial` already holds a
   * beginning of it, fetching goes on from there; what is longer than the file is thrown away first. A beginning of
   * another version of the file shows only where the place keeps a checksum: whoever calls gives each path, size and
   * etag a `partial` of its own. On return `partial` is whole: its size is `file.bytes`, and it matches the checksum
   * wherever the place keeps one.
   * @throws FileError when the file is not, or no longer, the one that was listed, or does not arrive whole; a
   *   beginning that cannot be trusted has then been removed
   * @throws SourceError when the place cannot be reached, after retries; `partial` keeps what came
   */
  fetch(file: ListedFile, partial: string, options?: FetchOptions): Promise<void>;

  /**
   * Where the file lies on this machine, when it does: it is then read in place instead of fetched.
   * Connectors to other machines leave this out.
   */
  localPath?(file: ListedFile): string;
}

/** What a connector may know of the configuration around its own keys. */
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
  /** How often such a place is listed whole where the source does not say, as `7d`; left out: as the file says. */
  readonly fullListing?: string;
  /** Minutes from one delivery to the next, where that is the place's own matter; left out: each feed has its cadence. */
  readonly deliveryMinutes?: number;
  /** Which of `keys` hold secrets: their values are redacted everywhere. */
  readonly secrets: readonly (keyof Input & string)[];
  /**
   * Completes the keys from what is around them (a bucket's name from company and environment). Pure.
   * @returns the options `open` takes, or what is wrong, key by key
   */
  resolve(input: Input, context: SourceContext): Options | { problems: { key: string; message: string }[] };
  /** Connects. Loads its client library only now, so that other sources do not pay for it. */
  open(options: Options, bounds?: Bounds): Promise<Connector>;
  /** What a person should know of these options though they work, such as that others can read what is sent; left out: nothing. */
  warnings?(options: Options): string[];
  /** The folder on this machine whose files are read in place; left out by connectors that fetch. */
  folder?(options: Options): string;
  /** The server that connections go to, for `debug`; left out by connectors to this machine. */
  server?(options: Options): Server;
  /**
   * Asks the place how it is, for `debug`; left out where it cannot be asked.
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

/** What a place says of itself. */
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
  // An IPv6 address stands in brackets there.
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (tls ? 443 : 80), tls };
}
