import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Crc32, Crc64Nvme } from '@aws-sdk/checksums/crc';
import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { FileError } from '../../errors.ts';
import type { ListedFile } from '../connector.ts';

/** What a response says about the content of an object. */
export type ObjectFacts = Pick<
  GetObjectCommandOutput & HeadObjectCommandOutput,
  | 'ChecksumCRC32'
  | 'ChecksumCRC64NVME'
  | 'ChecksumSHA1'
  | 'ChecksumSHA256'
  | 'ChecksumType'
  | 'ServerSideEncryption'
  | 'SSECustomerAlgorithm'
>;

export interface Checksum {
  algorithm: 'MD5' | 'CRC64NVME' | 'CRC32' | 'SHA256' | 'SHA1';
  /** In hexadecimal, lower case. */
  digest: string;
}

/**
 * The checksum of the whole object that S3 keeps besides its ETag, where it has one. For objects uploaded in parts it
 * may be a checksum of the parts' checksums, which cannot be used here.
 */
export function checksumOf(facts: ObjectFacts): Checksum | undefined {
  if (facts.ChecksumType === 'COMPOSITE') return undefined;
  for (const algorithm of ['CRC64NVME', 'CRC32', 'SHA256', 'SHA1'] as const) {
    const value = facts[`Checksum${algorithm}`];
    if (value && !value.includes('-'))
      return { algorithm, digest: Buffer.from(value, 'base64').toString('hex') };
  }
  return undefined;
}

/** The ETag, where it is the MD5 of the content: not for uploads in parts, nor for some kinds of encryption. */
export function md5Of({ etag }: ListedFile, facts: ObjectFacts): Checksum | undefined {
  const isOther =
    facts.ServerSideEncryption?.startsWith('aws:kms') || facts.SSECustomerAlgorithm !== undefined;
  return !isOther && /^[0-9a-f]{32}$/.test(etag) ? { algorithm: 'MD5', digest: etag } : undefined;
}

/**
 * Compares the whole file on disk, including a beginning left by an earlier run.
 * @throws FileError when it differs
 */
export async function verifyChecksum(file: ListedFile, partial: string, checksum: Checksum): Promise<void> {
  const found = await digest(partial, checksum.algorithm);
  if (found !== checksum.digest) throw damagedError(file, checksum.algorithm);
}

/** The checksum of bytes as they come, so that they need not be read again. */
export class RunningChecksum {
  readonly #expected: Checksum;
  readonly #hash: Hash;
  /** How many it has seen. */
  bytes = 0;

  constructor(expected: Checksum) {
    this.#expected = expected;
    this.#hash = hashOf(expected.algorithm);
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.bytes += chunk.length;
  }

  /** @throws FileError when it differs */
  async verify(file: ListedFile): Promise<void> {
    const { algorithm, digest } = this.#expected;
    if ((await hexDigest(this.#hash)) !== digest) throw damagedError(file, algorithm);
  }
}

export function damagedError(file: ListedFile, algorithm: string, cause?: unknown): FileError {
  return new FileError(`${file.path} arrived damaged: its ${algorithm} is not the one that S3 keeps`, {
    hint: 'What came was thrown away; the next run fetches it again.',
    retryable: true,
    cause,
  });
}

async function digest(path: string, algorithm: Checksum['algorithm']): Promise<string> {
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 1 << 20 });
  const hash = hashOf(algorithm);
  for await (const chunk of chunks) hash.update(chunk);
  return hexDigest(hash);
}

async function hexDigest(hash: Hash): Promise<string> {
  return Buffer.from(await hash.digest()).toString('hex');
}

interface Hash {
  update(chunk: Uint8Array): unknown;
  digest(): Uint8Array | Promise<Uint8Array>;
}

function hashOf(algorithm: Checksum['algorithm']): Hash {
  if (algorithm === 'CRC64NVME') return new Crc64Nvme();
  if (algorithm === 'CRC32') return new Crc32();
  return createHash(algorithm);
}
