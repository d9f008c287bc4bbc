import { rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { FileError, SourceError, WarehouseError } from '../../errors.ts';
import type { FetchOptions, ListedFile } from '../connector.ts';
import type { Parameters } from './api.ts';
import type { Clock } from './clock.ts';
import { UnreachableError } from './failures.ts';
import { Landing } from './landing.ts';
import type { Links } from './links.ts';
import type { Listings } from './listings.ts';
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

/** Does what `Connector.fetch` promises. */
export async function fetchFile(
  file: ListedFile,
  partial: string,
  { listings, links, checksums, clock }: From,
  { signal, onBytes }: FetchOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  try {
    const slash = file.path.lastIndexOf('/');
    const parameters = await listings.parametersOf(file.path.slice(0, slash), file.path.slice(slash + 1));
    if (!parameters) throw gone(file);
    signal?.throwIfAborted();
    const hash = looksLikeMd5(file.etag) ? () => checksums.hash() : undefined;
    await using landing = await Landing.open(partial, file.bytes, hash);
    const headers = await retrying(clock, signal, (progressed) =>
      receive(file, parameters, links, landing, signal, (count) => {
        progressed();
        onBytes?.(count);
      }),
    );
    const md5 = await landing.md5();
    if (md5 !== undefined && md5 !== file.etag.toLowerCase() && !hasOpaqueEtag(headers))
      throw new FileError(`${file.path} did not arrive as it is stored: it has another MD5`, {
        hint: 'What came was thrown away; the next run fetches it again.',
        retryable: true,
      });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof FileError) await rm(partial, { force: true });
    throw error;
  }
}

/**
 * One try: a new link, and all that it brings.
 * @returns the headers that came with the bytes
 */
async function receive(
  file: ListedFile,
  parameters: Parameters,
  links: Links,
  landing: Landing,
  signal: AbortSignal | undefined,
  onBytes: (count: number) => void,
): Promise<IncomingHttpHeaders> {
  // Where all is there already, its last byte is asked for, to see whether the file is still the one that was listed.
  const start = Math.min(landing.bytes, Math.max(0, file.bytes - 1));
  const headers = onlySame(file.etag);
  if (start > 0) headers.range = `bytes=${start}-`;
  const answer = await links.get({ path: file.path, parameters }, headers, signal);
  if (!answer) throw gone(file);
  const isPart = answer.statusCode === 206;
  const isSame =
    versionOf(answer.headers) === file.etag && (totalBytes(answer.headers) ?? file.bytes) === file.bytes;
  if (!(isPart || answer.statusCode === 200) || !isSame) {
    answer.destroy();
    throw replaced(file);
  }
  if (isPart && !answer.headers['content-range']?.startsWith(`bytes ${start}-`)) {
    answer.destroy();
    throw new SourceError(`the storage sent another part of ${file.path} than was asked for`);
  }
  // Whoever knows no ranges sends the whole file.
  if (!isPart && start > 0) await landing.restart();
  try {
    await landing.append(answer, isPart || start === 0 ? landing.bytes - start : 0, onBytes);
  } catch (error) {
    if (error instanceof WarehouseError) throw error;
    const arrived = `${landing.bytes} of ${file.bytes} bytes`;
    throw new UnreachableError(`${file.path} broke off after ${arrived}: ${(error as Error).message}`, {
      hint: 'What came is kept; the next run goes on from there.',
      cause: error,
    });
  }
  // One that comes in chunks does not say beforehand how long it is.
  if (landing.bytes !== file.bytes) throw replaced(file);
  return answer.headers;
}

function replaced(file: ListedFile): FileError {
  return new FileError(`${file.path} was replaced since it was listed`, {
    hint: 'The next run lists it again.',
    retryable: true,
  });
}

function gone(file: ListedFile): FileError {
  return new FileError(`${file.path} was removed since it was listed`, {
    hint: 'The next run lists it again.',
    retryable: true,
  });
}
