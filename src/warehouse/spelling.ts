import { literal } from './sql.ts';

/**
 * One spelling for one value, as SQL expressions. Pure.
 *
 * A key is compared as it is spelled once its column is text. What was a number before its column became text, and what
 * comes after it as `7`, `7.0` or `7e0`, is one key; two numbers that differ never are. The spelling of a number is exact:
 * all of its digits, no exponent, no zeros at the end of its fraction.
 */

/** A number as JSON writes it. `007` is none. */
const NUMBER = '-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?';
/** Numbers that are spelled as they should be. */
const SPELLED = '0|-?[1-9]\\d*|-?(?:0|[1-9]\\d*)\\.\\d*[1-9]';

/** Longer numbers are written with an exponent: a short text must not become a megabyte of zeros. */
const MAX_DIGITS = 400;

/** The one spelling of a number that is given as text; any other text as it is. */
export function spelledNumber(x: string): string {
  const plain = `CASE WHEN contains(${x}, '.') THEN rtrim(rtrim(${x}, '0'), '.') ELSE ${x} END`;
  const isShort = `strlen(${x}) <= ${MAX_DIGITS} AND NOT contains(lower(${x}), 'e')`;
  return `CASE WHEN regexp_full_match(${x}, ${literal(SPELLED)}) AND strlen(${x}) <= ${MAX_DIGITS} THEN ${x}
    WHEN NOT regexp_full_match(${x}, ${literal(NUMBER)}) THEN ${x}
    WHEN ${isShort} THEN CASE WHEN ${plain} = '-0' THEN '0' ELSE ${plain} END
    ELSE ${expanded(x)} END`;
}

/** Whether a text is a number in another spelling than its own. */
export function isMisspelledNumber(x: string): string {
  return `(regexp_full_match(${x}, ${literal(NUMBER)}) AND NOT regexp_full_match(${x}, ${literal(SPELLED)})
    OR strlen(${x}) > ${MAX_DIGITS})`;
}

/** A number with an exponent, or a very long one, as `0.DIGITS` times a power of ten, and that written out. */
function expanded(x: string): string {
  const parts = `regexp_extract(${x}, '^(-?)(\\d+)(?:\\.(\\d+))?(?:[eE]\\+?(-?\\d+))?$', ['sign', 'whole', 'part', 'exponent'])`;
  const shifted = `{sign: m.sign, run: m.whole || m.part, point: strlen(m.whole) + CASE WHEN m.exponent = '' THEN 0
      ELSE try_cast(m.exponent AS BIGINT) END}`;
  const trimmed = `{sign: n.sign, digits: trim(n.run, '0'),
      point: n.point - (strlen(n.run) - strlen(ltrim(n.run, '0')))}`;
  const written = `CASE WHEN p.digits = '' THEN '0' WHEN p.point IS NULL THEN lower(${x})
      WHEN p.point > ${MAX_DIGITS} OR p.point < -${MAX_DIGITS} OR strlen(p.digits) > ${MAX_DIGITS}
        THEN p.sign || p.digits || 'e' || (p.point - strlen(p.digits))
      WHEN p.point <= 0 THEN p.sign || '0.' || repeat('0', -p.point) || p.digits
      WHEN p.point >= strlen(p.digits) THEN p.sign || p.digits || repeat('0', p.point - strlen(p.digits))
      ELSE p.sign || left(p.digits, p.point) || '.' || substr(p.digits, p.point + 1) END`;
  const bound = (name: string, value: string, then: string) =>
    `list_transform([${value}], lambda ${name}: ${then})[1]`;
  return bound('m', parts, bound('n', shifted, bound('p', trimmed, written)));
}

/** A typed value as text, spelled as staging spells the same value in a text column. */
export function spelledValue(value: string, type: string): string {
  const text = `CAST(${value} AS VARCHAR)`;
  return type === 'DOUBLE' || type.startsWith('DECIMAL') ? spelledNumber(text) : text;
}
