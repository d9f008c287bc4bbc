import type { ColumnType, EpochFormat } from '../../feeds/types.ts';
import {
  bindOnce,
  canonicalNumber,
  canonicalValue,
  isNotCanonicalNumber,
} from '../../warehouse/canonical-number.ts';
import {
  dateTimeText,
  day,
  epoch,
  epochHasFurtherDigits,
  hasFurtherDigits,
  instant,
  isDateTime,
} from '../../warehouse/instant.ts';
import { literal } from '../../warehouse/sql.ts';

/**
 * How a value of the JSON becomes a value of its column: the one definition of what fits. Pure, SQL as text.
 *
 * Staging reads a clean file the fast way (`fast-columns.ts`) and any other line by line (`careful.ts`); values move out of
 * `_rescued` when a column is declared (`rescued-values.ts`). All must give one line one fate, so all take their rules from
 * here. `test/load/staging/agreement.test.ts` holds them to it.
 */
export interface Column {
  name: string;
  type: ColumnType;
  /**
   * Text in which a number has one spelling, and a value that fits one of these types, which the column had before, that of
   * the type: `spelled.ts` says where and why.
   */
  spelled?: readonly ColumnType[];
  /** A key that nobody published the type of: a value fits when text would have the same spelling of it. */
  strict?: boolean;
  /** A column of times may be sent as a count since 1970, too. A time that is spelled out fits all the same. */
  format?: EpochFormat;
}

/** Integers up to here are exact as doubles. */
export const MAX_SAFE = Number.MAX_SAFE_INTEGER;

const INTEGERS = new Set<ColumnType>(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT']);

export function isInteger(type: ColumnType): boolean {
  return INTEGERS.has(type);
}

/** Whether every value fits. */
export function takesAll({ type }: Pick<Column, 'type'>): boolean {
  return type === 'VARCHAR' || type === 'JSON';
}

/**
 * The column's value; NULL where none fits.
 * @param text the value as it was sent: a string's text, a number's own digits, a nested value as JSON
 * @param json the value as JSON, asked for only where its text does not tell
 */
export function columnValue(column: Column, text: string, json: string): string {
  const { type, format, spelled, strict } = column;
  if (type === 'VARCHAR') {
    if (strict) return strictText(text, json);
    return spelled ? spelledText(spelled, text, json) : text;
  }
  if (strict) {
    const value = columnValue({ ...column, strict: false }, text, json);
    const exact =
      type === 'DOUBLE' ? ` AND NOT (regexp_full_match(${text}, '-?\\d+') AND abs(%) > ${MAX_SAFE})` : '';
    return bindOnce(value, (x) => {
      const same = `${canonicalValue(x, type)} = ${strictText(text, json)}`;
      return `CASE WHEN ${same}${exact.replace('%', x)} THEN ${x} END`;
    });
  }
  if (isInteger(type)) return integer(type, text, json);
  switch (type) {
    case 'JSON':
      return json;
    case 'DOUBLE':
      return double(text, json);
    case 'BOOLEAN':
      return flag(text);
    case 'TIMESTAMP':
      return timestampOf(text, format);
    case 'DATE':
      return day(text);
    default:
      return decimal(type, text);
  }
}

/**
 * Whether a value that fits has digits that the column does not keep: beyond the microseconds of an instant. It counts as
 * fitting, and stays in `_rescued` as it was sent. Undefined where that cannot be.
 */
export function hasMoreDigits({ type, format, strict }: Column, text: string): string | undefined {
  if (type === 'VARCHAR' && strict) return `(${isDateTime(text)} AND ${hasFurtherDigits(text)})`;
  if (type !== 'TIMESTAMP') return undefined;
  const further = hasFurtherDigits(text);
  return format ? `(${further} OR ${epochHasFurtherDigits(text, format)})` : further;
}

/** True where casting `text` and back does not give `text`: `1.5` or `007` as an integer. */
export function isNot(cast: string, text: string): string {
  return `coalesce(CAST(${cast} AS VARCHAR) <> ${text}, true)`;
}

/** A flag arrives as `true` or as a `tinyint(1)`; any other number or word is not one. */
export function flag(x: string): string {
  return `CASE WHEN ${x} IN ('true', '1') THEN true WHEN ${x} IN ('false', '0') THEN false END`;
}

export function timestampOf(x: string, format: EpochFormat | undefined): string {
  return format ? `coalesce(${epoch(x, format)}, ${instant(x)})` : instant(x);
}

/** A value as text: a string as it was sent, a number in its one spelling. */
function sentText(text: string, json: string): string {
  return `CASE WHEN ${isNotCanonicalNumber(text)} AND NOT starts_with(CAST(${json} AS VARCHAR), '"')
    THEN ${canonicalNumber(text)} ELSE ${text} END`;
}

/** The same; and a time as a column of times would have it. */
function strictText(text: string, json: string): string {
  return dateTimeText(text, sentText(text, json));
}

function spelledText(formerly: readonly ColumnType[], text: string, json: string): string {
  const typed = formerly.map((type) =>
    bindOnce(columnValue({ name: '', type }, text, json), (x) => canonicalValue(x, type)),
  );
  return `coalesce(${[...typed, sentText(text, json)].join(', ')})`;
}

/** True where `x` is no decimal of this type, or has more digits after the point than the type keeps. */
export function notDecimal(type: string, x: string): string {
  const plain = (text: string) =>
    `CASE WHEN contains(${text}, '.') THEN rtrim(rtrim(${text}, '0'), '.') ELSE ${text} END`;
  return `coalesce(${plain(`CAST(try_cast(${x} AS ${type}) AS VARCHAR)`)} <> ${plain(x)}, true)`;
}

/** A number as DuckDB's reader takes it for a DOUBLE, in a string too, but for NaN and the infinities. */
const NUMBER = '[ \\t\\n\\v\\f\\r]*(?:(?:-\\d+|0|[1-9]\\d*)(?:\\.\\d*)?|-?\\.\\d+)(?:[eE][+-]?\\d+)?';
const WHOLE = '[ \\t\\n\\v\\f\\r]*-?\\d+(?:\\.0*)?';

const isNumber = (x: string) => `regexp_full_match(${x}, ${literal(NUMBER)})`;

/** The reader takes `true` for 1, and the text `"true"` for nothing. */
function truth(type: ColumnType, text: string, json: string): string {
  return `WHEN ${text} IN ('true', 'false') AND ${json} IN ('true', 'false') THEN CAST(${text} = 'true' AS ${type})`;
}

/** A number fits when it is whole, exactly, however it is spelled; or as a double, up to where doubles hold every integer. */
function integer(type: ColumnType, text: string, json: string): string {
  const exact = `try_cast(${text} AS DECIMAL(38,18))`;
  const nearest = `try_cast(${text} AS DOUBLE)`;
  return `CASE WHEN regexp_full_match(${text}, ${literal(WHOLE)}) AND ${isNumber(text)} THEN try_cast(${text} AS ${type})
    WHEN ${isNumber(text)} THEN coalesce(
      CASE WHEN ${exact} = trunc(${exact}) THEN try_cast(${exact} AS ${type}) END,
      CASE WHEN ${nearest} = trunc(${nearest}) AND abs(${nearest}) <= ${MAX_SAFE} THEN try_cast(${nearest} AS ${type}) END)
    ${truth(type, text, json)} END`;
}

/**
 * A number fits when the double next to it is it. That is what everybody takes a fraction for; of a number beyond what doubles
 * hold every integer of, the digits must be those that were sent: `9007199254740993` is not `…992`.
 */
function double(text: string, json: string): string {
  const nearest = `try_cast(${text} AS DOUBLE)`;
  const digits = (number: string) =>
    `trim(regexp_replace(split_part(lower(trim(${number}, E' \\t\\n\\v\\f\\r')), 'e', 1), '[-.]', '', 'g'), '0')`;
  return `CASE WHEN ${isNumber(text)} THEN CASE WHEN isfinite(${nearest}) AND (abs(${nearest}) <= ${MAX_SAFE}
      OR ${digits(text)} = ${digits(`CAST(${nearest} AS VARCHAR)`)}) THEN ${nearest} END
    ${truth('DOUBLE', text, json)} END`;
}

/** `1e3` is not written in plain digits: those of its double are its own up to fifteen of them. */
function decimal(type: ColumnType, text: string): string {
  const short = `CAST(try_cast(${text} AS DOUBLE) AS VARCHAR)`;
  const plain = `CASE WHEN regexp_matches(${text}, '[eE]') AND ${isNumber(text)} AND len(${short}) <= 16 THEN ${short} ELSE ${text} END`;
  return `CASE WHEN NOT ${notDecimal(type, `(${plain})`)} THEN try_cast(${plain} AS ${type}) END`;
}
