import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { FileError, SourceError } from '../../errors.ts';
import type { FetchOptions, ListedFile } from '../connector.ts';
import { changedError, receive } from '../partial.ts';
import { PATIENCE } from '../retry.ts';
import type { Clock } from './clock.ts';
import { leave } from './http.ts';
import type { Links } from './links.ts';
import type { Found, Listings } from './listings.ts';
import type { Md5Thread } from './md5-thread.ts';
import { retrying } from './retry.ts';
import { hasOpaqueEtag, looksLikeMd5, onlySame, totalBytes, versionOf } from './validators.ts';

/** What a connector fetches with. */
export interface From {
  listings: Listings;
  links: Links;
  checksums: Md5Thread;
  clock: Clock;
}

/** The vendor says how to try again: {@link retrying} does, a new link each time. */
const ONE_TRY = { ...PATIENCE, attempts: 1 };

/** Does what `Connector.fetch` promises. */
export async function fetchFile(
  file: ListedFile,
  partial: string,
  { listings, links, checksums, clock }: From,
  options: FetchOptions = {},
): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const slash = file.path.lastIndexOf('/');
  const parameters = await listings.parametersOf(file.path.slice(0, slash), file.path.slice(slash + 1));
  const found = parameters && { path: file.path, parameters };
  using md5 = looksLikeMd5(file.etag) ? checksums.of(partial) : undefined;
  let answer: IncomingMessage | undefined;
  await retrying(clock, signal, (progressed) =>
    receive(
      {
        file,
        partial,
        read: async (start, stop) => {
          answer = await ask(file, found, links, start, stop);
          return bytesFrom(start, answer, file);
        },
        explain: (error) =>
          new SourceError(`${file.path} broke off: ${(error as Error).message}`, {
            hint: 'What came is kept; the next run goes on from there.',
            retryable: true,
            cause: error,
          }),
        verify: async () => {
          // Where all is there already, its last byte is asked for, to see whether the file is still the one that was listed.
          if (!answer) {
            answer = await ask(file, found, links, Math.max(0, file.bytes - 1), signal);
            leave(answer, file.bytes);
          }
          if (!md5 || hasOpaqueEtag(answer.headers)) return;
          if ((await md5.digest()) !== file.etag.toLowerCase())
            throw new FileError(`${file.path} did not arrive as it is stored: it has another MD5`, {
              hint: 'What came was thrown away; the next run fetches it again.',
              retryable: true,
            });
        },
      },
      {
        ...options,
        onBytes: (count) => {
          progressed();
          md5?.readOn();
          options.onBytes?.(count);
        },
      },
      ONE_TRY,
    ),
  );
}

/** One try to get the bytes from `start` on, of no other version than the one that was listed, or the whole file. */
async function ask(
  file: ListedFile,
  found: Found | undefined,
  links: Links,
  start: number,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const headers = onlySame(file.etag);
  if (start > 0) headers.range = `bytes=${start}-`;
  const answer = found && (await links.get(found, headers, signal));
  if (!answer) throw changedError(file, 'removed');
  const isPart = answer.statusCode === 206;
  const isSame =
    versionOf(answer.headers) === file.etag && (totalBytes(answer.headers) ?? file.bytes) === file.bytes;
  if ((isPart || answer.statusCode === 200) && isSame) {
    if (!isPart || answer.headers['content-range']?.startsWith(`bytes ${start}-`)) return answer;
    answer.destroy();
    throw new SourceError(`the storage sent another part of ${file.path} than was asked for`);
  }
  answer.destroy();
  throw changedError(file, 'replaced');
}

/** The bytes from `start` on. Whoever knows no ranges sends the whole file, and perhaps not how long it is. */
function bytesFrom(start: number, answer: IncomingMessage, file: ListedFile): Readable {
  const isPart = answer.statusCode === 206;
  if (isPart || (start === 0 && 'content-length' in answer.headers)) return answer;
  return Readable.from(restOf(answer, start, file), { objectMode: false });
}

async function* restOf(answer: IncomingMessage, start: number, file: ListedFile): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const rest = chunk.subarray(Math.max(0, start - bytes));
    bytes += chunk.length;
    if (rest.length > 0) yield rest;
  }
  if (bytes < file.bytes) throw changedError(file, 'replaced');
}
