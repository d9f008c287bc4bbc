/**
 * The ways in which the vendor's documents spell an instant. All are UTC milliseconds going in; each feed keeps to
 * one spelling. `undefined` (not known yet) becomes null.
 */

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const QUARTER = 15 * MINUTE;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Spells an instant; null for one that has not come. */
export type Spelling = (ms: number | undefined) => string | null;

/** `2026-01-05T14:03:11+00:00` */
export const isoSeconds = spelling((iso) => `${iso.slice(0, 19)}+00:00`);

/** `2026-01-05T14:03:11.123456+00:00` */
export const isoMicros = spelling((iso, ms) => `${iso.slice(0, 23)}${beyondMillis(ms, 3)}+00:00`);

/** `2026-01-05T14:03:11.123Z` */
export const isoZulu = spelling((iso) => iso);

/** `2026-01-05T14:03:11.123456789Z` */
export const isoNanos = spelling((iso, ms) => `${iso.slice(0, 23)}${beyondMillis(ms, 6)}Z`);

/** `2026-01-05T16:03:11.123+02:00`, the same instant on a clock two hours ahead. */
export const isoTwoHoursAhead = spelling(
  (_, ms) => `${new Date(ms + 2 * HOUR).toISOString().slice(0, 23)}+02:00`,
);

/** `2026-01-05 14:03:11` */
export const plainSeconds = spelling((iso) => iso.slice(0, 19).replace('T', ' '));

/** `2026-01-05 14:03:11.123` */
export const plainMillis = spelling((iso) => iso.slice(0, 23).replace('T', ' '));

/** `2026-01-05 14:03:11.123456+00:00` */
export const plainMicrosOffset = spelling(
  (iso, ms) => `${iso.slice(0, 23).replace('T', ' ')}${beyondMillis(ms, 3)}+00:00`,
);

/** The start of the 15 minutes that an instant falls in: the feeds' `instance_ts`. */
export function quarterOf(ms: number): number {
  return Math.floor(ms / QUARTER) * QUARTER;
}

/** Seconds between two instants, to the millisecond. */
export function secondsBetween(from: number, to: number): number {
  return (to - from) / SECOND;
}

/** `2026-01-05` */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** `07` */
export function hourOf(ms: number): string {
  return new Date(ms).toISOString().slice(11, 13);
}

/** `15` */
export function minuteOf(ms: number): string {
  return new Date(ms).toISOString().slice(14, 16);
}

function spelling(spell: (iso: string, ms: number) => string): Spelling {
  return (ms) => (ms === undefined ? null : spell(new Date(ms).toISOString(), ms));
}

/** Digits past the millisecond: made from the instant, so that it is spelled alike wherever it occurs. */
function beyondMillis(ms: number, digits: number): string {
  const onTheMinute = ms % MINUTE === 0;
  return String(onTheMinute ? 0 : ((ms % DAY) * 7919) % 10 ** digits).padStart(digits, '0');
}
