/**
 * The names of a feed's tables and columns. Pure.
 *
 * A *field* is what a line of JSON and a schema document call a value, a *column* what the table calls it. They are the
 * same but for names that are taken, which get a `_` behind them: the field `rowid` is the column `rowid_`. So that no two
 * fields meet in one column, the field `rowid_` is then `rowid__`, and so on: {@link fieldName} undoes {@link columnName}.
 */

/** What every staged row ends in (the contract's *Warehouse*). */
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

/** The one list of names that no column of a feed can have. */
const RESERVED = [
  ...STAGING_NAMES,
  // DuckDB's own of each table, which a column of its name hides: rows are told apart by it.
  'rowid',
  // What stands for it while versions are ranked.
  '_rowid',
  // DuckDB's own of each file that it reads.
  'filename',
  'file_index',
  'file_row_number',
];

const TAKEN = new RegExp(`^(?:${RESERVED.join('|')})_*$`, 'i');

/** The column that holds the values of a field, as long as nobody gave it another. */
export function columnName(field: string): string {
  return TAKEN.test(field) ? `${field}_` : field;
}

/** The field whose values a column holds. */
export function fieldName(column: string): string {
  return column.endsWith('_') && TAKEN.test(column.slice(0, -1)) ? column.slice(0, -1) : column;
}

/** Whether a name is one of the five that staging adds: DuckDB's names ignore case. */
export function isStagingColumn(column: string): boolean {
  return STAGING_NAMES.includes(column.toLowerCase());
}

/** Longer names are no names. DuckDB has no limit; a person's patience does. */
const MAX_NAME = 200;

/**
 * Whether a feed, a version or a column can have this name. SQL ends at a NUL and has no empty name; other control
 * characters would spoil every message and table that shows them.
 */
export function isPlainName(name: string): boolean {
  return name !== '' && name.length <= MAX_NAME && !/\p{Cc}/u.test(name);
}

/** Names to be told apart: without regard to case, in any script, so that nobody has to look twice. */
export function nameId(name: string): string {
  return name.toLowerCase();
}

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Names as DuckDB compares them: of the letters from A to Z the case is of no account. */
export function fold(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** As {@link fold}, of an SQL expression. */
export function foldSql(name: string): string {
  return `translate(${name}, '${UPPER}', '${UPPER.toLowerCase()}')`;
}

/** A feed's name within its group: its version counts when it is not the first. Also its name in `overrides.yaml`. */
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
