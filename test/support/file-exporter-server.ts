import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { selfSigned } from './certificate.ts';
import { answerApi, Refusal } from './file-exporter-api.ts';
import type { FileExporterServer, Mishap, Seen } from './file-exporter-state.ts';
import { STORAGE, serveStorage } from './file-exporter-storage.ts';
import { freePort } from './ports.ts';

export async function startFileExporter(): Promise<FileExporterServer> {
  const { key, certificate } = await selfSigned();
  const server = createServer({ key, cert: certificate });
  const mishaps: Mishap[] = [];
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;

  const exporter: FileExporterServer = {
    url,
    port,
    certificate,
    apiId: `id-${randomUUID()}`,
    apiSecret: `secret-${randomUUID()}`,
    files: new Map(),
    seen: [],
    complaints: [],
    links: [],
    spelling: { version: 'bare', format: 'bare', date: 'bare', interval: 'keyed' },
    linkLifeMs: 60_000,
    staleLinks: 0,
    linkOrigin: url,
    writeLink: (link) => link,
    hasRanges: true,
    hasLengths: true,
    health: 'SUCCESS',
    put: (path, bytes, headers = {}) => {
      const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
      exporter.files.set(path, {
        bytes: Buffer.from(bytes),
        headers: Object.fromEntries(Object.entries({ etag, ...headers }).filter(([, value]) => value !== '')),
      });
    },
    fail: (...more) => {
      mishaps.push(...more);
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '', url);
    const { method = '', headers } = request;
    const seen = { method, path: pathname, headers, body: await text(request), at: performance.now() };
    exporter.seen.push(seen);
    const index = mishaps.findIndex(({ path }) => path.test(pathname));
    const [mishap] = index >= 0 ? mishaps.splice(index, 1) : [];
    if (mishap) serveMishap(mishap, response);
    else if (pathname.startsWith(STORAGE)) serveStorage(exporter, seen, searchParams, response);
    else serveApi(exporter, seen, response);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return exporter;
}

function serveApi(exporter: FileExporterServer, seen: Seen, response: ServerResponse): void {
  try {
    const body = JSON.stringify(answerApi(exporter, seen));
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (![401, 404].includes(error.status)) exporter.complaints.push(`${seen.path}: ${error.message}`);
    serveError(response, error);
  }
}

function serveMishap({ status, headers = {}, body }: Mishap, response: ServerResponse): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body === undefined) serveError(response, new Refusal(status));
  else response.writeHead(status).end(body);
}

/** An error in the form that the description gives it. */
function serveError(response: ServerResponse, { status, message }: Refusal): void {
  const error = { requestId: randomUUID(), code: `${status}-01`, message };
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
}
