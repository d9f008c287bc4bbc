import type { ColumnDoc, FeedDoc } from './documents/document.ts';
import type { ColumnType } from './types.ts';

/** The shape of the feeds as the warehouse follows it: what was published, except for changes that are held. */

/** A column with the type it is staged as. */
export interface TypedColumn extends ColumnDoc {
  type: ColumnType;
  /** The type as the newest document spells it; `''` when it does not say. */
  published: string;
}

/** A feed as it is followed, with a person's corrections applied. */
export interface KnownFeed extends FeedDoc {
  columns: readonly TypedColumn[];
  /** Which document listed it last: the schema that comes with the program, or one of the vendor's. */
  origin: DocumentOrigin;
  /** False for a feed that was only seen in the data so far. */
  documented: boolean;
  /** The day since when no document lists it. */
  gone: string | undefined;
  /** Whether the feed's dedup model reads this version. */
  modelled: boolean;
  /** Columns of its staging table that no document lists. */
  inferred: readonly { name: string; type: ColumnType }[];
}

export type DocumentOrigin = 'bundled' | 'vendor';

/** What the newest documents say of a feed, corrected. */
export interface WantedFeed extends FeedDoc {
  columns: readonly WantedColumn[];
  origin: DocumentOrigin;
}

export interface WantedColumn extends ColumnDoc {
  /** `''` when the document gives no type, or one that we do not know. */
  type: ColumnType | '';
  published: string;
  /** A user's own corrections say what its type or format is. */
  corrected?: boolean;
}

/** Names ignore case, as DuckDB's do. */
export function feedId({ name, version }: Pick<FeedDoc, 'name' | 'version'>): string {
  return JSON.stringify([name.toLowerCase(), version]);
}

export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Whether what a document says about personal data is that there is some. */
export function isPersonal(pii: string): boolean {
  return !/^(|no|none|false|0|n\/?a|null|not? pii)$/i.test(pii.trim());
}
