import { describe, expect, it } from 'vitest';
import { Crc64Nvme } from '../../../src/connectors/s3/crc64nvme.ts';

describe('CRC-64/NVME', () => {
  it.each([
    ['', '0000000000000000'],
    // The check value of the catalogue of CRCs, and test vectors of the NVM Express specification.
    [Buffer.from('123456789'), 'ae8b14860a799888'],
    [Buffer.alloc(4096), '6482d367eb22b64e'],
    [Buffer.alloc(4096, 0xff), 'c0ddba7302eca3ac'],
  ])('of %#', (bytes, digest) => {
    expect(new Crc64Nvme().update(Buffer.from(bytes)).digest('hex')).toBe(digest);
  });

  it('is the same in pieces', () => {
    const pieces = new Crc64Nvme().update(Buffer.from('12345')).update(Buffer.from('6789'));
    expect(pieces.digest('hex')).toBe('ae8b14860a799888');
  });
});
