import { dedupedComment } from '../feeds/comments.ts';
import { STAGING_SCHEMAS, tableNameSql } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import type { TableName } from '../warehouse/sql.ts';
import { type PresentColumn, presentColumns, tableId } from '../warehouse/tables.ts';
import type { Dialect, RelationKind } from './dialect/dialect.ts';
import type { Model } from './model.ts';
import type { ColumnProperties } from './properties.ts';
import { sourceTable } from './relations.ts';

/** The statements that put descriptions into the warehouse, where every client shows them. */

/** What is said of feeds, by their tables, and of the columns of those. */
export interface FeedComments {
  tables: ReadonlyMap<string, string>;
  columns: ReadonlyMap<string, readonly Pick<PresentColumn, 'name' | 'comment'>[]>;
}

/** What is said of all feeds: one look through the catalogue costs as much as one for a single table. */
export async function readFeedComments(session: Session): Promise<FeedComments> {
  const feeds = await session.rows<Parameters<typeof dedupedComment>[0] & { table: string }>(
    `SELECT 'staging_' || feed_group || '.' || ${tableNameSql()} AS table, feed AS name, version, description,
       deprecated_on AS deprecated, expected_end_on AS "expectedEnd", actual_end_on AS "actualEnd", gone_on AS gone,
       coalesce(replacement, '') AS replacement
     FROM ops.feeds`,
  );
  return {
    tables: new Map(feeds.map(({ table, ...feed }) => [table, dedupedComment(feed)])),
    columns: await presentColumns(session, { where: STAGING_SCHEMAS }),
  };
}

/** Descriptions of the table and its columns: the model's own, else those of the feed. */
export function dedupComments(
  dialect: Dialect,
  model: Model,
  target: TableName,
  source: string | undefined,
  columns: readonly string[],
  feeds: FeedComments,
): string[] {
  const [read] = model.sources;
  const table = read && tableId(sourceTable(read.group, read.feed));
  const described = (source !== undefined && table !== undefined && feeds.columns.get(table)) || [];
  const inherited = new Map(described.map(({ name, comment }) => [name, comment]));
  const known = table && feeds.tables.get(table);
  const text =
    model.description || known || `The latest version of each record of ${read?.feed ?? model.name}.`;
  return [
    dialect.comment('table', target, text),
    ...columnComments(dialect, target, columns, inherited, model.columns),
  ];
}

/** Descriptions of the table or view and its columns, as the model itself has them. */
export function ownComments(
  dialect: Dialect,
  model: Model,
  kind: RelationKind,
  target: TableName,
  columns: readonly string[],
): string[] {
  return [
    ...(model.description ? [dialect.comment(kind, target, model.description)] : []),
    ...columnComments(dialect, target, columns, new Map(), model.columns),
  ];
}

/**
 * @param columns those that the table has: what is said of others has nothing to land on
 * @param inherited comments by column, for those that the model itself says nothing of
 */
function columnComments(
  dialect: Dialect,
  target: TableName,
  columns: readonly string[],
  inherited: ReadonlyMap<string, string | null>,
  described: readonly ColumnProperties[],
): string[] {
  const own = new Map(described.map(({ name, description }) => [name.toLowerCase(), description]));
  return columns.flatMap((name) => {
    const comment = own.get(name.toLowerCase()) || inherited.get(name);
    if (!comment) return [];
    return [dialect.commentColumn(target, name, comment)];
  });
}
