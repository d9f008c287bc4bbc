import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A page of a listing, as a server that speaks S3 writes it. */
export interface Page {
  keys?: readonly (string | { key: string; size?: string; etag?: string })[];
  folders?: readonly string[];
  truncated?: boolean;
  token?: string;
}

/** The XML of a page, of which a test may spoil any part. */
export function listing({ keys = [], folders = [], truncated = false, token }: Page): string {
  const contents = keys.map((each) => {
    const { key, size = '14', etag = 'e' } = typeof each === 'string' ? { key: each } : each;
    return `<Contents><Key>${key}</Key><LastModified>2026-01-09T00:00:00.000Z</LastModified><ETag>"${etag}"</ETag><Size>${size}</Size></Contents>`;
  });
  const prefixes = folders.map((folder) => `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`);
  const next = token === undefined ? '' : `<NextContinuationToken>${token}</NextContinuationToken>`;
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix></Prefix><KeyCount>${keys.length + folders.length}</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>${truncated}</IsTruncated>${next}${contents.join('')}${prefixes.join('')}</ListBucketResult>`;
}

/** An HTTP server on loopback whose every answer a test writes: for what no real server would say. */
export interface OddServer extends AsyncDisposable {
  url: string;
  asked: URL[];
}

/** @param answer the body; undefined: none comes */
export async function oddServer(
  answer: (question: URL, request: IncomingMessage) => string | { status: number; body: string } | undefined,
): Promise<OddServer> {
  const asked: URL[] = [];
  const server = createServer((request, response) => {
    const question = new URL(request.url ?? '/', 'http://odd');
    asked.push(question);
    const said = answer(question, request);
    if (said === undefined) return;
    const { status, body } = typeof said === 'string' ? { status: 200, body: said } : said;
    const headers = { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) };
    response.writeHead(status, { ...headers, etag: '"e"' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
