import { SourceError } from '../../errors.ts';
import { redactor } from '../../redact.ts';
import { isProtected, leadsToThisMachine } from '../address.ts';
import type { Clock } from './clock.ts';
import { AnswerError, retryAfter } from './failures.ts';
import type { Call, Http } from './http.ts';
import { retrying } from './retry.ts';

/** The parameters of the seven endpoints, each spelled as the API answered it. */
export interface Parameters {
  feed?: string;
  version?: string;
  format?: string;
  date?: string;
  /** Left out for feeds that have none. */
  interval?: string;
  fileName?: string;
}

/** What can be listed: the key of the answer; the endpoint is called after it. */
export type Listable = 'feeds' | 'versions' | 'formats' | 'dates' | 'intervals' | 'files';

export interface Access {
  /** Without a slash at its end. */
  baseUrl: string;
  apiId: string;
  apiSecret: string;
}

/** The File Exporter API, request by request. Knows nothing of folders. */
export class Api {
  readonly #access: Access;
  readonly #http: Http;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;

  /** @param signal ends listings and what waits between two tries */
  constructor(access: Access, http: Http, clock: Clock, signal?: AbortSignal) {
    this.#access = access;
    this.#http = http;
    this.#clock = clock;
    this.#signal = signal;
  }

  /**
   * @returns what the API answers, as it spells it; nothing when it does not know what was asked about
   * @throws SourceError after retries
   */
  async list(what: Listable, parameters: Parameters): Promise<string[]> {
    const endpoint = what === 'feeds' ? 'listfeeds' : `listfeed${what}`;
    const asked = retrying(this.#clock, this.#signal, () => this.#ask(endpoint, parameters));
    // Feeds can always be asked for: a 404 there is no answer.
    const answer = what === 'feeds' ? await asked : await this.#known(asked);
    if (!answer) return [];
    // An empty list may be written as null. One that is not there at all is no answer: the API file calls no key of an
    // answer required, but then anything that says 200 would be a feed without days.
    const values = answer[what] === null ? [] : answer[what];
    if (!Array.isArray(values) || values.some((value) => typeof value !== 'string'))
      throw new SourceError(`${endpoint} at ${this.#access.baseUrl} answered no list of ${what}`, {
        hint: 'Check base_url: something answers there, but not as File Exporter does.',
      });
    return [...new Set(values)];
  }

  /**
   * Asks for a link to one file, good for a short while. One try: the caller tries again together with what it does
   * with the link, so that the tries do not multiply.
   * @returns undefined when the API does not know the file
   */
  async link(parameters: Parameters, signal?: AbortSignal): Promise<URL | undefined> {
    const answer = await this.#known(this.#ask('getfeedfile', parameters, signal));
    if (!answer) return undefined;
    const { url } = answer;
    // The API file's example has no `https://` in front.
    const link = typeof url === 'string' ? parseUrl(url.includes('://') ? url : `https://${url}`) : undefined;
    const { baseUrl } = this.#access;
    if (!link || !isProtected(link))
      throw new SourceError(`getfeedfile at ${baseUrl} answered no https link`);
    if (leadsToThisMachine(link, new URL(baseUrl)))
      throw new SourceError(
        `getfeedfile at ${baseUrl} answered a link to ${link.hostname}, on this machine`,
        {
          hint: 'Nothing of this server can be trusted before ASAPP has looked into that.',
        },
      );
    return link;
  }

  /** One `GET /v1/health`, with retries. */
  async health(): Promise<unknown> {
    const answer = await retrying(this.#clock, this.#signal, () => this.#call('GET', '/v1/health'));
    return answer.healthCheck;
  }

  /** Takes a 404 for what it is: an answer. */
  async #known<T>(answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer;
    } catch (error) {
      // One that the API did not put into its own form comes from elsewhere: base_url is wrong, say.
      if (error instanceof AnswerError && error.status === 404 && error.requestId !== undefined)
        return undefined;
      throw error;
    }
  }

  #ask(endpoint: string, parameters: Parameters, signal?: AbortSignal): Promise<Record<string, unknown>> {
    // listfeeds has no parameters, and then no body either.
    const content: Call =
      Object.keys(parameters).length === 0
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(parameters) };
    const about = parameters.fileName ?? parameters.feed;
    return this.#call('POST', `/fileexporter/v1/static/${endpoint}`, { ...content, signal }, about);
  }

  /** @param about what is asked about, for messages */
  async #call(method: 'GET' | 'POST', path: string, call: Call = {}, about?: string) {
    const url = new URL(this.#access.baseUrl + path);
    const name = `${method} ${url.href}${about === undefined ? '' : ` for ${this.#printable(about)}`}`;
    const { apiId, apiSecret } = this.#access;
    const headers = { accept: 'application/json', 'asapp-api-id': apiId, 'asapp-api-secret': apiSecret };
    const answer = await this.#http.send(url, { ...call, method, headers: { ...headers, ...call.headers } });
    const status = answer.statusCode as number;
    const body = parseObject(await this.#http.read(url, answer));
    if (status === 200) {
      if (body) return body;
      throw new SourceError(`${name} did not answer JSON`, {
        hint: 'Something other than ASAPP may be answering, such as the sign-in page of a proxy: check base_url.',
      });
    }
    const { message, code, requestId } = this.#errorOf(body);
    const details = [code && `code ${code}`, requestId && `request ${requestId}`].filter(Boolean).join(', ');
    const said = [message, details && `(${details})`].filter(Boolean).join(' ');
    throw new AnswerError(`${name} answered ${status}${said && `: ${said}`}`, {
      status,
      answerCode: code,
      requestId,
      retryAfterMs: retryAfter(answer.headers, this.#clock.now()),
      hint: HINTS[status],
    });
  }

  /** What an error answer says of itself, fit to be shown. */
  #errorOf(body: Record<string, unknown> | undefined): Described {
    const error = Object(body?.error) as Record<string, unknown>;
    const shown: Described = {};
    for (const key of ['message', 'code', 'requestId'] as const) {
      const value = error[key];
      if (typeof value === 'string') shown[key] = this.#printable(value);
    }
    return shown;
  }

  /** Text from outside: one line, not long, without our secrets or the signatures of links. */
  #printable(message: string): string {
    const line = message.replace(/[\p{Cc}\s]+/gu, ' ').replace(/(:\/\/[^\s?"]*)\?[^\s"]*/g, '$1?…');
    return redactor([this.#access.apiSecret, this.#access.apiId])(line).slice(0, 300);
  }
}

interface Described {
  message?: string;
  code?: string;
  requestId?: string;
}

/** What a person can do about an answer that trying again does not change. */
const HINTS: Record<number, string> = {
  401: 'Check api_id and api_secret, and that they belong to base_url: sandbox and production are apart.',
  404: 'Check base_url: something answers there, but it does not look like File Exporter.',
  403: 'Ask ASAPP to allow File Exporter, and its data feeds, for this api_id.',
  429: 'Lower requests_per_second, or ask ASAPP who else uses this api_id.',
};

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
