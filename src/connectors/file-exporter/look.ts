import type { IncomingMessage } from 'node:http';
import { SourceError } from '../../errors.ts';
import type { ListedFile } from '../connector.ts';
import type { Clock } from './clock.ts';
import { networkError } from './failures.ts';
import { leave } from './http.ts';
import type { Links } from './links.ts';
import type { Found } from './listings.ts';
import { retrying } from './retry.ts';
import { totalBytes, unlessSame, versionOf } from './validators.ts';

/**
 * Finds out the size and version of a file, which the API's lists do not tell: asks the storage for its first byte.
 * (Links are signed for GET, and S3 refuses a HEAD.)
 * @param known the file as it was seen before: where it still is the same, the storage says only that
 * @returns undefined when it is no longer there
 * @throws SourceError after retries
 */
export function look(
  found: Found,
  links: Links,
  clock: Clock,
  known?: ListedFile,
  signal?: AbortSignal,
): Promise<ListedFile | undefined> {
  const condition = known ? unlessSame(known.etag) : {};
  return retrying(clock, signal, async () => {
    const first = await links.get(found, { ...condition, range: 'bytes=0-0' }, signal);
    if (first?.statusCode === 416) first.resume();
    // An empty file has no first byte, and the storage does not tell the version of what it refuses.
    const answer = first?.statusCode === 416 ? await links.get(found, condition, signal) : first;
    if (!answer) return undefined;
    if (known && answer.statusCode === 304) return known;
    if (answer.statusCode !== 200 && answer.statusCode !== 206) {
      answer.resume();
      throw new SourceError(
        `the storage answered ${answer.statusCode} to a plain question for ${found.path}`,
      );
    }
    const bytes = totalBytes(answer.headers) ?? (await count(answer));
    leave(answer, bytes);
    return { path: found.path, bytes, etag: versionOf(answer.headers) };
  });
}

/** How long an answer is that does not say so itself (it comes in chunks). */
async function count(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  try {
    for await (const chunk of answer) bytes += chunk.length;
  } catch (error) {
    throw networkError('the storage', error);
  }
  return bytes;
}
