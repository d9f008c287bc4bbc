/**
 * CRC-64/NVME (reflected polynomial 0x9a6c9329ac4bc9b5), the checksum that S3 gives to every object of its own accord.
 * Node has no CRC of 64 bits, and the AWS SDK uses its own only on bodies that come in one piece.
 */
export class Crc64Nvme {
  #high = 0xffffffff;
  #low = 0xffffffff;

  update(bytes: Uint8Array): this {
    const { high, low } = TABLE;
    let [h, l] = [this.#high, this.#low];
    for (const byte of bytes) {
      const index = (l ^ byte) & 0xff;
      l = ((l >>> 8) | (h << 24)) ^ (low[index] as number);
      h = (h >>> 8) ^ (high[index] as number);
    }
    this.#high = h;
    this.#low = l;
    return this;
  }

  digest(_encoding: 'hex'): string {
    return [this.#high, this.#low].map((half) => (~half >>> 0).toString(16).padStart(8, '0')).join('');
  }
}

/** For each byte, what it adds to the remainder, in two halves: JavaScript's bit operations have 32 bits. */
const TABLE = (() => {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x9a6c9329ac4bc9b5n : crc >> 1n;
    high[byte] = Number(crc >> 32n);
    low[byte] = Number(crc & 0xffffffffn);
  }
  return { high, low };
})();
