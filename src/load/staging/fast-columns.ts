import type { ColumnType } from '../../feeds/types.ts';
import { canonicalValue, isNotCanonicalNumber } from '../../warehouse/canonical-number.ts';
import { dateTimeText, day, plainInstant } from '../../warehouse/instant.ts';
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
 * them. Each value has a name, and what is asked of it is asked by that name: DuckDB is told of it once, and plans it once.
 * Pure, SQL as text.
 */

/** Which of the ways to read a kind of value is tried: the first costs less, the second takes all that fit. */
export interface Modes {
  /**
   * `double` is faster and exact up to 2^53; a file with a larger integer is read again as `text`, exact for all 64 bits.
   */
  integers: 'double' | 'text';
  /** `plain` times are spelled as nearly all are: their statement is shorter, which counts where files are small. */
  times: 'plain' | 'any';
}

/** The SQL names of a column's field as DuckDB reads it, and of the value that is made of it. */
export interface Names {
  field: string;
  value: string;
}

/** How one column is read by the fast way. */
export interface FastColumn extends Names {
  column: Column;
  /** A JSON value from which DuckDB's reader infers the type it shall read the column as. */
  sample: string | number | null;
  /** What the value is made by, an expression over the field. */
  expression: string;
  /** True for a row whose value this way cannot decide; undefined where there can be none. */
  doubtful: string | undefined;
  /** The mode of which another one may decide it. */
  mode: keyof Modes | undefined;
  /** True for a row whose value may have lost digits that were sent; undefined where that does not matter. */
  respelled: string | undefined;
  /** Rows whose value stays in `_rescued`, beside the column or in its place, with the value as JSON. */
  kept: { when: string; json: string } | undefined;
}

// What DuckDB's reader infers from them: VARCHAR, DOUBLE, JSON.
const TEXT_SAMPLE = '-';
const DOUBLE_SAMPLE = 0.5;
const JSON_SAMPLE = null;

/** How a column is read in this attempt. */
export function fastColumn(column: Column, names: Names, { integers, times }: Modes): FastColumn {
  const { type, format, spelled, strict } = column;
  const { field: x, value } = names;
  const known = (condition: string | undefined) => condition && `(${x} IS NOT NULL AND ${condition})`;
  const read = (
    sample: FastColumn['sample'],
    expression: string,
    doubtful?: string,
    respelled?: string,
  ): FastColumn => ({
    ...names,
    column,
    sample,
    expression,
    doubtful: known(doubtful),
    mode: undefined,
    respelled: known(respelled),
    // Of a count it cannot be told here whether it came as a number or as a string.
    kept: format ? undefined : keptBeside(column, x, `to_json(${x})`),
  });
  if (strict && type !== 'VARCHAR') {
    // As text, which shows whether it would be spelled otherwise: then the careful way decides.
    const different = `${canonicalValue(value, type)} IS DISTINCT FROM ${strictText(x)}`;
    return read(TEXT_SAMPLE, columnValue({ name: column.name, type }, x, x), different, mayBeRespelled(x));
  }
  if (isInteger(type)) {
    const expression = `try_cast(${x} AS ${type})`;
    if (integers === 'text') return read(TEXT_SAMPLE, expression, isNot(value, x));
    // False of NULL, too.
    const doubtful = `(${x} IS DISTINCT FROM CAST(${value} AS DOUBLE) OR ${isUnsafe(x)})`;
    return { ...read(DOUBLE_SAMPLE, expression), doubtful, mode: 'integers' };
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
      return read(TEXT_SAMPLE, flag(x), `${value} IS NULL`);
    case 'TIMESTAMP': {
      if (!format && times === 'plain')
        return {
          ...read(TEXT_SAMPLE, plainInstant(x), `${value} IS NULL`),
          mode: 'times',
          kept: undefined,
        };
      const digits = format && `contains(${x}, '.') AND (strlen(${x}) > 16 OR ${hasMoreDigits(column, x)})`;
      const doubtful = digits ? `(${value} IS NULL OR (${digits}))` : `${value} IS NULL`;
      return read(TEXT_SAMPLE, timestampOf(x, format), doubtful);
    }
    case 'DATE':
      return read(TEXT_SAMPLE, day(x), `${value} IS NULL`);
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
export function rescuingColumn(column: Column, names: Names): FastColumn {
  const { type } = column;
  const { field: x, value } = names;
  const json = `CAST(${x} AS VARCHAR)`;
  const text = `(${x} ->> '$')`;
  const misfit = `(${x} IS NOT NULL AND ${value} IS NULL)`;
  const more = hasMoreDigits(column, text);
  // Of a number that fits, the double that DuckDB made of it is enough as far as doubles hold every integer.
  const matters =
    isInteger(type) || type === 'DOUBLE' ? `(${value} IS NULL OR abs(${value}) > ${MAX_SAFE})` : 'true';
  return {
    ...names,
    column,
    sample: JSON_SAMPLE,
    expression: columnValue(column, text, json),
    doubtful: undefined,
    mode: undefined,
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
