import {
  Agent as HttpAgent,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as overHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as overHttps } from 'node:https';
import { SourceError } from '../../errors.ts';
import { DEFAULT_LIMITS, type Limits, limitText } from '../../limits.ts';
import type { Bounds } from '../connector.ts';
import { networkError } from './failures.ts';
import type { Pace } from './pace.ts';

export interface Timeouts {
  /** Silence, before an answer or in the middle of one, after which the connection counts as dead. */
  silenceMs: number;
  /** The longest that a whole answer of the API, as opposed to a file, may take once it began. */
  answerMs: number;
}

const TIMEOUTS: Timeouts = { silenceMs: 30_000, answerMs: 60_000 };

export interface Call {
  method?: 'GET' | 'POST';
  headers?: OutgoingHttpHeaders;
  body?: string;
  signal?: AbortSignal;
}

/**
 * Sends requests over connections that are kept open, each at its turn.
 *
 * On `node:https` rather than `fetch`, which undoes `Content-Encoding`, so that a file's size and checksum no longer fit,
 * follows redirects with our secret in the headers, and can be told of a certificate only through another library.
 */
export class Http implements Disposable {
  readonly #https: HttpsAgent;
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #pace: Pace;
  readonly #timeouts: Timeouts;
  readonly #signal: AbortSignal | undefined;
  readonly #limits: Limits;
  #isClosed = false;

  /** @param around.ca certificates, as PEM, to trust in place of the usual ones */
  constructor(
    pace: Pace,
    {
      ca,
      timeouts = TIMEOUTS,
      signal,
      limits = DEFAULT_LIMITS,
    }: Bounds & { ca?: string; timeouts?: Timeouts },
  ) {
    // Said aloud so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot undo it.
    this.#https = new HttpsAgent({ keepAlive: true, rejectUnauthorized: true, ca });
    this.#pace = pace;
    this.#timeouts = timeouts;
    this.#signal = signal;
    this.#limits = limits;
  }

  /**
   * Sends one request. Redirects are not followed.
   * @returns the answer, whatever its status, its body unread; the signal and the time-out reach the body too
   * @throws SourceError when there is none; the signal's reason
   */
  async send(
    url: URL,
    { method = 'GET', headers, body, signal = this.#signal }: Call,
  ): Promise<IncomingMessage> {
    await this.#pace.turn(signal);
    signal?.throwIfAborted();
    // What a listing that was left early had still planned must not go on for its own sake.
    if (this.#isClosed) throw new SourceError(`the connection to ${url.host} is closed`);
    const [request, agent] = url.protocol === 'https:' ? [overHttps, this.#https] : [overHttp, this.#http];
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, agent, timeout: this.#timeouts.silenceMs });
      let stop = (error: Error) => void sent.destroy(error);
      const abort = () => stop(signal?.reason);
      signal?.addEventListener('abort', abort);
      sent.on('timeout', () => stop(silence(url.host, this.#timeouts.silenceMs)));
      sent.on('close', () => signal?.removeEventListener('abort', abort));
      sent.on('error', (error) => reject(signal?.aborted ? signal.reason : networkError(url.host, error)));
      sent.on('response', (answer) => {
        stop = (error) => void answer.destroy(error);
        // Whoever reads the body meets the error there; one that is not read is nobody's trouble.
        answer.on('error', () => {});
        resolve(answer);
      });
      sent.end(body);
    });
  }

  /** Reads the whole body of a short answer. */
  async read(url: URL, answer: IncomingMessage): Promise<string> {
    const { answerMs } = this.#timeouts;
    const timer = setTimeout(() => answer.destroy(silence(url.host, answerMs)), answerMs);
    try {
      return await this.#text(url, answer);
    } catch (error) {
      throw networkError(url.host, error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #text(url: URL, answer: IncomingMessage): Promise<string> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of answer as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > this.#limits.response_bytes)
        throw new SourceError(
          `the answer of ${url.host} is longer than ${limitText(this.#limits, 'response_bytes')}`,
        );
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#https.destroy();
    this.#http.destroy();
  }
}

/** Up to here it is cheaper to read the rest of an answer than to open another connection. */
const CHEAP_BYTES = 65_536;

/**
 * Leaves an answer whose body is not wanted. Whoever knows no ranges begins to send the whole file.
 * @param bytes how long the whole file is
 */
export function leave(answer: IncomingMessage, bytes: number): void {
  if (answer.statusCode === 200 && bytes > CHEAP_BYTES) answer.destroy();
  else answer.resume();
}

function silence(host: string, ms: number): SourceError {
  return new SourceError(`${host} did not answer within ${ms / 1000} s`, {
    retryable: true,
    hint: 'The next run tries again; look at the network if it stays so.',
  });
}
