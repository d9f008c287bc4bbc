import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DecompressError, gunzip } from '../../src/load/gunzip.ts';

/** The bytes in pieces whose lengths go round. */
async function* pieces(bytes: Buffer, lengths: readonly number[]): AsyncGenerator<Buffer> {
  for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
    const end = start + (lengths[turn % lengths.length] as number);
    yield bytes.subarray(start, end);
    start = end;
  }
}

async function decompressed(bytes: Buffer, lengths: readonly number[] = [1 << 20]): Promise<Buffer> {
  const got: Buffer[] = [];
  for await (const piece of gunzip(pieces(bytes, lengths))) got.push(piece);
  return Buffer.concat(got);
}

const LINE = '{"issue_id":1}\n';
const zeros = (length: number) => Buffer.alloc(length);
/** Bytes that gzip makes no smaller. */
const noise = (length: number) => randomBytes(length);

test.each([412, 6_800, 67_000, 333_000, 1_400_000])(
  'zeros at the end are padding, and anything behind them is refused: %i bytes',
  async (length) => {
    const plain = noise(length - 23);
    const member = gzipSync(plain);
    for (const padding of [0, 1, 511, 70_000, 1 << 20]) {
      const padded = Buffer.concat([member, zeros(padding)]);
      expect((await decompressed(padded)).equals(plain)).toBe(true);
      for (const tail of [Buffer.from(LINE), gzipSync(LINE), Buffer.of(1)])
        await expect(decompressed(Buffer.concat([padded, zeros(1), tail]))).rejects.toThrow(
          new DecompressError('it goes on behind its end'),
        );
    }
  },
);

test('behind a member that ends where a piece ends, another one or padding is read and garbage is refused', async () => {
  const member = gzipSync(LINE);
  const [end] = [member.length];
  expect(String(await decompressed(Buffer.concat([member, member]), [end]))).toBe(LINE + LINE);
  expect(String(await decompressed(Buffer.concat([member, zeros(end)]), [end]))).toBe(LINE);
  for (const tail of [LINE, '\x1f', '\x1f\x8b'])
    await expect(decompressed(Buffer.concat([member, Buffer.from(tail, 'latin1')]), [end])).rejects.toThrow(
      DecompressError,
    );
});

test('an error of what is read is passed on as it is, even after the end of the file', async () => {
  async function* failing() {
    yield Buffer.concat([gzipSync(LINE), zeros(10)]);
    throw new RangeError('the proof is missing');
  }
  await expect(async () => {
    for await (const _ of gunzip(failing()));
  }).rejects.toThrow(new RangeError('the proof is missing'));
});

test('a reader that leaves early ends the reading', async () => {
  let closed = false;
  async function* endless() {
    try {
      for (;;) yield gzipSync(noise(100_000));
    } finally {
      closed = true;
    }
  }
  for await (const _ of gunzip(endless())) break;
  await expect.poll(() => closed).toBe(true);
});

describe('a file of any members, padding and tail', () => {
  const member = fc
    .tuple(fc.integer({ min: 0, max: 40_000 }), fc.boolean(), fc.constantFrom(0, 1, 9))
    .map(([length, isNoise, level]) => {
      const plain = isNoise ? noise(length) : Buffer.from(LINE.repeat(length / LINE.length));
      return { plain, bytes: gzipSync(plain, { level }) };
    });
  const tail = fc.oneof(
    { weight: 3, arbitrary: fc.constant(zeros(0)) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 70_000 }).map(zeros) },
    fc
      .tuple(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 1, max: 255 }))
      .map(([length, byte]) => Buffer.concat([zeros(length), Buffer.of(byte)])),
    fc
      .tuple(fc.integer({ min: 1, max: 70_000 }), member)
      .map(([length, { bytes }]) => Buffer.concat([zeros(length), bytes])),
  );

  test('is read as gzip reads it, in whatever pieces it comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(member, { minLength: 1, maxLength: 4 }),
        tail,
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 12 }),
        async (members, behind, lengths, cut) => {
          const whole = Buffer.concat([...members.map(({ bytes }) => bytes), behind]);
          const bytes = whole.subarray(0, whole.length - cut);
          // 2 is a warning: something behind the end was left out.
          const isWhole = spawnSync('gzip', ['-t'], { input: bytes }).status === 0;
          const read = decompressed(bytes, lengths);
          if (!isWhole) return void (await expect(read).rejects.toThrow(DecompressError));
          const plain = spawnSync('gzip', ['-dc'], { input: bytes, maxBuffer: 1 << 28 }).stdout;
          expect((await read).equals(plain)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });
});
