import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';

/** A line that is not blank, without its newline. */
export interface Line {
  /** From 1, blank lines counted: what an editor shows. */
  number: number;
  /** All of them, or the first {@link KEPT_BYTES} of a line that is too long. */
  bytes: Uint8Array;
  /** How many it has: more than `bytes` where it is too long. */
  length: number;
  utf8: boolean;
}

/** So much is kept of a line that is longer than it may be. */
export const KEPT_BYTES = 64 * 1024;

const NEWLINE = 0x0a;

/**
 * Reads a file of JSON Lines; memory holds one line and one chunk. Blank lines are passed over.
 * @param maxBytes of a line that is longer only the beginning is kept, and never more than this is held
 */
export async function* readLines(file: string, maxBytes: number): AsyncGenerator<Line> {
  let number = 0;
  let open = new OpenLine(maxBytes);
  const end = (last: Buffer): Line | undefined => {
    number += 1;
    open.add(last);
    const line = open.line(number);
    open = new OpenLine(maxBytes);
    return line;
  };
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, start)) {
      const found = end(chunk.subarray(start, at));
      if (found) yield found;
      start = at + 1;
    }
    open.add(chunk.subarray(start));
  }
  const rest = open.length > 0 ? end(Buffer.alloc(0)) : undefined;
  if (rest) yield rest;
}

/** A line whose end is still to come. */
class OpenLine {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #blank = true;
  length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(piece: Buffer): void {
    if (piece.length === 0) return;
    const fits = this.length <= this.#maxBytes;
    this.length += piece.length;
    this.#blank &&= isBlank(piece);
    if (!fits) return;
    this.#pieces.push(piece);
    if (this.length > this.#maxBytes)
      this.#pieces = [Buffer.concat(this.#pieces, Math.min(KEPT_BYTES, this.#maxBytes))];
  }

  /** Undefined for a blank one. */
  line(number: number): Line | undefined {
    if (this.#blank) return undefined;
    const [first = Buffer.alloc(0)] = this.#pieces;
    const bytes = this.#pieces.length > 1 ? Buffer.concat(this.#pieces) : first;
    return { number, bytes, length: this.length, utf8: isUtf8(bytes) };
  }
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
  /** Bytes of the longest of them. */
  longest = 0;
  #length = 0;
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
    this.#length += end - start;
    for (let at = start; this.#blankSoFar && at < end; at += 1) {
      if (!isSpace(bytes[at] as number)) this.#blankSoFar = false;
    }
  }

  #end(): void {
    if (this.#blankSoFar) this.irregular = true;
    else {
      this.lines += 1;
      this.longest = Math.max(this.longest, this.#length);
    }
    this.#length = 0;
    this.#blankSoFar = true;
    this.#open = false;
  }
}
