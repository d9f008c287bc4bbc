import { pipeline, type Readable, Transform } from 'node:stream';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { type Limits, limitText } from '../../limits.ts';

/** A response that is not a file and is longer than any needs to be. */
export class ResponseTooLong extends Error {
  constructor(limits: Limits) {
    super(`its answer is longer than ${limitText(limits, 'response_bytes')}`);
  }
}

/**
 * Limits the size of responses that the SDK reads whole: all except the bytes of files, which are streamed to the disk.
 */
export function limitResponses(client: S3Client, limits: Limits): void {
  client.middlewareStack.add(
    (next, context) => async (input) => {
      const result = await next(input);
      const response = result.response as { statusCode: number; body?: GetObjectCommandOutput['Body'] };
      const isFile = context.commandName === 'GetObjectCommand' && response.statusCode < 300;
      if (response.body && !isFile) response.body = bounded(response.body as Readable, limits) as never;
      return result;
    },
    // The last middleware of a step to see the request is the first to see its response.
    { step: 'deserialize', priority: 'low', name: 'boundAnswers' },
  );
}

function bounded(body: Readable, limits: Limits): Readable {
  let left = limits.response_bytes;
  const counter = new Transform({
    transform(chunk: Buffer, _, done) {
      left -= chunk.length;
      if (left < 0) done(new ResponseTooLong(limits));
      else done(null, chunk);
    },
  });
  // Whoever reads the stream gets the error.
  return pipeline(body, counter, () => {});
}
