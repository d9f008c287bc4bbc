import { MARK } from './digits.ts';

/** What the bytes of a line show that DuckDB's JSON does not. */
export interface Scanned {
  /** The line with those numbers as strings with a mark that DuckDB would spell otherwise; undefined where there are none. */
  marked: Buffer | undefined;
  /** It has words that are no JSON (RFC 8259), such as `NaN` or `Infinity`, some of which DuckDB lets through. */
  hasOddWords: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const WORDS = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/**
 * Looks through a line once, byte by byte: far less work than regular expressions in SQL, which look at each line again for
 * each question. Whether the line is JSON at all DuckDB decides; of one that is not, what is found here means nothing.
 */
export function scanLine(line: Uint8Array): Scanned {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const pieces: Buffer[] = [];
  let copied = 0;
  let hasOddWords = false;
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
    } else if (isDigit(byte) || byte === 0x2d) {
      const end = endOfNumber(bytes, at);
      if (isRespelled(bytes, at, end)) {
        pieces.push(bytes.subarray(copied, at), Buffer.from(`"${MARK}${bytes.toString('latin1', at, end)}"`));
        copied = end;
      }
      at = end;
    } else if (isLetter(byte)) {
      const word = WORDS.find((each) => bytes.subarray(at, at + each.length).equals(each));
      if (!word) hasOddWords = true;
      at += word?.length ?? 1;
    } else {
      at += 1;
    }
  }
  return {
    marked: pieces.length === 0 ? undefined : Buffer.concat([...pieces, bytes.subarray(copied)]),
    hasOddWords,
  };
}

/** Where a string that begins at a quote is over. */
function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function endOfNumber(bytes: Buffer, start: number): number {
  let at = start + 1;
  while (at < bytes.length && isOfNumber(bytes[at] as number)) at += 1;
  return at;
}

/** Digits, `.`, `e`, `E`, `+` and `-`. */
function isOfNumber(byte: number): boolean {
  return isDigit(byte) || byte === 0x2e || (byte | 0x20) === 0x65 || byte === 0x2b || byte === 0x2d;
}

/**
 * Whether DuckDB would give other digits for a number: it keeps integers, of any length, and writes what it read as a double
 * with the fewest digits that tell it from others, as JavaScript does where neither takes an exponent.
 */
function isRespelled(bytes: Buffer, start: number, end: number): boolean {
  let isInteger = true;
  for (let at = start + 1; isInteger && at < end; at += 1) isInteger = isDigit(bytes[at] as number);
  if (isInteger) return false;
  const text = bytes.toString('latin1', start, end);
  const number = Number(text);
  const size = Math.abs(number);
  if (!(size < 1e15) || (size < 1e-4 && number !== 0)) return !Number.isNaN(number);
  return (Number.isInteger(number) ? `${number}.0` : String(number)) !== text;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
