import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { constants, gunzipSync } from 'node:zlib';
import type { Decryption } from '../../config/config.ts';
import type { Connector, ListedFile } from '../../connectors/connector.ts';
import { FileError } from '../../errors.ts';
import { decryptorFor } from '../../load/decrypt/decrypt.ts';
import { fileError } from '../../load/inspect.ts';
import { count } from '../../text.ts';
import type { NewestFile } from './newest.ts';

const HEAD_BYTES = 256 * 1024;
/** How much compressed data is decompressed: it may become a thousand times larger. */
const COMPRESSED_BYTES = 16 * 1024;

/**
 * Fetches the beginning of a file, decrypts and decompresses it, and describes its first line without showing it.
 * @throws SourceError when it does not arrive
 * @throws FileError when it is not as it should be
 */
export async function describeHead(
  connector: Connector,
  { listed, name }: NewestFile,
  decryption: Decryption | undefined,
  signal: AbortSignal,
): Promise<string> {
  const { path } = listed;
  let bytes = await fetchHead(connector, listed, signal);
  const steps = [`${count(bytes.length, 'byte')} fetched`];
  let isWhole = bytes.length === listed.bytes;
  if (name.encrypted) {
    bytes = await decryptHead(path, bytes, decryption);
    // The decryptor decides how much it returns at once, so the end cannot be told.
    isWhole = false;
    steps.push('decrypted');
  }
  if (name.gzip) {
    isWhole &&= bytes.length <= COMPRESSED_BYTES;
    bytes = decompressHead(path, bytes);
    steps.push('decompressed');
  }
  steps.push(describeLine(path, bytes, isWhole));
  return steps.join(', ');
}

async function fetchHead(connector: Connector, listed: ListedFile, signal: AbortSignal): Promise<Buffer> {
  const inPlace = connector.localPath?.(listed);
  if (inPlace) return readHead(inPlace);
  // It is customers' data: kept in a private folder, and deleted at once.
  const folder = await mkdtemp(join(tmpdir(), 'asapp-warehouse-'));
  try {
    const partial = join(folder, 'head');
    const enough = new AbortController();
    let received = 0;
    const onBytes = (more: number) => {
      received += more;
      if (received >= HEAD_BYTES) enough.abort();
    };
    await connector
      .fetch(listed, partial, { signal: AbortSignal.any([signal, enough.signal]), onBytes })
      .catch((error) => {
        signal.throwIfAborted();
        if (!enough.signal.aborted) throw error;
      });
    return await readHead(partial);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readHead(path: string): Promise<Buffer> {
  await using handle = await open(path);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

/** The first decrypted bytes. Whether they are authentic could only be told from the whole file. */
async function decryptHead(path: string, head: Buffer, decryption: Decryption | undefined): Promise<Buffer> {
  if (!decryption)
    throw new FileError(`${path} is encrypted, and no key is configured for its source`, {
      hint: 'Set decrypt of this source in warehouse.yaml.',
    });
  try {
    for await (const chunk of decryptorFor(decryption).decrypt(Readable.from([head])))
      if (chunk.length > 0) return Buffer.from(chunk);
    return Buffer.alloc(0);
  } catch (error) {
    throw withHint(
      path,
      error,
      'Look at decrypt of this source, and ask ASAPP which key the file is encrypted for.',
    );
  }
}

function decompressHead(path: string, head: Buffer): Buffer {
  try {
    return gunzipSync(head.subarray(0, COMPRESSED_BYTES), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw withHint(path, error, 'Look at the file, and ask ASAPP to export it again when it is damaged.');
  }
}

/** Adds a hint to an error that has none. */
function withHint(path: string, cause: unknown, hint: string): unknown {
  const error = fileError(path, cause);
  if (!(error instanceof FileError) || error.hint !== undefined) return error;
  return new FileError(error.message, { hint, cause });
}

function describeLine(path: string, bytes: Buffer, isWhole: boolean): string {
  const end = bytes.indexOf('\n');
  if (end === -1 && !isWhole) return 'its first line is long';
  const line = bytes.toString('utf8', 0, end === -1 ? bytes.length : end).replace(/^\ufeff/, '');
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return `its first line is a JSON object of ${count(Object.keys(value).length, 'field')}`;
  } catch {
    // The line is not shown, since it may hold personal data; a person can look at the file.
  }
  throw new FileError(`the first line of ${path} is not a JSON object`, {
    hint: 'Look at the file. Lines like that are kept as rejected when it is loaded.',
  });
}
