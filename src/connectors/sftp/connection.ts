import { connect as openSocket, type Socket } from 'node:net';
import type SftpClient from 'ssh2-sftp-client';
import { SourceError } from '../../errors.ts';
import { backOff, type Patience } from '../retry.ts';
import { explainConnect, noAnswer, type ServerOptions } from './errors.ts';
import {
  algorithmsOf,
  type HostKeyType,
  hostKeyError,
  loadTrust,
  type Trust,
  wantedTypes,
} from './host-key.ts';
import { type Identity, loadIdentity } from './identity.ts';
import { keyType } from './known-hosts.ts';
import { SftpSession } from './session.ts';

export interface ConnectionOptions extends ServerOptions {
  /** The fingerprint that the server's key must have; left out: `knownHosts` decides. */
  hostKey?: string;
  /** The known_hosts file, absolute. */
  knownHosts: string;
}

/** How long a server may take to close a connection that we have ended. */
const PARTING_MS = 1000;

/**
 * The single connection that all requests share. It is opened by the first request, and again when it was lost, only
 * once however many requests wait for it.
 */
export class SftpConnection implements AsyncDisposable {
  readonly #options: ConnectionOptions;
  readonly #patience: Patience;
  readonly #closing = new AbortController();
  #current: Promise<SftpSession> | undefined;
  #socket: Socket | undefined;

  constructor(options: ConnectionOptions, patience: Patience) {
    this.#options = options;
    this.#patience = patience;
  }

  /**
   * The open session, or a new one.
   * @throws SourceError when the server cannot be reached, after retries, is not the one it should be, or refuses us
   */
  session(): Promise<SftpSession> {
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
    await whenClosed(this.#socket);
  }

  async #connect(): Promise<SftpSession> {
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

  async #attempt(trust: Trust, identity: Identity, types: HostKeyType[]): Promise<SftpSession> {
    const { default: Client } = await import('ssh2-sftp-client');
    this.#closing.signal.throwIfAborted();
    const { host, port } = this.#options;
    const { connectMs, stallMs } = this.#patience;
    const ignore = () => {};
    const client = new Client('asapp-warehouse', { error: ignore, end: ignore, close: ignore });
    // The original error: ssh2-sftp-client rewords it, and leaves out which part failed.
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
          refused = hostKeyError(trust, this.#options, key);
          return refused === undefined;
        },
        readyTimeout: 0,
        // For an idle connection; while requests wait, the session itself notices that no answer comes.
        keepaliveInterval: stallMs / 3,
        keepaliveCountMax: 6,
      });
      // Shorter than the stall time-out of a file transfer, so that its next attempt finds the dead connection closed.
      const session = new SftpSession(channel, stallMs * 0.8, () => {
        this.#current = undefined;
        sayGoodbye(client, socket);
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
   * Tries the other key types. A fingerprint does not say which type its key has, and a server that has several keys
   * shows only one, so the right one may be of another type.
   */
  async #otherTypes(
    trust: Trust,
    identity: Identity,
    types: HostKeyType[],
    shown: string | undefined,
    refused: SourceError,
  ): Promise<SftpSession> {
    const others = types.filter((type) => type !== shown);
    if (!('fixed' in trust) || others.length === 0 || others.length === types.length) throw refused;
    try {
      return await this.#attempt(trust, identity, others);
    } catch (error) {
      throw error instanceof SourceError && error.retryable ? error : refused;
    }
  }
}

/** Closes the connection politely, without waiting long for the server. */
function sayGoodbye(client: SftpClient, socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), PARTING_MS);
  socket.once('close', () => clearTimeout(timer));
  client.end().catch(() => {});
}

/** Resolves when the socket is closed for any reason. */
function whenClosed(socket: Socket | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!socket || socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}
