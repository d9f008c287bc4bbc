import { ReadableStream } from 'node:stream/web';
import { DecryptError } from './error.ts';

const BEGIN = '-----BEGIN PGP MESSAGE';

/** The bytes of one file as `openpgp` wants them: a web stream of bytes, or of text where the message is armoured. */
export class MessageInput {
  /** What went wrong with reading: the library puts it in other words. */
  failure: unknown;
  readonly isArmored: boolean;
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #onChunk: () => void;
  /** Read already, to see what it is. */
  #first: IteratorResult<Uint8Array> | undefined;
  /** The end of what went by, too short to hold {@link BEGIN}. */
  #tail = '';
  #messages = 0;

  private constructor(
    iterator: AsyncIterator<Uint8Array>,
    first: IteratorResult<Uint8Array>,
    onChunk: () => void,
  ) {
    this.#iterator = iterator;
    this.#onChunk = onChunk;
    this.#first = first;
    this.isArmored = !first.done && !isBinary(first.value);
    if (first.done) throw new DecryptError('it is empty');
    if (this.isArmored && !latin1(first.value).includes(BEGIN))
      throw new DecryptError('it is not encrypted with OpenPGP');
  }

  /** @param onChunk called whenever something was read */
  static async open(chunks: AsyncIterable<Uint8Array>, onChunk: () => void): Promise<MessageInput> {
    const iterator = chunks[Symbol.asyncIterator]();
    return new MessageInput(iterator, await iterator.next(), onChunk);
  }

  bytes(): ReadableStream<Uint8Array> {
    return this.#stream((chunk) => chunk);
  }

  text(): ReadableStream<string> {
    return this.#stream(latin1);
  }

  /** Reads what the library left: it stops at the end of an armoured message. */
  async drain(): Promise<void> {
    while (await this.#read());
  }

  /** Whoever reads wants no more. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  #stream<T>(convert: (chunk: Uint8Array) => T): ReadableStream<T> {
    return new ReadableStream<T>(
      {
        pull: async (controller) => {
          const chunk = await this.#read();
          if (chunk) controller.enqueue(convert(chunk));
          else controller.close();
        },
      },
      { highWaterMark: 0 },
    );
  }

  async #read(): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = this.#first ?? (await this.#iterator.next());
      this.#first = undefined;
      if (done) return undefined;
      this.#onChunk();
      if (this.isArmored) this.#mustBeOne(latin1(value));
      return value;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  /** The library reads the first of several armoured messages, and passes over the others without a word. */
  #mustBeOne(text: string): void {
    const seen = this.#tail + text;
    this.#messages += seen.split(BEGIN).length - 1;
    this.#tail = seen.slice(-(BEGIN.length - 1));
    if (this.#messages > 1) throw new DecryptError('it holds more than one OpenPGP message');
  }
}

/** Whether bytes are OpenPGP's packets, of which each begins with a high bit; text is armour, or nothing of OpenPGP. */
export function isBinary(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0x80) !== 0;
}

/** Armour is ASCII; what stands around it may be anything. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
