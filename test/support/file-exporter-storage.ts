import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { FileExporterServer, Seen, StoredFile } from './file-exporter-state.ts';

/** The path below which the storage lies. */
export const STORAGE = '/storage/';

const signingKey = randomBytes(32);

function sign(path: string, expires: string): string {
  return createHmac('sha256', signingKey).update(`GET\n${path}\n${expires}`).digest('hex');
}

/** A link to a stored file: for GET, until it expires. */
export function linkTo(path: string, exporter: FileExporterServer): string {
  const pathname = STORAGE + path.split('/').map(encodeURIComponent).join('/');
  const isStale = exporter.staleLinks > 0;
  if (isStale) exporter.staleLinks -= 1;
  const expires = String(Date.now() + (isStale ? -1 : exporter.linkLifeMs));
  const link = `${exporter.linkOrigin}${pathname}?X-Amz-Expires=${expires}&X-Amz-Signature=${sign(pathname, expires)}`;
  exporter.links.push(link);
  return link;
}

/** What the storage answers, as S3 does. */
interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer | string;
}

export function serveStorage(
  exporter: FileExporterServer,
  seen: Seen,
  query: URLSearchParams,
  response: ServerResponse,
): void {
  const { status, headers, body } = answer(exporter, seen, query);
  response.writeHead(status, headers).end(body);
}

function answer(
  exporter: FileExporterServer,
  { method, path, headers }: Seen,
  query: URLSearchParams,
): Answer {
  const refused = (status: number, code: string, more: Record<string, string> = {}): Answer => ({
    status,
    headers: { 'content-type': 'application/xml', ...more },
    // S3 too says a good deal about what it expected to be signed.
    body: `<Error><Code>${code}</Code><Message>${code}</Message><Signed>${query}</Signed></Error>`,
  });
  if (headers['asapp-api-id'] || headers['asapp-api-secret']) {
    exporter.complaints.push(`the storage was shown our secrets: ${path}`);
    return refused(400, 'InvalidRequest');
  }
  const expires = query.get('X-Amz-Expires') ?? '';
  const right = Buffer.from(sign(path, expires));
  const given = Buffer.from(query.get('X-Amz-Signature') ?? '');
  if (method !== 'GET' || given.length !== right.length || !timingSafeEqual(given, right))
    return refused(403, 'SignatureDoesNotMatch');
  if (Date.now() > Number(expires)) return refused(403, 'AccessDenied');

  const file = exporter.files.get(path.slice(STORAGE.length).split('/').map(decodeURIComponent).join('/'));
  if (!file) return refused(404, 'NoSuchKey');
  if (!holds(headers['if-match'], file)) return refused(412, 'PreconditionFailed');
  const unless = headers['if-none-match'];
  if (unless !== undefined && unless === file.headers.etag)
    return { status: 304, headers: file.headers, body: '' };

  const size = file.bytes.length;
  const range = exporter.hasRanges ? headers.range : undefined;
  if (range === undefined) {
    const length: Record<string, string> = exporter.hasLengths ? { 'content-length': `${size}` } : {};
    return { status: 200, headers: { ...file.headers, ...length }, body: file.bytes };
  }
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  const start = Number(from);
  if (from === undefined || start >= size)
    return refused(416, 'InvalidRange', { 'content-range': `bytes */${size}` });
  const end = Math.min(to ? Number(to) + 1 : size, size);
  const part = { 'content-range': `bytes ${start}-${end - 1}/${size}`, 'content-length': `${end - start}` };
  return { status: 206, headers: { ...file.headers, ...part }, body: file.bytes.subarray(start, end) };
}

/** `If-Match` compares strongly: with a weak ETag it never holds. */
function holds(condition: IncomingHttpHeaders['if-match'], file: StoredFile): boolean {
  return condition === undefined || (condition === file.headers.etag && !condition.startsWith('W/'));
}
