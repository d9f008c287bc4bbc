import type { IncomingHttpHeaders } from 'node:http';

/** How the API writes its parameters. Feeds and file names have but one spelling. */
export interface Spelling {
  version: 'bare' | 'keyed';
  format: 'bare' | 'keyed';
  date: 'bare' | 'keyed';
  interval: 'bare' | 'keyed';
}

/** A request as it arrived. */
export interface Seen {
  method: string;
  /** Without the query, where a link has its signature. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  at: number;
}

/** An answer to give in place of the right one. */
export interface Mishap {
  /** The requests it is for. */
  path: RegExp;
  status: number;
  headers?: Record<string, string>;
  /** Left out: an error in the API's form. */
  body?: string;
}

export interface StoredFile {
  bytes: Buffer;
  /** The headers that tell its version, and what else the storage says of it. */
  headers: Record<string, string>;
}

/**
 * A File Exporter of our own: HTTPS on loopback, every request checked by the facts of the API's description, with the
 * storage behind it that its links lead to. What a request gets wrong is answered as the API does, and kept in
 * `complaints`, so that a test can ask for none.
 */
export interface FileExporterServer {
  readonly url: string;
  readonly port: number;
  /** Its own certificate, as PEM. */
  readonly certificate: string;
  readonly apiId: string;
  readonly apiSecret: string;
  /** The files by path, in the vendor's layout; without folders for hours where the feed has none. */
  readonly files: Map<string, StoredFile>;
  readonly seen: Seen[];
  readonly complaints: string[];
  /** Every link that was handed out. */
  readonly links: string[];
  spelling: Spelling;
  /** For how long a link is good. */
  linkLifeMs: number;
  /** So many of the next links are too old when they are handed out. */
  staleLinks: number;
  /** Where links lead to; another one than `url` where a proxy stands before the storage. */
  linkOrigin: string;
  /** How a link is written in the answer. */
  writeLink: (link: string) => unknown;
  /** Whether the storage can send parts of files. */
  hasRanges: boolean;
  /** Whether the storage says beforehand how long a whole file is. */
  hasLengths: boolean;
  /** What `GET /v1/health` says. */
  health: string;
  /** Stores a file with its MD5 as ETag; `headers` are added to that, an empty one taking it away. */
  put(path: string, bytes: Uint8Array, headers?: Record<string, string>): void;
  /** The next requests that fit get these answers, each once. */
  fail(...mishaps: Mishap[]): void;
  stop(): Promise<void>;
}
