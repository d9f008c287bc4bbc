import { literal } from './sql.ts';

/**
 * One canonical spelling for each number, as SQL expressions. Pure.
 *
 * A key that is a text column is compared as text. Its numbers, from before the column became text or spelled `7`,
 * `7.0` or `7e0` since, must then be one key, and different numbers must stay different. So the canonical spelling is
 * exact: all digits, no exponent, no zeros at the end of the fraction.
 */

/** A number as JSON writes it, which `007` is not. */
const NUMBER = '-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?';
/** Numbers in canonical spelling. */
const CANONICAL = '0|-?[1-9]\\d*|-?(?:0|[1-9]\\d*)\\.\\d*[1-9]';

/** Numbers with more digits keep an exponent: a short text such as `1e999999` must not become a megabyte of zeros. */
const MAX_DIGITS = 400;

/** The canonical spelling of a number given as text; other text unchanged. */
export function canonicalNumber(x: string): string {
  const plain = `CASE WHEN contains(${x}, '.') THEN rtrim(rtrim(${x}, '0'), '.') ELSE ${x} END`;
  const isShort = `strlen(${x}) <= ${MAX_DIGITS} AND NOT contains(lower(${x}), 'e')`;
  return `CASE WHEN regexp_full_match(${x}, ${literal(CANONICAL)}) AND strlen(${x}) <= ${MAX_DIGITS} THEN ${x}
    WHEN NOT regexp_full_match(${x}, ${literal(NUMBER)}) THEN ${x}
    WHEN ${isShort} THEN CASE WHEN ${plain} = '-0' THEN '0' ELSE ${plain} END
    ELSE ${expanded(x)} END`;
}

/** Whether a text is a number that is not in canonical spelling. */
export function isNotCanonicalNumber(x: string): string {
  return `(regexp_full_match(${x}, ${literal(NUMBER)})
    AND (NOT regexp_full_match(${x}, ${literal(CANONICAL)}) OR strlen(${x}) > ${MAX_DIGITS}))`;
}

/** A number with an exponent, or a very long one: taken apart into digits and a power of ten, and written out. */
function expanded(x: string): string {
  // The parts are repeated because ALTER TABLE … USING does not allow a lambda that would name them.
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

/** A typed value as text, in the spelling that staging gives the same value in a text column. */
export function canonicalValue(value: string, type: string): string {
  const text = `CAST(${value} AS VARCHAR)`;
  return type === 'DOUBLE' || type.startsWith('DECIMAL') ? canonicalNumber(text) : text;
}

/** Gives a long expression a name for use in another one, so that DuckDB computes it once and the SQL stays short. */
export function bindOnce(value: string, then: (name: string) => string): string {
  return `list_transform([${value}], lambda spelled_value: ${then('spelled_value')})[1]`;
}
