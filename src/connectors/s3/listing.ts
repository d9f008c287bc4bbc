import { ListObjectsV2Command, type ListObjectsV2CommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { SourceError } from '../../errors.ts';
import { type Limits, limitText } from '../../limits.ts';
import type { ListedFile } from '../connector.ts';

/** A request for everything below a prefix, or for one level of it. */
export interface ListRequest {
  Bucket: string;
  Prefix: string;
  Delimiter?: string;
  StartAfter?: string;
}

/** A response that is not a listing, or a listing that does not end: nothing in it can be trusted. */
export class ListingProblem extends Error {}

/**
 * The pages of a listing, each checked before it is used: the SDK accepts any XML and even an empty response as an
 * empty listing, and follows continuation tokens for ever.
 * @throws ListingProblem; what the SDK throws; the signal's reason
 */
export async function* listingPages(
  client: S3Client,
  question: ListRequest,
  limits: Limits,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListObjectsV2CommandOutput> {
  const tokens = new Set<string>();
  for (let token: string | undefined, pages = 0; ; pages += 1) {
    signal?.throwIfAborted();
    if (pages >= limits.listing_pages)
      throw new ListingProblem(`the listing does not end within ${limitText(limits, 'listing_pages')} pages`);
    const page = await client.send(
      // XML cannot write some of the characters that keys may contain.
      new ListObjectsV2Command({ ...question, EncodingType: 'url', ContinuationToken: token }),
      { ...(signal && { abortSignal: signal }) },
    );
    requireListing(page);
    yield page;
    if (!page.IsTruncated) return;
    token = page.NextContinuationToken;
    if (!token) throw new ListingProblem('it says that there is more, and not how to ask for it');
    if (tokens.has(token)) throw new ListingProblem('it says again and again that the same page comes next');
    tokens.add(token);
  }
}

/** Every listing names its bucket and says whether there is more (API reference, ListObjectsV2). */
function requireListing({ Name, IsTruncated }: ListObjectsV2CommandOutput): void {
  if (!Name || typeof IsTruncated !== 'boolean')
    throw new ListingProblem('it does not answer with a listing');
}

/** A file of a listing, and when it was last changed. */
export interface ListedObject {
  file: ListedFile;
  modified: Date | undefined;
}

/**
 * The files of a page, without the markers (`folder/`) that consoles create for empty folders. A file with an
 * impossible size or key becomes a file with a `problem`, so that the others are not affected.
 * @param below the prefix that was requested
 * @param root the source's own prefix, which paths do not include
 * @throws SourceError when the page holds something that was not requested
 */
export function* listedFiles(
  page: ListObjectsV2CommandOutput,
  below: string,
  root: string,
): Generator<ListedObject> {
  for (const { Key = '', Size, ETag = '', LastModified } of page.Contents ?? []) {
    const { text: key, isSound } = decoded(page, Key);
    if (key.endsWith('/')) continue;
    if (!key.startsWith(below))
      throw new SourceError(`the listing of ${below} holds ${key}, which was not asked for`);
    const isSize = Size !== undefined && Number.isSafeInteger(Size) && Size >= 0;
    const problem = isSound ? (isSize ? undefined : 'a size') : 'a key that can be decoded';
    const file = { path: key.slice(root.length), bytes: isSize ? Size : 0, etag: ETag.replaceAll('"', '') };
    yield {
      file: { ...file, ...(problem && { problem: `it is listed without ${problem}` }) },
      modified: LastModified,
    };
  }
}

/** The names of the folders of a page. */
export function* listedFolders(page: ListObjectsV2CommandOutput, below: string): Generator<string> {
  for (const { Prefix = '' } of page.CommonPrefixes ?? []) {
    const name = decoded(page, Prefix).text.slice(below.length, -1);
    // `a//b` has a folder without a name, which no path could lead to.
    if (name !== '') yield name;
  }
}

/** The decoded key of a listing. Servers that do not support `EncodingType` leave it out of their response. */
function decoded(page: ListObjectsV2CommandOutput, key: string): { text: string; isSound: boolean } {
  if (page.EncodingType !== 'url') return { text: key, isSound: true };
  try {
    return { text: decodeURIComponent(key.replaceAll('+', ' ')), isSound: true };
  } catch {
    return { text: key, isSound: false };
  }
}
