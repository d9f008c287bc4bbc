import {
  columnComment,
  DEDUPED_COMMENT_START,
  dedupedComment,
  lifecycleNote,
  STAGED_COMMENT,
} from '../../feeds/comments.ts';
import type { KnownFeed } from '../../feeds/followed.ts';
import { stagingTable } from '../../feeds/names.ts';
import { type PresentTables, presentTableId } from '../../ledger/followed-feeds.ts';
import { commentText, identifier, qualified, type TableName } from '../../warehouse/sql.ts';

/** The comments of tables and columns, which explain them to whoever opens the warehouse. Pure. */

/** The statements that bring comments up to date; none where they already are. */
export function commentStatements(group: string, feed: KnownFeed, present: PresentTables): string[] {
  const staged = stagingTable(group, feed.name, feed.version);
  const there = present.get(presentTableId(staged));
  const statements: string[] = [];
  const wanted = new Map(feed.columns.map((column) => [column.name.toLowerCase(), columnComment(column)]));
  const before = new Map<string, string | null>();
  if (there) {
    const text = [STAGED_COMMENT, feed.description, lifecycleNote(feed)].filter(Boolean).join(' ');
    if (text !== (there.comment ?? '')) statements.push(onTable(staged, text));
    for (const { name, comment } of there.columns) before.set(name.toLowerCase(), comment);
    for (const column of feed.columns) {
      const was = before.get(column.name.toLowerCase()) ?? '';
      const is = columnComment(column);
      if (is !== was) statements.push(onColumn(staged, column.name, is));
    }
  }
  return feed.modelled
    ? [...statements, ...dedupedComments(group, feed, present, wanted, before)]
    : statements;
}

/** A deduped table gets the comments of its staging table, except where its model gives others. */
function dedupedComments(
  group: string,
  feed: KnownFeed,
  present: PresentTables,
  wanted: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string | null>,
): string[] {
  const table = { schema: group, table: feed.name };
  const there = present.get(presentTableId(table));
  if (!there) return [];
  const text = dedupedComment(feed);
  const ours = there.comment === null || there.comment.startsWith(DEDUPED_COMMENT_START);
  return [
    ...(ours && there.comment !== text ? [onTable(table, text)] : []),
    ...there.columns.flatMap(({ name, comment }) => {
      const is = wanted.get(name.toLowerCase());
      const inherited = comment === null || comment === before.get(name.toLowerCase());
      return is !== undefined && inherited && is !== (comment ?? '') ? [onColumn(table, name, is)] : [];
    }),
  ];
}

function onTable(table: TableName, text: string): string {
  return `COMMENT ON TABLE ${qualified(table)} IS ${commentText(text)}`;
}

function onColumn(table: TableName, column: string, text: string): string {
  return `COMMENT ON COLUMN ${qualified(table)}.${identifier(column)} IS ${commentText(text)}`;
}
