import type { EpochFormat } from '../types.ts';

/**
 * What an export document says of the feeds: the vendor's daily `export_docs.yaml`, and our `schemas/<group>.yaml`,
 * which have one shape. `parse.ts` reads them into this.
 *
 * Dates are `YYYY-MM-DD`, undefined when the document does not say.
 */

export interface ColumnDoc {
  /** The column's name: the field's name, except where that name is reserved. See `feeds/names.ts`. */
  name: string;
  /** The type as the document spells it, e.g. `varchar(191)`; `''` when it does not say. */
  type: string;
  description: string;
  /** What the document says about personal data; `''` when nothing. */
  pii: string;
  created: string | undefined;
  /** The day it was created when the document gives no later one. */
  updated: string | undefined;
  /** Set when the column was taken out of the feed. */
  deleted: string | undefined;
  /** How its times are sent. No document says so: a person does. */
  format?: EpochFormat;
}

export interface FeedDoc {
  name: string;
  /** `'1'` unless the document says otherwise. */
  version: string;
  description: string;
  /** The unique condition: the columns that identify a record. May name columns that the feed lacks. */
  key: readonly string[];
  /** Columns that tell a later version of a record from an earlier one, most significant first. */
  orderBy: readonly string[];
  /** Minutes between exports; undefined when the document does not say. */
  cadenceMinutes: number | undefined;
  /** The day it was first exported. */
  active: string | undefined;
  modified: string | undefined;
  deprecated: string | undefined;
  /** The end of life: the announced day, and the day it happened. */
  expectedEnd: string | undefined;
  actualEnd: string | undefined;
  /** The feed that takes its place; `''` when none is named. */
  replacement: string;
  /** No two names are equal, whatever their case: a table could not hold them. */
  columns: readonly ColumnDoc[];
}

export interface ExportDocument {
  /** No two would have one table: one name, whatever its case, and one version. */
  feeds: readonly FeedDoc[];
}
