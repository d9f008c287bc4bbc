import type { IncomingMessage } from 'node:http';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ListedFile } from '../connector.ts';
import type { ObjectFacts } from './checksum.ts';

type Handler = S3Client['config']['requestHandler'];
type Request = Parameters<Handler['handle']>[0];
type Signer = Awaited<ReturnType<S3Client['config']['signer']>>;

/** An object's answer, as far as it is looked at. */
export interface ObjectAnswer extends ObjectFacts {
  ETag?: string;
  ContentLength?: number;
  ContentRange?: string;
}

/** The SDK's request for one object, without what is of this one alone. */
interface Example {
  request: Request;
  /** The path without the key. */
  base: string;
  signer: Signer;
}

/** Headers that are of one request, and of its signature. */
const OF_ONE = [
  ...['amz-sdk-invocation-id', 'amz-sdk-request', 'if-match', 'range'],
  ...['authorization', 'x-amz-date', 'x-amz-security-token'],
];

/**
 * Asks for whole objects with less ado than the SDK, whose work for one request costs three times as much as sending it and
 * reading a small answer do.
 *
 * The SDK makes the first request: it knows where the bucket is and how it is asked. The others are made like that one,
 * with the SDK's own signer and over its own connections. Whatever does not answer with the object is left to the SDK.
 */
export class DirectRequests {
  readonly #client: S3Client;
  #example: Example | undefined;

  constructor(client: S3Client) {
    this.#client = client;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const { Key } = args.input as { Key?: string };
        if (context.commandName === 'GetObjectCommand' && Key !== undefined)
          this.#example ??= await this.#exampleOf(
            args.request as Request,
            Key,
            context.endpointV2?.properties,
          );
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low', name: 'learnToGet' },
    );
  }

  /**
   * @param key of the object; the file as it was listed
   * @returns the answer, and for `GET` a body that is to be read; undefined where the SDK is to be asked
   * @throws the signal's reason
   */
  async ask(
    method: 'GET' | 'HEAD',
    key: string,
    { etag }: ListedFile,
    signal?: AbortSignal,
  ): Promise<{ answer: ObjectAnswer; body: IncomingMessage } | undefined> {
    if (!this.#example) return undefined;
    const { request, base, signer } = this.#example;
    const { systemClockOffset, requestHandler } = this.#client.config;
    const asked = request.clone();
    asked.method = method;
    asked.path = base + escaped(key);
    asked.headers = { ...request.headers, 'if-match': `"${etag}"`, 'x-amz-checksum-mode': 'ENABLED' };
    try {
      const signingDate = new Date(Date.now() + systemClockOffset);
      const signed = (await signer.sign(asked, { signingDate })) as Request;
      const { response } = await requestHandler.handle(signed, { ...(signal && { abortSignal: signal }) });
      const body = response.body as IncomingMessage;
      if (response.statusCode === 200) return { answer: answerOf(response.headers), body };
      body.destroy();
    } catch {
      signal?.throwIfAborted();
    }
    return undefined;
  }

  /** Undefined for buckets that are asked in a way of their own, such as those of S3 Express. */
  async #exampleOf(
    request: Request,
    key: string,
    properties: Record<string, unknown> | undefined,
  ): Promise<Example | undefined> {
    const [scheme] = (properties?.authSchemes ?? []) as Parameters<S3Client['config']['signer']>;
    const end = escaped(key);
    if (scheme?.name !== 'sigv4' || !request.path.endsWith(`/${end}`)) return undefined;
    const copy = request.clone();
    for (const name of Object.keys(copy.headers))
      if (OF_ONE.includes(name.toLowerCase())) delete copy.headers[name];
    const signer = await this.#client.config.signer(scheme);
    return { request: copy, base: request.path.slice(0, -end.length), signer };
  }
}

/** A key as it stands in a path. */
function escaped(key: string): string {
  const hex = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return key
    .split('/')
    .map((name) => encodeURIComponent(name).replace(/[!'()*]/g, hex))
    .join('/');
}

function answerOf(headers: Record<string, string | undefined>): ObjectAnswer {
  const length = headers['content-length'];
  return {
    ETag: headers.etag,
    ContentLength: length === undefined ? undefined : Number(length),
    ContentRange: headers['content-range'],
    ChecksumCRC32: headers['x-amz-checksum-crc32'],
    ChecksumCRC64NVME: headers['x-amz-checksum-crc64nvme'],
    ChecksumSHA1: headers['x-amz-checksum-sha1'],
    ChecksumSHA256: headers['x-amz-checksum-sha256'],
    ChecksumType: headers['x-amz-checksum-type'] as ObjectAnswer['ChecksumType'],
    ServerSideEncryption: headers['x-amz-server-side-encryption'] as ObjectAnswer['ServerSideEncryption'],
    SSECustomerAlgorithm: headers['x-amz-server-side-encryption-customer-algorithm'],
  };
}
