/**
 * The names of a feed's tables and columns. Pure.
 *
 * A *field* is the name of a value in the JSON and in the schema documents; a *column* is its name in the table. They
 * are the same except for reserved names, which get a trailing `_`: the field `rowid` becomes the column `rowid_`. So
 * that no two fields share a column, the field `rowid_` then becomes `rowid__`, and so on. {@link fieldName} undoes
 * {@link columnName}.
 */

/** The loader's own columns, at the end of every staged row (the contract's *Warehouse*). */
export const STAGING_COLUMNS = [
  {
    name: '_partition_ts',
    type: 'TIMESTAMP',
    comment: 'The time of the partition that the row came in, UTC',
  },
  { name: '_file_id', type: 'BIGINT', comment: 'The file that the row came in: ops.files.file_id' },
  { name: '_line', type: 'BIGINT', comment: 'The line of that file, from 1' },
  { name: '_loaded_at', type: 'TIMESTAMP', comment: 'When the row was staged, UTC' },
  {
    name: '_rescued',
    type: 'JSON',
    comment:
      'Fields that have no column and values that do not fit theirs, by name; NULL when there are none',
  },
] as const;

const STAGING_NAMES: readonly string[] = STAGING_COLUMNS.map(({ name }) => name);

/** Names that no column of a feed can have. This is the only list of them. */
const RESERVED = [
  ...STAGING_NAMES,
  // DuckDB's pseudo-column of every table. A column with its name would hide it, and rows are identified by it.
  'rowid',
  // The same, as dedup models call it while they rank versions.
  '_rowid',
  // DuckDB's pseudo-columns of files that it reads.
  'filename',
  'file_index',
  'file_row_number',
];

const TAKEN = new RegExp(`^(?:${RESERVED.join('|')})_*$`, 'i');

/** The column for a field's values. */
export function columnName(field: string): string {
  return TAKEN.test(field) ? `${field}_` : field;
}

/** The field that a column was made from. */
export function fieldName(column: string): string {
  return column.endsWith('_') && TAKEN.test(column.slice(0, -1)) ? column.slice(0, -1) : column;
}

/** Whether a name is one of the five columns that staging adds, in any case. */
export function isStagingColumn(column: string): boolean {
  return STAGING_NAMES.includes(column.toLowerCase());
}

/** Longer names are refused. DuckDB has no limit; what a person can read has. */
const MAX_NAME = 200;

/**
 * Whether a feed, a version or a column can have this name. SQL ends at a NUL and has no empty name; other control
 * characters would spoil every message and table that shows them.
 */
export function isPlainName(name: string): boolean {
  return name !== '' && name.length <= MAX_NAME && !/\p{Cc}/u.test(name);
}

/** A name in the form in which names are compared: two names that differ only in case, in any script, are one. */
export function nameId(name: string): string {
  return name.toLowerCase();
}

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** A name as DuckDB compares names: it ignores the case of A to Z only. */
export function foldCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** As {@link foldCase}, for an SQL expression. */
export function foldCaseSql(name: string): string {
  return `translate(${name}, '${UPPER}', '${UPPER.toLowerCase()}')`;
}

/** One version of a feed, within its group or source. */
export interface FeedVersion {
  feed: string;
  version: string;
}

/** A feed's name within its group, with the version unless that is 1. Also its name in `overrides.yaml`. */
export function tableName(feed: string, version: string): string {
  return version === '1' ? feed : `${feed}__v${version}`;
}

/** The same as SQL, of a row that has `feed` and `version`. @param of what the row is called */
export function tableNameSql(of?: string): string {
  const [feed, version] = ['feed', 'version'].map((name) => (of === undefined ? name : `${of}.${name}`));
  return `${feed} || CASE WHEN ${version} = '1' THEN '' ELSE '__v' || ${version} END`;
}

/** Schemas of staged rows: a condition for `warehouse/tables.ts`. */
export const STAGING_SCHEMAS = "starts_with(schema, 'staging_')";

/** The table that holds every version of every record of a feed. */
export function stagingTable(
  group: string,
  feed: string,
  version: string,
): { schema: string; table: string } {
  return { schema: `staging_${group}`, table: tableName(feed, version) };
}
