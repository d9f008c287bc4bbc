import { dedupedComment } from '../feeds/comments.ts';
import { tableNameSql } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import type { TableName } from '../warehouse/sql.ts';
import { tableColumns } from '../warehouse/tables.ts';
import type { Dialect, RelationKind } from './dialect/dialect.ts';
import { dialectOf } from './dialect/engine.ts';
import type { Model } from './model.ts';
import type { ColumnProperties } from './properties.ts';
import { sourceTable } from './relations.ts';

/** The statements that put descriptions into the warehouse, where every client shows them. */

/** Descriptions of the table and its columns: the model's own, else those of the feed. */
export async function dedupComments(
  session: Session,
  model: Model,
  target: TableName,
  source: string | undefined,
  columns: readonly string[],
): Promise<string[]> {
  const [read] = source === undefined ? [] : model.sources;
  const described = read ? await tableColumns(session, sourceTable(read.group, read.feed)) : [];
  const inherited = new Map(described.map(({ name, comment }) => [name, comment]));
  const table = model.description || (await feedComment(session, model));
  const dialect = dialectOf(session);
  return [
    dialect.comment('table', target, table),
    ...columnComments(dialect, target, columns, inherited, model.columns),
  ];
}

/** What a deduped table holds, by what the schema documents say of its feed. */
async function feedComment(session: Session, { sources, name }: Model): Promise<string> {
  const { group, feed } = sources[0] ?? { group: '', feed: name };
  const [found] = await session.rows<Parameters<typeof dedupedComment>[0]>(
    `SELECT feed AS name, version, description, deprecated_on AS deprecated, expected_end_on AS "expectedEnd",
       actual_end_on AS "actualEnd", gone_on AS gone, coalesce(replacement, '') AS replacement
     FROM ops.feeds WHERE feed_group = $1 AND ${tableNameSql()} = $2`,
    [group, feed],
  );
  return found ? dedupedComment(found) : `The latest version of each record of ${feed}.`;
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
