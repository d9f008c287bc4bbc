import { fieldName } from '../../feeds/names.ts';
import type { ColumnType } from '../../feeds/types.ts';
import { bindOnce, canonicalValue, isNotCanonicalNumber } from '../../warehouse/canonical-number.ts';
import { dateTimeText, day } from '../../warehouse/instant.ts';
import { identifier } from '../../warehouse/sql.ts';
import {
  type Column,
  columnValue,
  flag,
  hasMoreDigits,
  isInteger,
  isNot,
  MAX_SAFE,
  notDecimal,
  timestampOf,
} from './columns.ts';
import { mayBeRespelled } from './digits.ts';

/**
 * How the fast way reads each column. It gives the values that `columns.ts` defines, or says of a row that it cannot know
 * them. Pure, SQL as text.
 */

/**
 * How the fast way reads integers. `double` is faster and exact up to 2^53; a file with a larger integer is read again
 * as `text`, exact for all 64 bits.
 */
export type IntegerMode = 'double' | 'text';

/** How one column is read by the fast way. */
export interface FastColumn {
  column: Column;
  /** A JSON value from which DuckDB's reader infers the type it shall read the column as. */
  sample: string | number | null;
  /** The column's value. */
  value: string;
  /** True for a row whose value this way cannot decide; undefined where there can be none. */
  doubtful: string | undefined;
  /** True for a row whose value may have lost digits that were sent; undefined where that does not matter. */
  respelled: string | undefined;
  /** Whether the other integer mode may decide it. */
  integer: boolean;
  /** Rows whose value stays in `_rescued`, beside the column or in its place, with the value as JSON. */
  kept: { when: string; json: string } | undefined;
}

// What DuckDB's reader infers from them: VARCHAR, DOUBLE, JSON.
const TEXT_SAMPLE = '-';
const DOUBLE_SAMPLE = 0.5;
const JSON_SAMPLE = null;

/** @param integers how integer columns are read in this attempt */
export function fastColumn(column: Column, integers: IntegerMode): FastColumn {
  const { type, format, spelled, strict } = column;
  const x = identifier(fieldName(column.name));
  const known = (condition: string | undefined) => condition && `(${x} IS NOT NULL AND ${condition})`;
  const read = (
    sample: FastColumn['sample'],
    value: string,
    doubtful?: string,
    respelled?: string,
  ): FastColumn => ({
    column,
    sample,
    value,
    integer: isInteger(type),
    doubtful: known(doubtful),
    respelled: known(respelled),
    // Of a count it cannot be told here whether it came as a number or as a string.
    kept: format ? undefined : keptBeside(column, x, `to_json(${x})`),
  });
  if (strict && type !== 'VARCHAR') {
    // As text, which shows whether it would be spelled otherwise: then the careful way decides.
    const value = columnValue({ name: column.name, type }, x, x);
    const doubtful = bindOnce(
      value,
      (typed) => `${canonicalValue(typed, type)} IS DISTINCT FROM ${strictText(x)}`,
    );
    return { ...read(TEXT_SAMPLE, value, doubtful, mayBeRespelled(x)), integer: false };
  }
  if (isInteger(type)) {
    const value = `try_cast(${x} AS ${type})`;
    if (integers === 'text') return read(TEXT_SAMPLE, value, isNot(value, x));
    // False of NULL, too.
    const doubtful = `(${x} IS DISTINCT FROM CAST(${value} AS DOUBLE) OR ${isUnsafe(x)})`;
    return { ...read(DOUBLE_SAMPLE, value), doubtful };
  }
  switch (type) {
    case 'VARCHAR':
      if (strict) return read(TEXT_SAMPLE, strictText(x), isNotCanonicalNumber(x), mayBeRespelled(x));
      return spelled
        ? read(TEXT_SAMPLE, ...spelledText(spelled, x), mayBeRespelled(x))
        : read(TEXT_SAMPLE, x, undefined, mayBeRespelled(x));
    case 'JSON':
      return read(JSON_SAMPLE, x, undefined, mayBeRespelled(x));
    case 'DOUBLE':
      return { ...read(DOUBLE_SAMPLE, x), doubtful: isUnsafe(x) };
    case 'BOOLEAN':
      return read(TEXT_SAMPLE, flag(x), `${flag(x)} IS NULL`);
    case 'TIMESTAMP': {
      const value = timestampOf(x, format);
      const digits = format && `contains(${x}, '.') AND (strlen(${x}) > 16 OR ${hasMoreDigits(column, x)})`;
      return read(TEXT_SAMPLE, value, digits ? `(${value} IS NULL OR (${digits}))` : `${value} IS NULL`);
    }
    case 'DATE':
      return read(TEXT_SAMPLE, day(x), `${day(x)} IS NULL`);
    default:
      // DECIMAL. A JSON number has passed through a double here: its digits are its own up to fifteen of them.
      return read(TEXT_SAMPLE, `try_cast(${x} AS ${type})`, `(len(${x}) > 16 OR ${notDecimal(type, x)})`);
  }
}

/** Whether a double is so large that others than it could have been sent; NaN, to DuckDB, is the greatest of all. */
function isUnsafe(x: string): string {
  return `${x} NOT BETWEEN -${MAX_SAFE} AND ${MAX_SAFE}`;
}

function keptBeside(column: Column, text: string, json: string): FastColumn['kept'] {
  const when = hasMoreDigits(column, text);
  return when === undefined ? undefined : { when, json };
}

/**
 * How a column is read whose values do not all fit: as JSON, which can be rescued as it came. That costs more than to read
 * its type, and far less than to read its lines with care. A number that DuckDB may have spelled otherwise is left to that.
 */
export function rescuingColumn(column: Column): FastColumn {
  const { name, type } = column;
  const x = identifier(fieldName(name));
  const json = `CAST(${x} AS VARCHAR)`;
  const text = `(${x} ->> '$')`;
  const value = columnValue(column, text, json);
  const misfit = `(${x} IS NOT NULL AND ${value} IS NULL)`;
  const more = hasMoreDigits(column, text);
  // Of a number that fits, the double that DuckDB made of it is enough as far as doubles hold every integer.
  const matters =
    isInteger(type) || type === 'DOUBLE' ? `(${value} IS NULL OR abs(${value}) > ${MAX_SAFE})` : 'true';
  return {
    column,
    sample: JSON_SAMPLE,
    value,
    integer: false,
    doubtful: undefined,
    respelled: `(${x} IS NOT NULL AND ${mayBeRespelled(json)} AND ${matters})`,
    kept: { when: more ? `(${misfit} OR ${more})` : misfit, json: x },
  };
}

/** A text that is no number, as a column of times would have it where it is one; a whole number is as it is. */
function strictText(x: string): string {
  return dateTimeText(x, x);
}

/** The value of a key as text, and where it cannot be known here: a number may have come as a string, and in another spelling. */
function spelledText(formerly: readonly ColumnType[], x: string): [value: string, doubtful: string] {
  const values: string[] = [];
  const doubts = [isNotCanonicalNumber(x)];
  for (const type of formerly) {
    const value = columnValue({ name: '', type }, x, x);
    if (type === 'TIMESTAMP' || type === 'DATE' || type === 'BOOLEAN')
      values.push(canonicalValue(value, type));
    else doubts.push(`(NOT regexp_full_match(${x}, '0|-?[1-9]\\d{0,17}') AND ${value} IS NOT NULL)`);
  }
  return [`coalesce(${[...values, x].join(', ')})`, `(${doubts.join(' OR ')})`];
}
