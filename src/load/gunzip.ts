import { createGunzip, type Gunzip } from 'node:zlib';

/** The bytes are no gzip, end too early, or go on behind their end. */
export class DecompressError extends Error {}

const CHUNK_BYTES = 1 << 18;

/**
 * Decompresses what `chunks` hold, to their very end, in whatever pieces they come.
 *
 * As `gzip -t` judges it: one member may follow another, and zeros up to the end are padding. Whatever else follows is
 * an error and never dropped, a member behind zeros too (`gzip` itself leaves it out with no more than a warning).
 * Node's own stream ends at the first zero behind a member, and what becomes of the rest depends on how much of it was
 * in the same piece. So the pieces are given to it one by one, and what it leaves is looked at.
 * @throws DecompressError; whatever reading `chunks` throws
 */
export async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const engine = createGunzip({ chunkSize: CHUNK_BYTES });
  // Whoever reads from it meets the error; behind its end nobody does.
  engine.on('error', () => {});
  const feeding = feed(engine, chunks);
  feeding.catch(() => {});
  try {
    yield* engine as AsyncIterable<Buffer>;
    await feeding;
  } catch (error) {
    throw isOfZlib(error) ? new DecompressError((error as Error).message, { cause: error }) : error;
  } finally {
    engine.destroy();
  }
}

/** Gives the engine one piece after the other. What it leaves of one, and all that follows, must be padding. */
async function feed(engine: Gunzip, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const closed = new Promise<void>((resolve) => void engine.once('end', resolve).once('close', resolve));
  let given = 0;
  let isAtEnd = false;
  try {
    for await (const chunk of chunks) {
      if (isAtEnd) {
        mustBePadding(chunk);
        continue;
      }
      const taken = new Promise<void>((resolve) => void engine.write(chunk, () => resolve()));
      await Promise.race([taken, closed]);
      given += chunk.length;
      const left = given - engine.bytesWritten;
      // It has failed, or nobody wants any more of it.
      if (engine.errored || (engine.destroyed && left === 0)) return;
      isAtEnd = left > 0;
      mustBePadding(chunk.subarray(chunk.length - left));
    }
    engine.end();
  } catch (error) {
    engine.destroy(error as Error);
    throw error;
  }
}

function mustBePadding(bytes: Uint8Array): void {
  if (bytes.some((byte) => byte !== 0)) throw new DecompressError('it goes on behind its end');
}

function isOfZlib(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code?.startsWith('Z_') ?? false;
}
