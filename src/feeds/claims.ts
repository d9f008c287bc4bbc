import { nameId, tableName } from './names.ts';

/**
 * Which feeds of a group may use which table. Pure.
 *
 * DuckDB's names ignore case, as do the documents, the models and whoever types them: the feeds `Calls` and `calls`, the
 * versions `A` and `a`, or the feed `calls__v2` beside version 2 of `calls` would have one table. A second table that
 * nobody could tell from the first by its name would help nobody, so the feed that has the table keeps it, and the other
 * one is passed over and told of. It can be loaded by a source with a group of its own.
 */

export interface Named {
  feed: string;
  version: string;
}

export interface Claims<T extends Named> {
  granted: T[];
  /** Each with the one that has its table. */
  refused: { wanted: T; owner: Named }[];
}

/**
 * Sorts out the feeds that would meet in one table.
 * @param owners those that have a table, first come first served: rows are in it, or documents describe it
 */
export function grantTables<T extends Named>(wanted: readonly T[], owners: readonly Named[]): Claims<T> {
  const byTable = new Map<string, Named>();
  for (const owner of [...owners, ...wanted]) {
    const id = tableId(owner);
    if (!byTable.has(id)) byTable.set(id, owner);
  }
  const claims: Claims<T> = { granted: [], refused: [] };
  for (const each of wanted) {
    const owner = byTable.get(tableId(each)) ?? each;
    if (owner.feed === each.feed && owner.version === each.version) claims.granted.push(each);
    else claims.refused.push({ wanted: each, owner });
  }
  return claims;
}

function tableId({ feed, version }: Named): string {
  return nameId(tableName(feed, version));
}
