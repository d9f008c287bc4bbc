import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Api } from './api.ts';
import type { Clock } from './clock.ts';
import { AnswerError, retryAfter } from './failures.ts';
import type { Http } from './http.ts';
import type { Found } from './listings.ts';

/** How often a link that the storage refuses is asked for anew, within one try. */
const NEW_LINKS = 3;

/** Answers that say something about the file rather than that something went wrong. */
const MEANINGFUL = [200, 206, 304, 412, 416];

/** Gets files through the API's presigned links: asked for, used at once, forgotten, and never shown. */
export class Links {
  readonly #api: Api;
  readonly #http: Http;
  readonly #clock: Clock;

  constructor(api: Api, http: Http, clock: Clock) {
    this.#api = api;
    this.#http = http;
    this.#clock = clock;
  }

  /**
   * One try to get (a part of) a file.
   * @returns the storage's answer, its body unread; undefined when there is no such file
   * @throws AnswerError when the API or the storage answers with an error
   */
  async get(
    { path, parameters }: Found,
    headers: OutgoingHttpHeaders,
    signal?: AbortSignal,
  ): Promise<IncomingMessage | undefined> {
    for (let left = NEW_LINKS; ; left -= 1) {
      const link = await this.#api.link(parameters, signal);
      if (!link) return undefined;
      const answer = await this.#http.send(link, { headers, signal });
      const status = answer.statusCode as number;
      if (MEANINGFUL.includes(status)) return answer;
      // S3 says what is wrong in XML, among it what it expected to be signed: only the code is for showing.
      const code = /<Code>(\w+)<\/Code>/.exec(await this.#http.read(link, answer))?.[1];
      if (status === 404) return undefined;
      // With temporary credentials behind it, a link that is too old gets the second.
      const isExpired = status === 403 || code === 'ExpiredToken';
      if (isExpired && left > 0) continue;
      throw new AnswerError(
        `the storage at ${link.host} answered ${status}${code ? ` ${code}` : ''} for ${path}`,
        {
          status,
          answerCode: code,
          retryAfterMs: retryAfter(answer.headers, this.#clock.now()),
          hint: isExpired
            ? `${NEW_LINKS + 1} fresh links were refused; tell ASAPP if the next run meets the same.`
            : undefined,
        },
      );
    }
  }
}
