import { connect as openSocket, type Socket } from 'node:net';
import type SftpClient from 'ssh2-sftp-client';
import { SourceError } from '../../errors.ts';
import { backOff, type Patience } from '../retry.ts';
import { explainConnect, noAnswer, type ServerOptions } from './errors.ts';
import { algorithmsOf, type HostKeyType, loadTrust, refusal, type Trust, wantedTypes } from './host-key.ts';
import { type Identity, loadIdentity } from './identity.ts';
import { keyType } from './known-hosts.ts';
import { Session } from './session.ts';

export interface ConnectionOptions extends ServerOptions {
  /** The fingerprint that the server's key must have; left out: `knownHosts` decides. */
  hostKey?: string;
  /** The known_hosts file, absolute. */
  knownHosts: string;
}

/** How long a server may take to close a connection that we have ended. */
const PARTING_MS = 1000;

/**
 * The one connection that everything shares. It is made when first asked for, and again when it was lost: once,
 * however many wait for it.
 */
export class Connection implements AsyncDisposable {
  readonly #options: ConnectionOptions;
  readonly #patience: Patience;
  readonly #closing = new AbortController();
  #current: Promise<Session> | undefined;
  #socket: Socket | undefined;

  constructor(options: ConnectionOptions, patience: Patience) {
    this.#options = options;
    this.#patience = patience;
  }

  /**
   * The session that is up, or the next one.
   * @throws SourceError when the server cannot be reached, after retries, is not the one it should be, or refuses us
   */
  session(): Promise<Session> {
    this.#current ??= this.#connect().catch((error) => {
      this.#current = undefined;
      throw error;
    });
    return this.#current;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new SourceError(`the connection to ${this.#options.host} was closed`);
    this.#closing.abort(closed);
    const session = await this.#current?.catch(() => undefined);
    session?.lose(closed);
    await gone(this.#socket);
  }

  async #connect(): Promise<Session> {
    const trust = await loadTrust(this.#options);
    const identity = await loadIdentity(this.#options);
    for (let failures = 1; ; failures++) {
      try {
        return await this.#attempt(trust, identity, wantedTypes(trust, this.#options));
      } catch (error) {
        this.#closing.signal.throwIfAborted();
        const isFinal = !(error instanceof SourceError && error.retryable);
        if (isFinal || failures >= this.#patience.attempts) throw error;
        await backOff(failures, this.#patience, this.#closing.signal);
      }
    }
  }

  async #attempt(trust: Trust, identity: Identity, types: HostKeyType[]): Promise<Session> {
    const { default: Client } = await import('ssh2-sftp-client');
    this.#closing.signal.throwIfAborted();
    const { host, port } = this.#options;
    const { connectMs, stallMs } = this.#patience;
    const ignore = () => {};
    const client = new Client('asapp-warehouse', { error: ignore, end: ignore, close: ignore });
    // Heard before ssh2-sftp-client puts it in other words, which leave out what part failed.
    let failure: Error | undefined;
    client.on('error', (error: Error) => {
      failure ??= error;
    });
    // Small requests must not wait for each other: Nagle's algorithm costs most of the speed of SFTP.
    const socket = openSocket({ host, port, noDelay: true });
    this.#socket = socket;
    let late: SourceError | undefined;
    const timer = setTimeout(() => {
      late = noAnswer(this.#options, connectMs);
      socket.destroy();
    }, connectMs);
    const drop = () => socket.destroy();
    this.#closing.signal.addEventListener('abort', drop);
    let refused: SourceError | undefined;
    let shown: string | undefined;
    try {
      const channel = await client.connect({
        ...identity,
        sock: socket,
        algorithms: { serverHostKey: algorithmsOf(types) },
        hostVerifier: (key: Buffer) => {
          shown = keyType(key);
          refused = refusal(trust, this.#options, key);
          return refused === undefined;
        },
        readyTimeout: 0,
        // For a connection that nobody uses: while answers are waited for, the session notices that none comes.
        keepaliveInterval: stallMs / 3,
        keepaliveCountMax: 6,
      });
      // Sooner than the watch over each file, whose next try then finds the silent connection gone.
      const session = new Session(channel, stallMs * 0.8, () => {
        this.#current = undefined;
        part(client, socket);
      });
      const lost = () => session.lose(failure ?? new Error('it was closed'));
      channel.on('error', (error: Error) => {
        failure ??= error;
        lost();
      });
      channel.on('end', lost);
      socket.on('close', lost);
      if (socket.destroyed) lost();
      return session;
    } catch (error) {
      socket.destroy();
      if (refused) return await this.#otherTypes(trust, identity, types, shown, refused);
      throw late ?? explainConnect(failure ?? (error as Error), this.#options);
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener('abort', drop);
    }
  }

  /**
   * A fingerprint does not tell its key's type, and a server shows one key of the several that it may have: the one
   * it must show may be one of the others.
   */
  async #otherTypes(
    trust: Trust,
    identity: Identity,
    types: HostKeyType[],
    shown: string | undefined,
    refused: SourceError,
  ): Promise<Session> {
    const others = types.filter((type) => type !== shown);
    if (!('fixed' in trust) || others.length === 0 || others.length === types.length) throw refused;
    try {
      return await this.#attempt(trust, identity, others);
    } catch (error) {
      throw error instanceof SourceError && error.retryable ? error : refused;
    }
  }
}

/** Takes leave of the server, and does not wait long for its answer. */
function part(client: SftpClient, socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), PARTING_MS);
  socket.once('close', () => clearTimeout(timer));
  client.end().catch(() => {});
}

/** When the socket is closed, in whatever way. */
function gone(socket: Socket | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!socket || socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}
