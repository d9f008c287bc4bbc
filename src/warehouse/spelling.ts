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
  return `(regexp_full_match(${x}, ${literal(NUMBER)})
    AND (NOT regexp_full_match(${x}, ${literal(SPELLED)}) OR strlen(${x}) > ${MAX_DIGITS}))`;
}

/** A number with an exponent, or a very long one, as `0.DIGITS` times a power of ten, and that written out. */
function expanded(x: string): string {
  // Without a lambda that would bind the parts: ALTER TABLE … USING takes none.
  const sign = `CASE WHEN starts_with(${x}, '-') THEN '-' ELSE '' END`;
  const mantissa = `regexp_extract(${x}, '^-?([0-9.]+)', 1)`;
  const run = `replace(${mantissa}, '.', '')`;
  const digits = `trim(${run}, '0')`;
  const written = `regexp_extract(${x}, '[eE]\\+?(-?\\d+)$', 1)`;
  const exponent = `CASE WHEN ${written} = '' THEN 0 ELSE try_cast(${written} AS BIGINT) END`;
  const leading = `(strlen(${run}) - strlen(ltrim(${run}, '0')))`;
  const point = `(strlen(split_part(${mantissa}, '.', 1)) + ${exponent} - ${leading})`;
  return `CASE WHEN ${digits} = '' THEN '0' WHEN ${point} IS NULL THEN lower(${x})
      WHEN ${point} > ${MAX_DIGITS} OR ${point} < -${MAX_DIGITS} OR strlen(${digits}) > ${MAX_DIGITS}
        THEN ${sign} || ${digits} || 'e' || (${point} - strlen(${digits}))
      WHEN ${point} <= 0 THEN ${sign} || '0.' || repeat('0', -${point}) || ${digits}
      WHEN ${point} >= strlen(${digits}) THEN ${sign} || ${digits} || repeat('0', ${point} - strlen(${digits}))
      ELSE ${sign} || left(${digits}, ${point}) || '.' || substr(${digits}, ${point} + 1) END`;
}

/** A typed value as text, spelled as staging spells the same value in a text column. */
export function spelledValue(value: string, type: string): string {
  const text = `CAST(${value} AS VARCHAR)`;
  return type === 'DOUBLE' || type.startsWith('DECIMAL') ? spelledNumber(text) : text;
}

/** Gives a long expression a name while another is made of it, so that it is not written, and computed, many times. */
export function bound(value: string, then: (name: string) => string): string {
  return `list_transform([${value}], lambda spelled_value: ${then('spelled_value')})[1]`;
}
