import type { ColumnType, TimeFormat } from '../../schema/types.ts';
import { identifier, literal } from '../../warehouse/sql.ts';

/**
 * How a value of the JSON becomes a value of its column: the one definition of what fits. Pure, SQL as text.
 *
 * Staging reads a clean file the fast way (`fast.ts`) and any other line by line (`careful.ts`). Both must give one line
 * one fate, so both take their rules from here. `test/pipeline/staging/agreement.test.ts` holds them to it.
 */
export interface Column {
  name: string;
  type: ColumnType;
  /**
   * A key of times that became text, since a value came that is none. Its times are spelled as DuckDB spells them, those that
   * were there before among them: else one record would have two keys.
   */
  holdsTimes?: boolean | undefined;
  /** A column of times may be sent as a count since 1970, too. */
  format?: TimeFormat | undefined;
}

/**
 * How the fast way reads integers. `double` is faster and exact up to 2^53; a file with a larger integer is read again
 * as `text`, exact for all 64 bits.
 */
export type IntegerMode = 'double' | 'text';

/** How one column is read by the fast way. */
export interface FastColumn {
  /** A JSON value from which DuckDB's reader infers the type it shall read the column as. */
  sample: string | number | null;
  /** The column's value. */
  value: string;
  /** True for a row whose value this way cannot decide; undefined where there can be none. */
  doubtful: string | undefined;
  /** Whether the other integer mode may decide it. */
  integer: boolean;
}

// What DuckDB's reader infers from them: VARCHAR, DOUBLE, JSON.
const TEXT_SAMPLE = '-';
const DOUBLE_SAMPLE = 0.5;
const JSON_SAMPLE = null;

/** Integers up to here are exact as doubles. */
const MAX_SAFE = Number.MAX_SAFE_INTEGER;

const INTEGERS = new Set<ColumnType>(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT']);

export function isInteger(type: ColumnType): boolean {
  return INTEGERS.has(type);
}

/** @param integers how integer columns are read in this attempt */
export function fastColumn({ name, type, holdsTimes }: Column, integers: IntegerMode): FastColumn {
  const x = identifier(name);
  const column = (sample: FastColumn['sample'], value: string, doubtful?: string): FastColumn => ({
    sample,
    value,
    doubtful: doubtful && `(${x} IS NOT NULL AND ${doubtful})`,
    integer: isInteger(type),
  });
  if (isInteger(type)) {
    const value = `try_cast(${x} AS ${type})`;
    return integers === 'double'
      ? column(DOUBLE_SAMPLE, value, `(trunc(${x}) <> ${x} OR abs(${x}) > ${MAX_SAFE} OR ${value} IS NULL)`)
      : column(TEXT_SAMPLE, value, isNot(value, x));
  }
  switch (type) {
    case 'VARCHAR':
      return column(TEXT_SAMPLE, holdsTimes ? timeOrText(x) : x);
    case 'JSON':
      return column(JSON_SAMPLE, x);
    case 'DOUBLE':
      return column(DOUBLE_SAMPLE, x, `isinf(${x})`);
    case 'BOOLEAN':
      return column(TEXT_SAMPLE, flag(x), `${flag(x)} IS NULL`);
    case 'TIMESTAMP':
      return column(TEXT_SAMPLE, instant(x), `${instant(x)} IS NULL`);
    case 'DATE':
      return column(TEXT_SAMPLE, `try_cast(${x} AS DATE)`, isNot(`try_cast(${x} AS DATE)`, x));
    default:
      // DECIMAL. A JSON number has passed through a double here: its digits are its own up to fifteen of them.
      return column(TEXT_SAMPLE, `try_cast(${x} AS ${type})`, `(len(${x}) > 16 OR ${notDecimal(type, x)})`);
  }
}

/** How one column is read by the careful way. */
export interface CarefulColumn {
  /** The type that `json_transform` reads it as, beside its JSON. */
  readAs: 'VARCHAR' | 'DOUBLE';
  /**
   * The column's value; NULL where none fits.
   * @param j the value as JSON, @param s the value as `readAs`, @param text the whole line
   */
  value(j: string, s: string, text: string): string;
}

export function carefulColumn({ name, type, holdsTimes }: Column): CarefulColumn {
  const asText = (value: (s: string) => string): CarefulColumn => ({
    readAs: 'VARCHAR',
    value: (_j, s) => value(s),
  });
  if (isInteger(type)) {
    return {
      readAs: 'DOUBLE',
      value: (j, s) => {
        const text = `(${j} ->> '$')`;
        const exact = `CASE WHEN NOT ${isNot(`try_cast(${text} AS ${type})`, text)} THEN try_cast(${text} AS ${type}) END`;
        const double = strictDouble(j, s);
        return `coalesce(${exact}, CASE WHEN trunc(${double}) = ${double} AND abs(${double}) <= ${MAX_SAFE} THEN try_cast(${double} AS ${type}) END)`;
      },
    };
  }
  switch (type) {
    case 'VARCHAR':
      return asText((s) => (holdsTimes ? timeOrText(s) : s));
    case 'JSON':
      return { readAs: 'VARCHAR', value: (j) => j };
    case 'DOUBLE':
      return {
        readAs: 'DOUBLE',
        value: (j, s) => `CASE WHEN NOT isinf(${strictDouble(j, s)}) THEN ${strictDouble(j, s)} END`,
      };
    case 'BOOLEAN':
      return asText(flag);
    case 'TIMESTAMP':
      return asText(instant);
    case 'DATE':
      return asText(
        (s) => `CASE WHEN NOT ${isNot(`try_cast(${s} AS DATE)`, s)} THEN try_cast(${s} AS DATE) END`,
      );
    default:
      return {
        readAs: 'VARCHAR',
        value: (j, s, text) => {
          // `1e3` is not written in plain digits: those of its double are its own up to fifteen of them, as on the fast way.
          const short = `CASE WHEN len(${j} ->> '$') <= 16 THEN ${j} ->> '$' END`;
          const number = `coalesce(${numberAsWritten(name, text, j)}, ${short})`;
          const digits = `CASE WHEN json_type(${j}) = 'VARCHAR' THEN ${s} ELSE ${number} END`;
          return `CASE WHEN NOT ${notDecimal(type, `(${digits})`)} THEN try_cast(${digits} AS ${type}) END`;
        },
      };
  }
}

/** True where casting `text` and back does not give `text`: `1.5` or `007` as an integer, a date with a time. */
function isNot(cast: string, text: string): string {
  return `coalesce(CAST(${cast} AS VARCHAR) <> ${text}, true)`;
}

/** A flag arrives as `true` or as a `tinyint(1)`; any other number or word is not one. */
function flag(x: string): string {
  return `CASE WHEN ${x} IN ('true', '1') THEN true WHEN ${x} IN ('false', '0') THEN false END`;
}

/**
 * An instant in UTC, from every spelling in the vendor's documents: an offset or `Z` or none (then it is UTC already), a
 * `T` or a blank between, up to nanoseconds (of which a TIMESTAMP keeps the microseconds). Straight to TIMESTAMP would
 * drop the offset.
 */
function instant(x: string): string {
  // DuckDB wants the offset next to the seconds and `Z` as a capital letter.
  const respelled = `regexp_replace(upper(${x}), '\\s+([+-]\\d{2}:?\\d{2})( UTC)?$', '\\1')`;
  return `(coalesce(try_cast(${x} AS TIMESTAMPTZ), try_cast(${respelled} AS TIMESTAMPTZ)) AT TIME ZONE 'UTC')`;
}

function timeOrText(x: string): string {
  return `coalesce(CAST(${instant(x)} AS VARCHAR), ${x})`;
}

/** The reader's own cast to double, which takes a string only when the whole of it is a number. */
function strictDouble(j: string, s: string): string {
  const strict = `TRY(json_transform_strict(json_object('x', ${j}), '{"x":"DOUBLE"}').x)`;
  return `CASE WHEN json_type(${j}) = 'VARCHAR' THEN ${strict} ELSE ${s} END`;
}

/** True where `x` is no decimal of this type, or has more digits after the point than the type keeps. */
function notDecimal(type: string, x: string): string {
  const plain = (text: string) =>
    `CASE WHEN contains(${text}, '.') THEN rtrim(rtrim(${text}, '0'), '.') ELSE ${text} END`;
  return `coalesce(${plain(`CAST(try_cast(${x} AS ${type}) AS VARCHAR)`)} <> ${plain(x)}, true)`;
}

/**
 * A JSON number with the digits it was written with: DuckDB's JSON reads it as a double, which keeps seventeen. Taken from
 * the line's text, and only when it is the same number as the value at the top level (a nested object may hold the same
 * name).
 */
function numberAsWritten(name: string, text: string, j: string): string {
  const key = JSON.stringify(name).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const written = `regexp_extract(${text}, ${literal(`${key}\\s*:\\s*(-?[0-9]+(?:\\.[0-9]+)?)`)}, 1)`;
  return `CASE WHEN try_cast(${written} AS DOUBLE) = try_cast((${j} ->> '$') AS DOUBLE) THEN ${written} END`;
}
