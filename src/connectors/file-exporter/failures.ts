import type { IncomingHttpHeaders } from 'node:http';
import { type ErrorDetails, SourceError } from '../../errors.ts';

/** What an error answer says of itself. */
export interface AnswerDetails extends ErrorDetails {
  status: number;
  /** The API's code, e.g. `403-01`, or the storage's, e.g. `AccessDenied`. */
  answerCode?: string;
  requestId?: string;
  /** How long we are asked to wait, in milliseconds. */
  retryAfterMs?: number;
}

/** The API, or the storage behind its links, answered with an error. */
export class AnswerError extends SourceError {
  readonly status: number;
  readonly answerCode: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { status, answerCode, requestId, retryAfterMs, ...details }: AnswerDetails) {
    super(message, { ...details, retryable: status === 429 || status >= 500 });
    this.status = status;
    this.answerCode = answerCode;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Codes of Node and OpenSSL that mean the certificate itself is refused: asking again changes nothing. */
const CERTIFICATE = /^(?:CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH)/;

/**
 * Puts what the network did into our words.
 * @param host shown; the rest of an address may hold a signature
 */
export function networkError(host: string, error: unknown): SourceError {
  if (error instanceof SourceError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  // Where a name has several addresses, the error that gathers theirs has no message of its own.
  const reason = message || code;
  if (CERTIFICATE.test(code))
    return new SourceError(`the certificate of ${host} is not trusted: ${reason}`, {
      hint: 'Where a proxy of your company stands between, name its certificate in NODE_EXTRA_CA_CERTS.',
      cause: error,
    });
  return new SourceError(`${host} could not be reached: ${reason}`, {
    retryable: true,
    hint: 'Check base_url, the network and its proxies; the next run tries again.',
    cause: error,
  });
}

/**
 * Reads `Retry-After`: seconds, or a date, which is compared with the server's own clock where it says that.
 * @returns milliseconds; undefined when there is none that makes sense
 */
export function retryAfter(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const until = Date.parse(value) - (Date.parse(headers.date ?? '') || nowMs);
  return Number.isNaN(until) ? undefined : Math.max(0, until);
}
