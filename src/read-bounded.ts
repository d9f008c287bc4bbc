import { createReadStream } from 'node:fs';

/**
 * The bytes of a file that a person named, which may be anything: of `/dev/zero` no more than this is read, and not the whole
 * memory full.
 * @throws NodeJS.ErrnoException as `readFile` does; with the code `EFBIG` for a file of more than `most` bytes
 */
export async function readBounded(file: string, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: most })) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (bytes.length <= most) return bytes;
  throw Object.assign(new Error(`${file} is larger than ${most} bytes`), { code: 'EFBIG' });
}
