import type SftpClient from 'ssh2-sftp-client';

/** The SFTP channel of `ssh2`, with a callback for each request. */
export type SftpChannel = Awaited<ReturnType<SftpClient['connect']>>;
export type Handle = Buffer;
export type Attributes = Parameters<Parameters<SftpChannel['stat']>[1]>[1];
export interface NamedAttributes {
  filename: string;
  attrs: Attributes;
}

/** The status codes of SFTP version 3 that are used here (draft-ietf-secsh-filexfer-02, section 7). */
export const STATUS = { endOfFile: 1, noSuchFile: 2, permissionDenied: 3 } as const;

export function hasStatus(error: unknown, status: number): boolean {
  return (error as { code?: unknown }).code === status;
}

/**
 * The most bytes requested and not yet received, over all files of a session: as much as `ssh2` lets a server send
 * ahead.
 */
const READ_AHEAD = 2 * 1024 * 1024;

/** The most that OpenSSH sends in one answer. Fewer answers are faster. */
const LONGEST_READ = 255 * 1024;

/** What every server can send in one answer (section 3). */
const SURE_READ = 32 * 1024;

/**
 * An open connection. Requests are promises, which are all rejected when the connection is lost, or when the server
 * answers none of them for too long.
 */
export class SftpSession {
  readonly #channel: SftpChannel;
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
  constructor(channel: SftpChannel, silenceMs: number, hangUp: () => void) {
    this.#channel = channel;
    this.#hangUp = hangUp;
    this.#readLength = readLength(channel);
    this.#watch = setInterval(() => {
      if (this.#waiting.size > 0 && performance.now() - this.#lastAnswer > silenceMs)
        this.lose(new Error(`it has not answered for ${silenceMs / 1000} s`));
    }, silenceMs / 8);
    this.#watch.unref();
  }

  /** Ends the session: all waiting and further requests are rejected with `reason`. */
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

  /** Releases a handle without waiting. If that fails, the server frees it with the connection. */
  release(handle: Handle): void {
    if (!this.#lost) this.#channel.close(handle, () => {});
  }

  /**
   * The bytes of an open file from `start` up to `end`, in order; fewer when the file is shorter. Several pieces are
   * requested at once, and files that are read at the same time share that allowance.
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

  /** Reads `length` bytes in as many answers as it takes; fewer at the end of the file. */
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
        // Ignores answers that arrive after the session was lost.
        if (!this.#waiting.delete(reject)) return;
        this.#lastAnswer = performance.now();
        if (error) reject(error);
        else resolve(value);
      });
    });
  }
}

/** Waits for a promise, or rejects with the signal's reason once it aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/**
 * The longest read that the server answers at once. `ssh2` learns it from the server (limits@openssh.com) but does not
 * expose it, and splits longer reads into pieces that it requests one after the other.
 */
function readLength(channel: SftpChannel): number {
  const { _maxReadLen: most } = channel as unknown as { _maxReadLen?: unknown };
  return typeof most === 'number' && most > 0 ? Math.min(most, LONGEST_READ) : SURE_READ;
}
