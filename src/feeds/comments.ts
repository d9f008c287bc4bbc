import type { KnownFeed, TypedColumn } from './followed.ts';
import { fieldName, tableName } from './names.ts';

/** What tables and columns say of themselves to whoever opens the warehouse. Pure. */

/**
 * The comment of a column: its description, whether it holds personal data, whether it is still sent, and its field's
 * name where that differs.
 */
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

type LifecycleFields = Pick<KnownFeed, 'deprecated' | 'expectedEnd' | 'actualEnd' | 'gone' | 'replacement'>;

/** Where a feed is in its lifecycle (deprecated, ending, ended, no longer documented); `''` for an active feed. */
export function lifecycleNote({
  deprecated,
  expectedEnd,
  actualEnd,
  gone,
  replacement,
}: LifecycleFields): string {
  const notes = [
    deprecated && `Deprecated since ${deprecated}.`,
    actualEnd ? `Ended ${actualEnd}.` : expectedEnd && `Ends ${expectedEnd}.`,
    gone && `Not documented any more since ${gone}.`,
  ].filter(Boolean);
  if (notes.length > 0 && replacement !== '') notes.push(`Use ${replacement}.`);
  return notes.join(' ');
}

/** The comment of a staging table. */
export const STAGED_COMMENT = 'Every version of every record received.';
/**
 * How the comment of every deduped table begins. A comment that begins otherwise was written by a person, and is left
 * alone.
 */
export const DEDUPED_COMMENT_START = 'The latest version of each record of';

/** The comment of a deduped table: what it holds, the feed's description, and where the feed is in its lifecycle. */
export function dedupedComment(
  feed: Pick<KnownFeed, 'name' | 'version' | 'description' | keyof LifecycleFields>,
): string {
  const { name, version, description } = feed;
  return [`${DEDUPED_COMMENT_START} ${tableName(name, version)}.`, description, lifecycleNote(feed)]
    .filter(Boolean)
    .join(' ');
}
