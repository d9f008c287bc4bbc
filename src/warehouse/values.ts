import {
  type DuckDBArrayType,
  DuckDBArrayValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  type DuckDBListType,
  DuckDBListValue,
  type DuckDBMapType,
  DuckDBMapValue,
  type DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBUnionType,
  DuckDBUnionValue,
  type DuckDBValue,
  DuckDBVariantValue,
} from '@duckdb/node-api';
import { UsageError } from '../errors.ts';

/** A number that JavaScript has no exact type for, kept as its digits: `1.50` of a DECIMAL(18,2). */
export class ExactNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  toString(): string {
    return this.digits;
  }
}

/** A JSON value as DuckDB stores it: text that is never parsed here, because parsing would round its numbers. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** One value of a result, ready to be printed, with nothing rounded. `src/cli/cells.ts` says how it reads. */
export type Cell =
  | null
  | boolean
  | number
  | bigint
  | string
  | ExactNumber
  | JsonText
  | Cell[]
  | { [key: string]: Cell };

/** The result of a query, row by row. Every row has one cell for each column. */
export interface ResultRows {
  columns: { name: string; type: string }[];
  rows: Iterable<Cell[]> | AsyncIterable<Cell[]>;
}

/** The whole result of a query, or what a command prints. */
export interface ResultTable extends ResultRows {
  rows: Cell[][];
}

/**
 * A table of records, a row each.
 * @param names of its columns, in their order
 * @param types of those that are no text
 */
export function tableOf<Name extends string>(
  names: readonly Name[],
  records: readonly { [name in Name]?: Cell | undefined }[],
  types: { [name in Name]?: string } = {},
): ResultTable {
  return {
    columns: names.map((name) => ({ name, type: types[name] ?? 'VARCHAR' })),
    rows: records.map((record) => names.map((name) => record[name] ?? null)),
  };
}

/**
 * A value out of DuckDB as a cell.
 *
 * - integers: `number` up to 32 bits, else `bigint`; DECIMAL: {@link ExactNumber}
 * - TIMESTAMP of any precision: `YYYY-MM-DD HH:MM:SS[.ffffff]`, six digits or none (nine where nanoseconds need them);
 *   TIMESTAMPTZ: the same in UTC, with `+00`; TIME: `HH:MM:SS[.ffffff]`
 * - LIST, ARRAY: an array; STRUCT, MAP: an object; UNION, VARIANT: the value that is in there; JSON: {@link JsonText}
 * - everything else (BLOB, BIT, UUID, INTERVAL, ENUM, GEOMETRY): the text that DuckDB prints
 *
 * @throws UsageError for a STRUCT whose fields have no names: DuckDB's client hands over only its last field
 */
export function toCell(value: DuckDBValue, type: DuckDBType): Cell {
  if (value === null) return null;
  if (typeof value === 'string') return type.alias === 'JSON' ? new JsonText(value) : value;
  if (typeof value === 'number') return type.typeId === DuckDBTypeId.FLOAT ? shortestFloat(value) : value;
  if (typeof value !== 'object') return value;
  return temporalCell(value) ?? nestedCell(value, type) ?? value.toString();
}

function temporalCell(value: DuckDBValue): Cell | undefined {
  if (value instanceof DuckDBTimestampTZValue) {
    // The client's own text is in this machine's time zone.
    const text = new DuckDBTimestampValue(value.micros).toString();
    return value.isFinite ? `${wholeFraction(text)}+00` : text;
  }
  if (value instanceof DuckDBDateValue || value instanceof DuckDBTimestampNanosecondsValue) {
    // The client's text for these two types does not show infinity.
    return value.isFinite ? wholeFraction(value.toString()) : infinity(value);
  }
  if (
    value instanceof DuckDBTimestampValue ||
    value instanceof DuckDBTimestampSecondsValue ||
    value instanceof DuckDBTimestampMillisecondsValue ||
    value instanceof DuckDBTimeValue ||
    value instanceof DuckDBTimeNSValue ||
    value instanceof DuckDBTimeTZValue
  ) {
    return wholeFraction(value.toString());
  }
  return undefined;
}

function nestedCell(value: DuckDBValue, type: DuckDBType): Cell | undefined {
  if (value instanceof DuckDBDecimalValue) return new ExactNumber(value.toString());
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) {
    const { valueType } = type as DuckDBListType | DuckDBArrayType;
    return value.items.map((item) => toCell(item, valueType));
  }
  if (value instanceof DuckDBStructValue) return structCell(value, type as DuckDBStructType);
  if (value instanceof DuckDBMapValue) {
    const { keyType, valueType } = type as DuckDBMapType;
    return Object.fromEntries(
      value.entries.map((entry) => [mapKey(entry.key, keyType), toCell(entry.value, valueType)]),
    );
  }
  if (value instanceof DuckDBUnionValue) {
    return toCell(value.value, (type as DuckDBUnionType).memberTypeForTag(value.tag));
  }
  if (value instanceof DuckDBVariantValue) {
    return value.type ? toCell(value.value, value.type) : value.toString();
  }
  return undefined;
}

function structCell(value: DuckDBStructValue, type: DuckDBStructType): Cell {
  const names = type.entryNames;
  if (new Set(names).size < names.length) {
    throw new UsageError('a row without field names cannot be printed', {
      hint: "name its fields, e.g. {'a': 1, 'b': 2} instead of row(1, 2), or cast it to VARCHAR",
    });
  }
  return Object.fromEntries(
    // biome-ignore lint/style/noNonNullAssertion: a struct has a type for each name
    names.map((name, index) => [name, toCell(value.entries[name] ?? null, type.entryTypes[index]!)]),
  );
}

function mapKey(key: DuckDBValue, type: DuckDBType): string {
  const cell = toCell(key, type);
  return String(cell !== null && typeof cell === 'object' ? key : cell);
}

/** DuckDB's text drops the zeros at the end of a fraction; what we print has all six digits, or nine. */
function wholeFraction(text: string): string {
  return text.replace(/\.(\d+)/, (_, digits: string) => `.${digits.padEnd(digits.length > 6 ? 9 : 6, '0')}`);
}

function infinity(value: DuckDBDateValue | DuckDBTimestampNanosecondsValue): string {
  return (value instanceof DuckDBDateValue ? value.days : value.nanos) > 0 ? 'infinity' : '-infinity';
}

/** The shortest number that is this 32-bit float: 0.1, where its 64 bits would read 0.10000000149011612. */
function shortestFloat(value: number): number {
  for (let digits = 6; digits < 9; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return value;
}
