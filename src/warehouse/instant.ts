import type { EpochFormat } from '../feeds/types.ts';
import { literal } from './sql.ts';

/**
 * How text is read as a time: the program's only grammar for it, as SQL expressions over any VARCHAR expression. Pure.
 *
 * It is our own because DuckDB's cast to TIMESTAMPTZ keeps the last named zone for the values that follow, does not
 * read `T08:00Z`, and takes `01/05/26` for the year 1. DuckDB's cast to TIMESTAMP has none of these faults; it reads
 * the digits here once a pattern has checked their shape.
 *
 * Accepted is ISO 8601 as Java, Python and Postgres write it: `2026-01-05`, optionally followed by `T` or a blank and
 * `08:00`, `08:00:00` or `08:00:00.` with one to nine digits, optionally followed by a zone: `Z`, `UTC`, `+02`, `+0200`
 * or `+02:00`, with or without a blank before it. Without a zone it is UTC. Lower case `t` and `z` are accepted too
 * (RFC 3339).
 *
 * Not accepted are `24:00` (ISO 8601 removed it), a second `60` (no TIMESTAMP can hold it, and any other second would
 * be another instant), an offset beyond 14 hours (no place on Earth has one), the year 0, and dates that do not exist.
 * A value fits when the TIMESTAMP is the same instant to the microsecond.
 */

const DAY = '(?:[1-9]\\d{3}|0[1-9]\\d{2}|00[1-9]\\d|000[1-9])-\\d{2}-\\d{2}';
const MINUTES = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const SECONDS = ':[0-5]\\d(?:\\.\\d{1,9})?';
const CLOCK = `${MINUTES}(?:${SECONDS})?`;
const OFFSET = '[+-](?:(?:0\\d|1[0-3])(?::?[0-5]\\d)?|14(?::?00)?)';

const ZONE = ` ?(?:[Zz]|UTC|${OFFSET})`;
/** Spellings that DuckDB's cast to TIMESTAMP, which passes over an offset, reads as they are. */
const UTC = `${DAY}(?:[T ]${MINUTES}(?:${SECONDS}(?:Z|\\+00:00)?)?)?`;
/** Those of them without digits that a TIMESTAMP does not keep. */
const PLAIN = UTC.replace('{1,9}', '{1,6}');

const INSTANT = `${DAY}(?:[Tt ]${CLOCK}(?:${ZONE})?)?`;

/**
 * A regular expression for the whole text of a date with a time of day, understood by RE2 and by JavaScript. Where no
 * type is published, a column of such values is inferred to be a column of times.
 */
export const DATE_TIME_PATTERN = `${DAY}[Tt ]${CLOCK}(?:${ZONE})?`;

/**
 * The instant of a text as a TIMESTAMP in UTC; NULL when the text is not one. The most common spellings come first and cost
 * the least. Made of few functions: to bind them, for each column of times, is much of what a small file costs.
 */
export function instant(x: string): string {
  const local = `regexp_replace(upper(${x}), ' ?(?:Z|UTC|[+-][0-9:]+)$', '')`;
  const offset = `regexp_replace(regexp_extract(${x}, '[+-][0-9:]+$'), '[+]?(-?)(..):?(.*)', '\\1\\2 hours \\10\\3 minutes')`;
  return `CASE WHEN regexp_full_match(${x}, ${literal(UTC)}) THEN try_cast(${x} AS TIMESTAMP)
    WHEN regexp_full_match(${x}, ${literal(INSTANT)})
    THEN try_cast(${local} AS TIMESTAMP) - coalesce(try_cast(${offset} AS INTERVAL), INTERVAL 0 SECOND) END`;
}

/** The instant of a text in one of the most common spellings, as {@link instant} gives it; NULL for any other text. */
export function plainInstant(x: string): string {
  return `CASE WHEN regexp_full_match(${x}, ${literal(PLAIN)}) THEN try_cast(${x} AS TIMESTAMP) END`;
}

/** Only a day has so few characters. */
const isNoDay = (x: string) => `strlen(${x}) > 10`;

/** Whether a text is a date with a time of day. */
export function isDateTime(x: string): string {
  return `(${isNoDay(x)} AND ${instant(x)} IS NOT NULL)`;
}

/** A text that is a date with a time of day as a column of times would have it; of any other what is given. */
export function dateTimeText(x: string, otherwise: string): string {
  return `coalesce(CASE WHEN ${isNoDay(x)} THEN CAST(${instant(x)} AS VARCHAR) END, ${otherwise})`;
}

/**
 * The day of a text as a DATE; NULL when the text is not a plain date. One with a time of day is not: its hour would be
 * lost.
 */
export function day(x: string): string {
  return `CASE WHEN regexp_full_match(${x}, ${literal(DAY)}) THEN try_cast(${x} AS DATE) END`;
}

/** Whether an instant has non-zero digits beyond the microseconds that {@link instant} keeps. */
export function hasFurtherDigits(x: string): string {
  // The shortest such text has 27 characters, so most texts never reach the regular expression.
  return `(strlen(${x}) > 26 AND regexp_matches(${x}, '\\.\\d{6}\\d*[1-9]\\d*(?: ?(?:[Zz]|UTC|[+-][0-9:]+))?$'))`;
}

/** How many microseconds one unit has, and how many digits after the point they take. */
const EPOCH: Readonly<Record<EpochFormat, { micros: number; digits: number }>> = {
  epoch_s: { micros: 1_000_000, digits: 6 },
  epoch_ms: { micros: 1000, digits: 3 },
};

// The first and the last microsecond of the years 1 to 9999.
const FIRST = '-62135596800000000';
const LAST = '253402300799999999';

/** The instant of a count of seconds or milliseconds since 1970, with or without a fraction; NULL where it is none. */
export function epoch(x: string, format: EpochFormat): string {
  const { micros, digits } = EPOCH[format];
  // Further digits are cut off, not rounded, as in times with a clock.
  const cut = `regexp_replace(${x}, ${literal(`(\\.\\d{${digits}})\\d+$`)}, '\\1')`;
  const count = `CAST(try_cast(${cut} AS DECIMAL(30,6)) * ${micros} AS HUGEINT)`;
  return `CASE WHEN regexp_full_match(${x}, '-?\\d{1,15}(?:\\.\\d+)?') AND ${count} BETWEEN ${FIRST} AND ${LAST}
    THEN make_timestamp(CAST(${count} AS BIGINT)) END`;
}

/** As {@link hasFurtherDigits}, of an epoch. */
export function epochHasFurtherDigits(x: string, format: EpochFormat): string {
  return `regexp_matches(${x}, ${literal(`^-?\\d+\\.\\d{${EPOCH[format].digits}}\\d*[1-9]`)})`;
}
