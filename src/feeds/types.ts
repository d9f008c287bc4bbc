/**
 * Published column types, by meaning. Pure.
 *
 * The documents mix the words of Redshift, MySQL, Hive and Go (`character varying(65535)`, `tinyint(1)`,
 * `[]string`); what matters is which values a column can hold.
 */

/** A type of a staged column, as DuckDB spells it. */
export type ColumnType =
  | 'BIGINT'
  | 'INTEGER'
  | 'SMALLINT'
  | 'TINYINT'
  | 'DOUBLE'
  | 'BOOLEAN'
  | 'TIMESTAMP'
  | 'DATE'
  | 'VARCHAR'
  | 'JSON'
  | `DECIMAL(${number},${number})`;

/** The unit of times that are sent as numbers since 1970: `format:` of a column in the overrides. */
export type EpochFormat = 'epoch_s' | 'epoch_ms';

/** By the word before any parentheses. An `unsigned` integer needs the next size up. */
const WORDS = new Map<string, ColumnType>([
  ['', 'VARCHAR'],
  ...all('BIGINT', 'bigint int8 int64 long bigserial serial8'),
  ...all('INTEGER', 'int integer int4 int32 mediumint serial serial4'),
  ...all('SMALLINT', 'smallint int2 int16'),
  ...all('TINYINT', 'tinyint int1'),
  // JSON numbers are doubles: a 4-byte float would round what was sent.
  ...all('DOUBLE', 'double float float4 float8 float32 float64 real'),
  ['double precision', 'DOUBLE'],
  ...all('BOOLEAN', 'boolean bool'),
  ...all('TIMESTAMP', 'timestamp timestamptz timestamp_tz timestamp_ntz timestamp_ltz datetime datetime2'),
  ['timestamp with time zone', 'TIMESTAMP'],
  ['timestamp without time zone', 'TIMESTAMP'],
  ['timestamp with local time zone', 'TIMESTAMP'],
  ...all('DATE', 'date'),
  ...all('VARCHAR', 'varchar varchar2 nvarchar char character nchar bpchar string str text uuid enum clob'),
  ...all('VARCHAR', 'tinytext mediumtext longtext'),
  ['character varying', 'VARCHAR'],
  ...all('JSON', 'json jsonb super variant object array list map struct record row'),
]);

const UNSIGNED = new Map<ColumnType, ColumnType>([
  ['TINYINT', 'SMALLINT'],
  ['SMALLINT', 'INTEGER'],
  ['INTEGER', 'BIGINT'],
  ['BIGINT', 'DECIMAL(20,0)'],
]);

/**
 * The type that holds every value of a published one.
 * @param published as the document spells it; `''` when it does not say, which is text
 * @returns undefined for a type we do not know; the caller keeps such values as VARCHAR, which loses nothing
 */
export function columnType(published: string): ColumnType | undefined {
  const text = published
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/ (not )?null$/, '');
  if (/^\[\]|\[\d*\]$|^\w+ ?<.*>$/.test(text)) return 'JSON';

  // In `timestamp(6) without time zone` the size stands between the words of the type.
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const sized = open >= 0 && close > open;
  const words = sized ? `${text.slice(0, open).trim()} ${text.slice(close + 1).trim()}`.trim() : text;
  const size = sized ? text.slice(open + 1, close) : '';
  if (/^(decimal|numeric|dec|number)$/.test(words)) return decimal(size);
  // MySQL's way to write a flag, which can arrive as 0, 1, true or false.
  if (words === 'tinyint' && size === '1') return 'BOOLEAN';
  const signed = words.replace(/ unsigned$/, '');
  const type = WORDS.get(signed);
  return type !== undefined && signed !== words ? UNSIGNED.get(type) : type;
}

/** `numeric` alone is not a known type: databases differ in how many digits it has after the point. */
function decimal(size: string): ColumnType | undefined {
  const parts = /^ ?(\d+) ?(?:, ?(\d+) ?)?$/.exec(size);
  if (!parts) return undefined;
  const precision = Number(parts[1]);
  const scale = Number(parts[2] ?? 0);
  return precision >= 1 && precision <= 38 && scale <= precision
    ? `DECIMAL(${precision},${scale})`
    : undefined;
}

function all(type: ColumnType, words: string): [string, ColumnType][] {
  return words.split(' ').map((word) => [word, type]);
}
