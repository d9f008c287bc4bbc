import { pipeline, type Readable, Transform } from 'node:stream';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { type Limits, limitText } from '../../limits.ts';

/** An answer that is no file and is longer than any has to be. */
export class AnswerTooLong extends Error {
  constructor(limits: Limits) {
    super(`its answer is longer than ${limitText(limits, 'response_bytes')}`);
  }
}

/** Bounds the answers that the SDK reads whole: all but the bytes of files, which go to the disk as they come. */
export function boundAnswers(client: S3Client, limits: Limits): void {
  client.middlewareStack.add(
    (next, context) => async (input) => {
      const result = await next(input);
      const response = result.response as { statusCode: number; body?: GetObjectCommandOutput['Body'] };
      const isFile = context.commandName === 'GetObjectCommand' && response.statusCode < 300;
      if (response.body && !isFile) response.body = bounded(response.body as Readable, limits) as never;
      return result;
    },
    // The last of its step to see a question is the first to see its answer.
    { step: 'deserialize', priority: 'low', name: 'boundAnswers' },
  );
}

function bounded(body: Readable, limits: Limits): Readable {
  let left = limits.response_bytes;
  const counter = new Transform({
    transform(chunk: Buffer, _, done) {
      left -= chunk.length;
      if (left < 0) done(new AnswerTooLong(limits));
      else done(null, chunk);
    },
  });
  // Whoever reads the counter meets the error.
  return pipeline(body, counter, () => {});
}
