import type { Readable } from 'node:stream';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { FileError, type WarehouseError } from '../../errors.ts';
import { DEFAULT_LIMITS } from '../../limits.ts';
import type { Bounds, Connector, Entry, FetchOptions, ListedFile } from '../connector.ts';
import { changedError, receive } from '../partial.ts';
import { PATIENCE, type Patience } from '../retry.ts';
import {
  type Checksum,
  checksumOf,
  damagedError,
  md5Of,
  RunningChecksum,
  verifyChecksum,
} from './checksum.ts';
import { DirectRequests, type ObjectAnswer } from './direct.ts';
import { explainS3, httpStatus } from './errors.ts';
import { type ListRequest, listedFiles, listedFolders, listingPages } from './listing.ts';
import type { S3Options } from './options.ts';
import { limitResponses } from './response-limit.ts';

/** Enough for the files that are fetched at once and the listings besides. */
const MAX_SOCKETS = 64;

/** Opens a bucket without sending a request: what is wrong with it shows at the first listing. */
export function openBucket(
  options: S3Options,
  bounds: Bounds = {},
  patience: Patience = PATIENCE,
): Connector {
  // The warning that future versions of the SDK need a newer Node is of no use to whoever runs this.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const client = new S3Client({
    region: options.region,
    ...(options.endpoint && { endpoint: options.endpoint, forcePathStyle: true }),
    ...(options.credentials && { credentials: options.credentials }),
    retryMode: 'standard',
    maxAttempts: patience.attempts,
    // Checksums are requested only for whole objects: those of a range cannot be compared.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: patience.connectMs,
      socketTimeout: patience.stallMs,
      httpAgent: agent,
      // Given explicitly so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot disable it.
      httpsAgent: { ...agent, rejectUnauthorized: true },
    },
  });
  limitResponses(client, bounds.limits ?? DEFAULT_LIMITS);
  return new S3Connector(client, options, bounds, patience);
}

class S3Connector implements Connector {
  readonly seal = 'marker';
  readonly location: string;
  readonly #client: S3Client;
  readonly #options: S3Options;
  readonly #bounds: Bounds;
  readonly #patience: Patience;
  readonly #direct: DirectRequests;

  constructor(client: S3Client, options: S3Options, bounds: Bounds, patience: Patience) {
    this.location = `s3://${options.bucket}/${options.prefix}`;
    this.#client = client;
    this.#options = options;
    this.#bounds = bounds;
    this.#patience = patience;
    this.#direct = new DirectRequests(client);
  }

  async *entries(path: string): AsyncGenerator<Entry> {
    const prefix = this.#folderKey(path);
    for await (const page of this.#pages({ Prefix: prefix, Delimiter: '/' })) {
      for (const name of listedFolders(page, prefix)) yield { kind: 'folder', name };
      for (const { file, modified } of listedFiles(page, prefix, this.#options.prefix))
        yield { kind: 'file', name: file.path.slice(file.path.lastIndexOf('/') + 1), ...file, modified };
    }
  }

  async *files(path: string, from?: string): AsyncGenerator<ListedFile> {
    const prefix = this.#folderKey(path);
    const start = from ? { StartAfter: prefix + justBefore(from) } : {};
    for await (const page of this.#pages({ Prefix: prefix, ...start })) {
      for (const { file } of listedFiles(page, prefix, this.#options.prefix)) {
        const [child = ''] = file.path.slice(prefix.length - this.#options.prefix.length).split('/', 1);
        // `dt=2026-01/` sorts after `dt=2026-01-10/` as a key, but before it as a name.
        if (from === undefined || child >= from) yield file;
      }
    }
  }

  async fetch(file: ListedFile, partial: string, fetchOptions?: FetchOptions): Promise<void> {
    let answer: ObjectAnswer | undefined;
    // Of what comes now, from the first byte on: it says nothing where a beginning was on the disk already.
    let running: RunningChecksum | undefined;
    await receive(
      {
        file,
        partial,
        read: async (start, signal) => {
          const opened = await this.#open(file, start, signal);
          answer = opened.answer;
          const expected = md5Of(file, answer) ?? checksumOf(answer);
          if (start === 0) running = expected && new RunningChecksum(expected);
          return opened.body;
        },
        see: (chunk) => running?.update(chunk),
        explain: (error) => this.#explain(error, file),
        verify: async () => {
          if (running?.bytes === file.bytes) return running.verify(file);
          const checksum = await this.#checksum(file, answer);
          if (checksum) await verifyChecksum(file, partial, checksum);
        },
      },
      fetchOptions,
      this.#patience,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
  }

  #folderKey(path: string): string {
    return this.#options.prefix + (path === '' ? '' : `${path}/`);
  }

  async *#pages(question: Omit<ListRequest, 'Bucket'>) {
    const { signal, limits = DEFAULT_LIMITS } = this.#bounds;
    const { bucket: Bucket } = this.#options;
    try {
      yield* listingPages(this.#client, { ...question, Bucket }, limits, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw explainS3(error, `list ${this.location}`, this.#options);
    }
  }

  /** Requests the bytes from `start` on, and only of the version that was listed. */
  async #open(
    file: ListedFile,
    start: number,
    signal: AbortSignal,
  ): Promise<{ answer: ObjectAnswer; body: Readable }> {
    const key = this.#options.prefix + file.path;
    const command = new GetObjectCommand({
      Bucket: this.#options.bucket,
      Key: key,
      IfMatch: `"${file.etag}"`,
      ...(start > 0 ? { Range: `bytes=${start}-` } : { ChecksumMode: 'ENABLED' }),
    });
    try {
      const direct = start === 0 ? await this.#direct.ask('GET', key, file, signal) : undefined;
      const answer = direct?.answer ?? (await this.#client.send(command, { abortSignal: signal }));
      const body = direct?.body ?? bodyOf(answer as GetObjectCommandOutput);
      // Servers that only resemble S3 may ignore If-Match or Range.
      const { ETag = '', ContentLength, ContentRange } = answer;
      const same = ETag.replaceAll('"', '') === file.etag && ContentLength === file.bytes - start;
      if (same && (start === 0 || ContentRange?.startsWith(`bytes ${start}-`))) return { answer, body };
      body.destroy();
      throw changedError(file, 'replaced');
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof FileError ? error : this.#explain(error, file);
    }
  }

  /** A checksum for the bytes on disk, for when not all of them came just now. */
  async #checksum(file: ListedFile, answer: ObjectAnswer | undefined): Promise<Checksum | undefined> {
    const md5 = answer && md5Of(file, answer);
    if (md5) return md5;
    const key = this.#options.prefix + file.path;
    const direct = await this.#direct.ask('HEAD', key, file, this.#bounds.signal);
    direct?.body.resume();
    const command = new HeadObjectCommand({
      Bucket: this.#options.bucket,
      Key: key,
      IfMatch: `"${file.etag}"`,
      ChecksumMode: 'ENABLED',
    });
    const head = direct?.answer ?? (await this.#client.send(command));
    return checksumOf(head) ?? md5Of(file, head);
  }

  #explain(error: unknown, file: ListedFile): WarehouseError {
    const { name, message } = error as Error;
    const status = httpStatus(error);
    if (status === 412 || status === 416) return changedError(file, 'replaced');
    if (status === 404 && name !== 'NoSuchBucket') return changedError(file, 'removed');
    // The SDK compares what it gets itself, too. Its error can only be recognized by its message.
    if (message.startsWith('Checksum mismatch')) return damagedError(file, 'checksum', error);
    if (name === 'InvalidObjectState')
      return new FileError(`${file.path} has been moved to an archive storage class`, {
        hint: 'Restore it in S3, then run again.',
      });
    return explainS3(error, `fetch ${file.path} from ${this.location}`, this.#options);
  }
}

/** In Node the body is always a stream of Node's. */
function bodyOf(answer: GetObjectCommandOutput): Readable {
  return answer.Body as unknown as Readable;
}

/**
 * A key that sorts just before `name`: `StartAfter` excludes the key it is given, and a file could have exactly that
 * name.
 */
function justBefore(name: string): string {
  const last = name.charCodeAt(name.length - 1);
  const isPlain = last > 0x21 && last < 0x7f;
  return name.slice(0, -1) + (isPlain ? `${String.fromCharCode(last - 1)}~` : '');
}
