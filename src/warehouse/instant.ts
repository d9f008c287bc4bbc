import type { EpochFormat } from '../feeds/types.ts';
import { literal } from './sql.ts';

/**
 * Texts as times: the one grammar of the program, as SQL expressions over any expression of type VARCHAR. Pure.
 *
 * It is our own, since DuckDB's cast to TIMESTAMPTZ has a state (a named zone stays in force for the values that follow), does
 * not read `T08:00Z`, and takes `01/05/26` for the year 1. Its cast to TIMESTAMP has none, and is what reads the digits here,
 * once the shape is known.
 *
 * What is accepted is ISO 8601 as Java, Python and Postgres write it: `2026-01-05`, then maybe `T` or a blank and `08:00`,
 * `08:00:00` or `08:00:00.` with one to nine digits, then maybe a zone: `Z`, `UTC`, `+02`, `+0200` or `+02:00`, with or
 * without a blank before it. No zone is UTC; `t` and `z` are as good as the capitals (RFC 3339). Not accepted: `24:00` (ISO 8601 took it out) and a second `60`
 * (no TIMESTAMP holds it, and any other second is another instant), an offset beyond 14 hours (there is none on Earth), the year
 * 0, and a date that does not exist. A value fits when it is the same instant to the microsecond.
 */

const DAY = '(?:[1-9]\\d{3}|0[1-9]\\d{2}|00[1-9]\\d|000[1-9])-\\d{2}-\\d{2}';
const CLOCK = '(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,9})?)?';
const OFFSET = '[+-](?:(?:0\\d|1[0-3])(?::?[0-5]\\d)?|14(?::?00)?)';

const ZONE = ` ?(?:[Zz]|UTC|${OFFSET})`;
/** Spellings that DuckDB's cast to TIMESTAMP reads as they are. */
const UTC = `${DAY}(?:[T ]${CLOCK})?|${DAY}[T ][0-9:]{8}(?:\\.\\d+)?Z`;

const INSTANT = `${DAY}(?:[Tt ]${CLOCK}(?:${ZONE})?)?`;

/**
 * Times that are not only a date: what a column of times is told by, where nobody publishes its type. A regular expression
 * for the whole of a text, understood by RE2 and by JavaScript.
 */
export const CLOCKED_PATTERN = `${DAY}[Tt ]${CLOCK}(?:${ZONE})?`;

/** The instant of a text as a TIMESTAMP in UTC; NULL where it is none. */
export function instant(x: string): string {
  // The commonest spellings first, each with the least work.
  const capitals = `upper(${x})`;
  const without = (zone: string) => `try_cast(rtrim(left(${capitals}, -strlen(${zone}))) AS TIMESTAMP)`;
  const zone = `regexp_extract(${capitals}, '(Z|UTC|[+-][0-9]+)$')`;
  return `CASE WHEN regexp_full_match(${x}, ${literal(UTC)}) THEN try_cast(${x} AS TIMESTAMP)
    WHEN NOT regexp_full_match(${x}, ${literal(INSTANT)}) THEN NULL
    WHEN ends_with(${x}, '+00:00') THEN ${without("'+00:00'")}
    WHEN ${x}[-6] IN ('+', '-') THEN ${without("'+00:00'")} - ${ahead(`right(${x}, 6)`, 5)}
    WHEN ${zone}[1] IN ('+', '-') THEN ${without(zone)} - ${ahead(zone, 4)}
    WHEN ${zone} = '' THEN try_cast(${capitals} AS TIMESTAMP)
    ELSE ${without(zone)} END`;
}

/** `+02:30`, `-0230` or `+02` as an INTERVAL. @param minutes where they begin, if there are any */
function ahead(offset: string, minutes: 4 | 5): string {
  const part = (from: number) => `coalesce(try_cast(substr(${offset}, ${from}, 2) AS INTEGER), 0)`;
  return `to_minutes((${part(2)} * 60 + ${part(minutes)}) * CASE WHEN ${offset}[1] = '-' THEN -1 ELSE 1 END)`;
}

/** A text that is a time of a day, not a date alone. */
export function isClocked(x: string): string {
  return `(regexp_full_match(${x}, ${literal(CLOCKED_PATTERN)}) AND ${instant(x)} IS NOT NULL)`;
}

/** The day of a text as a DATE; NULL where it is none. A time of a day would lose its hour, so it is none. */
export function day(x: string): string {
  return `CASE WHEN regexp_full_match(${x}, ${literal(DAY)}) THEN try_cast(${x} AS DATE) END`;
}

/** Whether an instant has digits beyond the microseconds that {@link instant} keeps; zeros are none. */
export function hasFurtherDigits(x: string): string {
  // The shortest such text has 27 characters; few texts are looked at more closely.
  return `(strlen(${x}) > 26 AND regexp_matches(${x}, '\\.\\d{6}\\d*[1-9]\\d*(?: ?(?:[Zz]|UTC|[+-][0-9:]+))?$'))`;
}

/** Microseconds in one of it, and their digits after the point. */
const EPOCH: Readonly<Record<EpochFormat, { micros: number; digits: number }>> = {
  epoch_s: { micros: 1_000_000, digits: 6 },
  epoch_ms: { micros: 1000, digits: 3 },
};

// Of the years 1 to 9999, in microseconds.
const FIRST = '-62135596800000000';
const LAST = '253402300799999999';

/** The instant of a count of seconds or milliseconds since 1970, with or without a fraction; NULL where it is none. */
export function epoch(x: string, format: EpochFormat): string {
  const { micros, digits } = EPOCH[format];
  // Cut, not rounded, as those of a clock's time are.
  const cut = `regexp_replace(${x}, ${literal(`(\\.\\d{${digits}})\\d+$`)}, '\\1')`;
  const count = `CAST(try_cast(${cut} AS DECIMAL(30,6)) * ${micros} AS HUGEINT)`;
  return `CASE WHEN regexp_full_match(${x}, '-?\\d{1,15}(?:\\.\\d+)?') AND ${count} BETWEEN ${FIRST} AND ${LAST}
    THEN make_timestamp(CAST(${count} AS BIGINT)) END`;
}

/** As {@link hasFurtherDigits}, of an epoch. */
export function epochHasFurtherDigits(x: string, format: EpochFormat): string {
  return `regexp_matches(${x}, ${literal(`^-?\\d+\\.\\d{${EPOCH[format].digits}}\\d*[1-9]`)})`;
}
