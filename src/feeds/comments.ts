import type { KnownFeed, TypedColumn } from './followed.ts';
import { fieldName, tableName } from './names.ts';

/** What tables and columns say of themselves to whoever opens the warehouse. Pure. */

/** What a column holds, what it holds of people, whether it still comes, and what it is called where it comes from. */
export function columnComment({
  name,
  description,
  pii,
  deleted,
}: Pick<TypedColumn, 'name' | 'description' | 'pii'> & Partial<Pick<TypedColumn, 'deleted'>>): string {
  const field = fieldName(name);
  return [
    description,
    pii && `Personal data: ${pii}`,
    deleted && `Not sent any more since ${deleted}.`,
    field !== name && `Sent as ${field}, a name that is taken here.`,
  ]
    .filter(Boolean)
    .join(' ');
}

type Life = Pick<KnownFeed, 'deprecated' | 'expectedEnd' | 'actualEnd' | 'gone' | 'replacement'>;

/** How a feed's life goes on; `''` for one that just lives. */
export function lifeNote({ deprecated, expectedEnd, actualEnd, gone, replacement }: Life): string {
  const notes = [
    deprecated && `Deprecated since ${deprecated}.`,
    actualEnd ? `Ended ${actualEnd}.` : expectedEnd && `Ends ${expectedEnd}.`,
    gone && `Not documented any more since ${gone}.`,
  ].filter(Boolean);
  if (notes.length > 0 && replacement !== '') notes.push(`Use ${replacement}.`);
  return notes.join(' ');
}

/** What a staging table holds. */
export const STAGED = 'Every version of every record received.';
/** How what a deduped table holds begins. */
export const LATEST = 'The latest version of each record of';

/** What a deduped table holds: the latest of each record of a feed, what the documents say of it, and how its life goes on. */
export function dedupedComment(
  feed: Pick<KnownFeed, 'name' | 'version' | 'description' | keyof Life>,
): string {
  const { name, version, description } = feed;
  return [`${LATEST} ${tableName(name, version)}.`, description, lifeNote(feed)].filter(Boolean).join(' ');
}
