import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** What the headers of HTTP answers say of a file's size and version. Pure. */

/** The version of the bytes: the ETag without its quotes, or when they were last changed. */
export function versionOf(headers: IncomingHttpHeaders): string {
  return headers.etag?.replace(/^"(.*)"$/, '$1') ?? headers['last-modified'] ?? '';
}

/** Asks for the file only where it is another than that version. */
export function unlessSame(version: string): OutgoingHttpHeaders {
  if (isTime(version)) return { 'if-modified-since': version };
  return version === '' ? {} : { 'if-none-match': quoted(version) };
}

/** Asks for the file only where it still is that version. Weak ETags cannot be asked about: `If-Match` compares strongly. */
export function onlySame(version: string): OutgoingHttpHeaders {
  if (isTime(version)) return { 'if-unmodified-since': version };
  return version === '' || isWeak(version) ? {} : { 'if-match': quoted(version) };
}

function quoted(etag: string): string {
  return isWeak(etag) ? etag : `"${etag}"`;
}

function isWeak(etag: string): boolean {
  return etag.startsWith('W/');
}

/** ETags have no blanks. */
function isTime(version: string): boolean {
  return version.includes(' ');
}

/** The size of the whole file, of which the answer may hold a part; undefined when the headers do not say. */
export function totalBytes(headers: IncomingHttpHeaders): number | undefined {
  const range = headers['content-range'];
  const total = range === undefined ? headers['content-length'] : /\/(\d+)$/.exec(range)?.[1];
  return total === undefined ? undefined : Number(total);
}

/** Whether an ETag looks like the MD5 of the bytes. */
export function looksLikeMd5(etag: string): boolean {
  return /^[0-9a-f]{32}$/i.test(etag);
}

/** Whether S3 encrypted the file with another key than its own: an ETag of 32 digits is no MD5 then. */
export function hasOpaqueEtag(headers: IncomingHttpHeaders): boolean {
  const encryption = headers['x-amz-server-side-encryption'];
  return (
    String(encryption).startsWith('aws:kms') || 'x-amz-server-side-encryption-customer-algorithm' in headers
  );
}
