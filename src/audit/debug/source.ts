import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import prettyBytes from 'pretty-bytes';
import type { Source } from '../../config/config.ts';
import type { Connector, Health, Server } from '../../connectors/connector.ts';
import { SourceError } from '../../errors.ts';
import { count } from '../../text.ts';
import { type DebugCheck, SkipStep, type StepContext, Steps } from './check.ts';
import { describeHead } from './head.ts';
import { findNewest, type NewestFile } from './newest.ts';

const CONNECT_MS = 10_000;

/** Checks what loading a source needs, from its server's name to the first line of a file. */
export async function* sourceChecks(source: Source, context: StepContext): AsyncGenerator<DebugCheck> {
  const steps = new Steps(source.name, context);
  const { signal } = context;
  yield await steps.try('configuration', async () =>
    [`${source.connector}, group ${source.group}`, ...(source.warnings ?? [])].join('; '),
  );
  yield await steps.try('name', () => resolveName(source.server));
  yield await steps.try('connection', () => connectToServer(source.server, signal));
  let connector: Connector | undefined;
  let newest: NewestFile | undefined;
  try {
    yield await steps.try('credentials', async () => {
      connector = await source.open({ signal });
      for await (const _ of connector.entries('')) break;
      return `${connector.location} lets us in`;
    });
    yield await steps.try('list', async () => {
      const { feeds, file } = await findNewest(connector as Connector, source.feeds, signal);
      newest = file;
      return `${count(feeds, 'feed')}${file ? `; the newest file looked at is ${file.listed.path}, ${prettyBytes(file.listed.bytes)}` : ', and no files among the newest partitions'}`;
    });
    yield await steps.try('file', async () => {
      if (!newest) throw new SkipStep('there is none');
      return describeHead(connector as Connector, newest, source.decrypt, signal);
    });
    const { health } = source;
    if (health) yield await steps.try('health', () => askHealth(health));
  } finally {
    await connector?.[Symbol.asyncDispose]();
  }
}

async function resolveName(server: Server | undefined): Promise<string> {
  if (!server) throw new SkipStep('its files lie on this machine');
  if (isIP(server.host)) throw new SkipStep(`${server.host} is an address`);
  try {
    const addresses = await lookup(server.host, { all: true });
    return `${server.host} is ${addresses.map(({ address }) => address).join(', ')}`;
  } catch (cause) {
    throw new SourceError(`the name ${server.host} does not resolve (${(cause as { code?: string }).code})`, {
      hint: 'Correct the name in the configuration, or look at the network and DNS of this machine.',
      cause,
    });
  }
}

/** Connects to the server, with TLS where the protocol begins with it, and sends nothing. */
async function connectToServer(server: Server | undefined, signal: AbortSignal): Promise<string> {
  if (!server) throw new SkipStep('its files lie on this machine');
  const { host, port, tls } = server;
  const socket = tls
    ? // Said aloud so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot undo it.
      connectTls({ host, port, rejectUnauthorized: true, ...(isIP(host) ? {} : { servername: host }) })
    : connect({ host, port });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
      const late = AbortSignal.timeout(CONNECT_MS);
      AbortSignal.any([signal, late]).addEventListener('abort', () =>
        reject(new Error(`no answer for ${CONNECT_MS / 1000} s`)),
      );
    });
    return `${host}:${port} is reached${tls ? ', and its certificate is trusted' : ''}`;
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException;
    throw new SourceError(`no connection to ${host}:${port}: ${message || code}`, {
      hint: tls
        ? 'Look at firewalls and proxies between here and there; where a company signs certificates itself, name its own in NODE_EXTRA_CA_CERTS.'
        : 'Look at host and port in the configuration, and at firewalls between here and there.',
      cause,
    });
  } finally {
    socket.destroy();
  }
}

async function askHealth(health: () => Promise<Health>): Promise<string> {
  const { state, detail } = await health();
  if (state === 'success') return `it says ${detail}`;
  if (state === 'refused')
    throw new SkipStep(`these credentials may not ask, which does not matter to the feeds: ${detail}`);
  throw new SourceError(`it says ${detail}`, { hint: 'Try again later, and ask ASAPP when it stays so.' });
}
