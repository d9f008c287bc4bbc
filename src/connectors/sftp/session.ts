import type SftpClient from 'ssh2-sftp-client';

/** The SFTP channel as `ssh2` gives it: callbacks, one for each request. */
export type Channel = Awaited<ReturnType<SftpClient['connect']>>;
export type Handle = Buffer;
export type Attributes = Parameters<Parameters<Channel['stat']>[1]>[1];
export interface NamedAttributes {
  filename: string;
  attrs: Attributes;
}

/** Status codes of SFTP version 3 (draft-ietf-secsh-filexfer-02, section 7) that mean something to us. */
export const STATUS = { endOfFile: 1, noSuchFile: 2, permissionDenied: 3 } as const;

export function hasStatus(error: unknown, status: number): boolean {
  return (error as { code?: unknown }).code === status;
}

/** Bytes asked for and not here yet, over all files of a session. As much as `ssh2` lets a server send ahead. */
const READ_AHEAD = 2 * 1024 * 1024;

/** What OpenSSH sends at most in one answer; the fewer answers, the faster. */
const LONGEST_READ = 255 * 1024;

/** What every server must be able to send in one answer (section 3). */
const SURE_READ = 32 * 1024;

/**
 * One connection that is up: requests as promises, which are all rejected once it is lost, or once the server has
 * answered none of them for too long.
 */
export class Session {
  readonly #channel: Channel;
  readonly #waiting = new Set<(reason: Error) => void>();
  readonly #watch: NodeJS.Timeout;
  readonly #hangUp: () => void;
  readonly #readLength: number;
  #readers = 0;
  #lastAnswer = 0;
  #lost: Error | undefined;

  /**
   * @param silenceMs how long requests may go without any answer
   * @param hangUp drops the connection at once
   */
  constructor(channel: Channel, silenceMs: number, hangUp: () => void) {
    this.#channel = channel;
    this.#hangUp = hangUp;
    this.#readLength = readLength(channel);
    this.#watch = setInterval(() => {
      if (this.#waiting.size > 0 && performance.now() - this.#lastAnswer > silenceMs)
        this.lose(new Error(`it has not answered for ${silenceMs / 1000} s`));
    }, silenceMs / 8);
    this.#watch.unref();
  }

  /** Ends the session: whoever waits for an answer, or asks from now on, gets `reason`. */
  lose(reason: Error): void {
    if (this.#lost) return;
    this.#lost = reason;
    clearInterval(this.#watch);
    this.#hangUp();
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }

  openFolder(path: string): Promise<Handle> {
    return this.#ask((done) => this.#channel.opendir(path, done));
  }

  /** The next entries of a folder, without `.` and `..`; undefined after the last. */
  async readFolder(folder: Handle): Promise<NamedAttributes[] | undefined> {
    try {
      return await this.#ask((done) => this.#channel.readdir(folder, done));
    } catch (error) {
      if (hasStatus(error, STATUS.endOfFile)) return undefined;
      throw error;
    }
  }

  openFile(path: string): Promise<Handle> {
    return this.#ask((done) => this.#channel.open(path, 'r', done));
  }

  /** What `path` is, through symbolic links. */
  stat(path: string): Promise<Attributes> {
    return this.#ask((done) => this.#channel.stat(path, done));
  }

  /** `path` without symbolic links, from the server's root. */
  realPath(path: string): Promise<string> {
    return this.#ask((done) => this.#channel.realpath(path, done));
  }

  /** Gives a handle back. Nobody waits for it: when that fails, the server frees it with the connection. */
  release(handle: Handle): void {
    if (!this.#lost) this.#channel.close(handle, () => {});
  }

  /**
   * The bytes of an open file from `start` up to `end`, in order; fewer when the file is shorter. Several pieces are
   * on the way at once; files that are read at the same time share what may be.
   * @throws the signal's reason
   */
  async *read(file: Handle, start: number, end: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const onTheWay: Promise<Buffer>[] = [];
    let next = start;
    this.#readers++;
    try {
      for (;;) {
        const most = Math.max(2, READ_AHEAD / this.#readLength / this.#readers);
        while (onTheWay.length < most && next < end) {
          const length = Math.min(this.#readLength, end - next);
          const piece = this.#readPiece(file, next, length);
          piece.catch(() => {}); // Reported when its turn comes.
          onTheWay.push(piece);
          next += length;
        }
        const first = onTheWay.shift();
        if (!first) return;
        const piece = await abortable(first, signal);
        if (piece.length > 0) yield piece;
        if (piece.length < this.#readLength) return;
      }
    } finally {
      this.#readers--;
    }
  }

  /** `length` bytes, in as many answers as the server likes; fewer when the file ends before. */
  async #readPiece(file: Handle, position: number, length: number): Promise<Buffer> {
    const piece = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const count = await this.#ask<number>((done) =>
        this.#channel.read(file, piece, filled, length - filled, position + filled, done),
      );
      if (count === 0) break;
      filled += count;
    }
    return piece.subarray(0, filled);
  }

  #ask<T>(send: (done: (error: Error | undefined, value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      if (this.#waiting.size === 0) this.#lastAnswer = performance.now();
      this.#waiting.add(reject);
      send((error, value) => {
        // Answers to requests that were given up when the session was lost change nothing any more.
        if (!this.#waiting.delete(reject)) return;
        this.#lastAnswer = performance.now();
        if (error) reject(error);
        else resolve(value);
      });
    });
  }
}

/** The promise, or the signal's reason once it comes. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/**
 * The longest read that the server answers at once. `ssh2` finds it out from the server (limits@openssh.com) and
 * does not tell; what is longer it asks for piece by piece, each after the answer to the one before.
 */
function readLength(channel: Channel): number {
  const { _maxReadLen: most } = channel as unknown as { _maxReadLen?: unknown };
  return typeof most === 'number' && most > 0 ? Math.min(most, LONGEST_READ) : SURE_READ;
}
