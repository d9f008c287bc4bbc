import { type FeedVersion, nameId, tableName } from './names.ts';

/**
 * Which feeds of a group may use which table. Pure.
 *
 * DuckDB ignores case in names, and so do the documents, the models and people. Two feeds can therefore want one table:
 * `Calls` and `calls`, the versions `A` and `a`, or a feed named `calls__v2` and version 2 of `calls`. A second table
 * with nearly the same name would only confuse. So the first feed keeps the table; the other is not loaded, and a
 * person is told. A source with another group can load it.
 */

export interface TableClaims<T extends FeedVersion> {
  granted: T[];
  /** Feeds that were refused, each with the feed that owns the table. */
  refused: { wanted: T; owner: FeedVersion }[];
}

/**
 * Decides which of the wanted feeds get their table.
 * @param owners feeds that own their table already, oldest first, because rows are in it or documents describe it
 */
export function grantTables<T extends FeedVersion>(
  wanted: readonly T[],
  owners: readonly FeedVersion[],
): TableClaims<T> {
  const byTable = new Map<string, FeedVersion>();
  for (const owner of [...owners, ...wanted]) {
    const id = tableId(owner);
    if (!byTable.has(id)) byTable.set(id, owner);
  }
  const claims: TableClaims<T> = { granted: [], refused: [] };
  for (const each of wanted) {
    const owner = byTable.get(tableId(each)) ?? each;
    if (owner.feed === each.feed && owner.version === each.version) claims.granted.push(each);
    else claims.refused.push({ wanted: each, owner });
  }
  return claims;
}

/** Whether no two of these feeds want one table. */
export function haveOwnTables(feeds: readonly FeedVersion[]): boolean {
  const names = new Map(feeds.map((feed) => [JSON.stringify([feed.feed, feed.version]), tableId(feed)]));
  return new Set(names.values()).size === names.size;
}

function tableId({ feed, version }: FeedVersion): string {
  return nameId(tableName(feed, version));
}
