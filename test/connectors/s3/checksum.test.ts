import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Checksum, checksumOf, md5Of, verifyChecksum } from '../../../src/connectors/s3/checksum.ts';
import { FileError } from '../../../src/errors.ts';
import { rejection } from '../contract.ts';

const file = { path: 'f/f.jsonl', bytes: 9, etag: '25f9e794323b453885f5181f1b624d0b' };

describe('the MD5 in an ETag', () => {
  it('is known for objects that were uploaded in one piece', () => {
    expect(md5Of(file, {})).toEqual({ algorithm: 'MD5', digest: file.etag });
    expect(md5Of(file, { ServerSideEncryption: 'AES256' })).toEqual({ algorithm: 'MD5', digest: file.etag });
  });

  it('is not known for uploads in parts, nor where the key is in KMS or the customer’s', () => {
    expect(md5Of({ ...file, etag: `${file.etag}-2` }, {})).toBeUndefined();
    expect(md5Of(file, { ServerSideEncryption: 'aws:kms' })).toBeUndefined();
    expect(md5Of(file, { ServerSideEncryption: 'aws:kms:dsse' })).toBeUndefined();
    expect(md5Of(file, { SSECustomerAlgorithm: 'AES256' })).toBeUndefined();
  });
});

describe('the checksum of an object', () => {
  it('is taken only where it is of the whole, and not of the parts', () => {
    expect(checksumOf({ ChecksumCRC32: 'y/Q5Jg==' })).toEqual({ algorithm: 'CRC32', digest: 'cbf43926' });
    expect(checksumOf({ ChecksumCRC32: 'y/Q5Jg==', ChecksumType: 'FULL_OBJECT' })).toBeDefined();
    expect(checksumOf({ ChecksumCRC32: 'y/Q5Jg==', ChecksumType: 'COMPOSITE' })).toBeUndefined();
    expect(checksumOf({ ChecksumSHA256: 'y/Q5Jg==-3' })).toBeUndefined();
    expect(checksumOf({})).toBeUndefined();
  });

  let scratch: string;
  let path: string;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'checksum-'));
    path = join(scratch, 'digits');
    await writeFile(path, '123456789');
  });
  afterAll(() => rm(scratch, { recursive: true }));

  it.each<[Checksum['algorithm'], string]>([
    ['MD5', '25f9e794323b453885f5181f1b624d0b'],
    ['CRC32', 'cbf43926'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ])('is compared with the bytes on disk: %s', async (algorithm, digest) => {
    await verifyChecksum(file, path, { algorithm, digest });
    const wrong = `${digest.slice(0, -1)}${digest.endsWith('0') ? 1 : 0}`;
    const failed = await rejection(verifyChecksum(file, path, { algorithm, digest: wrong }));
    expect(failed).toBeInstanceOf(FileError);
    expect(failed).toMatchObject({
      message: expect.stringContaining(`f/f.jsonl arrived damaged: its ${algorithm}`),
    });
  });

  it.each<[Checksum['algorithm'], string]>([
    ['CRC32', '72d4b6ce'],
    ['CRC64NVME', '1d83a3a775a93754'],
  ])('is the same for a file that takes several reads: %s', async (algorithm, digest) => {
    const long = join(scratch, 'long');
    await writeFile(long, '123456789'.repeat(250_000));
    await verifyChecksum(file, long, { algorithm, digest });
  });
});
