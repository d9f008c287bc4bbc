import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';

/** A line that is not blank, without its newline. */
export interface Line {
  /** From 1, blank lines counted: what an editor shows. */
  number: number;
  bytes: Uint8Array;
  utf8: boolean;
}

const NEWLINE = 0x0a;

/** Reads a file of JSON Lines; memory holds one line and one chunk. Blank lines are passed over. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  let number = 0;
  let pieces: Buffer[] = [];
  const line = (last: Buffer): Line | undefined => {
    number += 1;
    const bytes = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
    pieces = [];
    return isBlank(bytes) ? undefined : { number, bytes, utf8: isUtf8(bytes) };
  };
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const found = line(chunk.subarray(start, end));
      if (found) yield found;
      start = end + 1;
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
  }
  const rest = pieces.length > 0 ? line(Buffer.alloc(0)) : undefined;
  if (rest) yield rest;
}

/** Only white space, which JSON Lines files may have between records. */
export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every(isSpace);
}

/** White space as DuckDB's reader knows it: blank, tab, vertical tab, form feed, carriage return. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Counts lines as bytes pass by, apart from DuckDB: what `lines = staged + rejected` is checked against. */
export class LineCounter {
  /** Lines that are not blank. */
  lines = 0;
  /** Blank lines between or after the others, or a byte order mark: line numbers or the first line need care. */
  irregular = false;
  /** The beginning of a line whose end is still to come, as far as it is white space. */
  #open = false;
  #blankSoFar = true;
  #first = true;

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#first && bytes.length > 0) {
      this.#first = false;
      if (bytes[0] === 0xef) this.irregular = true;
    }
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.#see(bytes, start, end);
      this.#end();
      start = end + 1;
    }
    if (start < bytes.length) {
      this.#see(bytes, start, bytes.length);
      this.#open = true;
    }
  }

  /** To be called after the last chunk. */
  finish(): void {
    if (this.#open) this.#end();
  }

  #see(bytes: Buffer, start: number, end: number): void {
    for (let at = start; this.#blankSoFar && at < end; at += 1) {
      if (!isSpace(bytes[at] as number)) this.#blankSoFar = false;
    }
  }

  #end(): void {
    if (this.#blankSoFar) this.irregular = true;
    else this.lines += 1;
    this.#blankSoFar = true;
    this.#open = false;
  }
}
