/** The names of a feed's tables and of the columns that staging adds. Pure. */

/** What every staged row ends in (the contract's *Warehouse*). A feed cannot have columns of these names. */
export const STAGING_COLUMNS = ['_partition_ts', '_file_id', '_line', '_loaded_at', '_rescued'] as const;

const RESERVED: ReadonlySet<string> = new Set(STAGING_COLUMNS);

/** Whether a column of this name would be taken for one that staging adds: DuckDB's names ignore case. */
export function isStagingColumn(name: string): boolean {
  return RESERVED.has(name.toLowerCase());
}

/** A feed's name within its group: its version counts when it is not the first. Also its name in `overrides.yaml`. */
export function tableName(feed: string, version: string): string {
  return version === '1' ? feed : `${feed}__v${version}`;
}

/** The table that holds every version of every record of a feed. */
export function stagingTable(
  group: string,
  feed: string,
  version: string,
): { schema: string; table: string } {
  return { schema: `staging_${group}`, table: tableName(feed, version) };
}
