import { createHash } from 'node:crypto';

/**
 * The word of `known` that was most likely meant by `word`; undefined when none is close. Case, `-` and `_` are
 * ignored, so that `lookBackDays` finds `look_back_days`.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { word: candidate, distance };
  }
  // One wrong letter in three can still be a typing error; beyond that a guess would mislead.
  return best && best.distance <= Math.max(1, Math.floor(wanted.length / 3)) ? best.word : undefined;
}

/**
 * The end of a message about an unknown name: ` (did you mean "…"?)`, or nothing when no name is close.
 * @param known names, or `schema.name` ids: a bare name is also compared with the last part of an id
 */
export function didYouMean(word: string, known: Iterable<string>): string {
  const names = [...known];
  const byLastPart = new Map(names.map((name) => [name.slice(name.lastIndexOf('.') + 1), name]));
  const found = nearest(word, names) ?? byLastPart.get(nearest(word, byLastPart.keys()) ?? '');
  return found === undefined ? '' : ` (did you mean ${JSON.stringify(found)}?)`;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '');
}

/** How many letters to insert, delete, replace or swap with their neighbour to turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cost = Math.min(cost, at(beforeLast, column - 2) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] as number;
}

/** The SHA-256 of a text, in hexadecimal. */
export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A number of things, for people: `1 file`, `12,345 rows`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

/** A day as people read it, UTC: `2026-01-31`. */
export function dayText(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/** `2026-01-31 07:00` */
export function minuteText(time: Date): string {
  return time.toISOString().slice(0, 16).replace('T', ' ');
}

/** `2026-01-31 07:00:00` */
export function secondText(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}

/** For `JSON.stringify`, which knows no integers of 64 bits: they go as their digits. */
export function bigintText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
