import type { ParsedSql, Self } from './model.ts';
import type { PropertiesFile } from './properties.ts';
import type { FeedRule } from './rule.ts';

/** Files of a project once each was parsed by itself, before what they name is looked up. */

/** A model's file once it was parsed; `sql` is undefined where it could not be, which was reported. */
export interface ModelSource extends Self {
  layer: number;
  file: string;
  generated: boolean;
  /** What the schema says of the feed that it keeps the records of; undefined for one that says that for itself. */
  follows: FeedRule | undefined;
  sql: ParsedSql | undefined;
}

/** A properties file once it was parsed. */
export interface PropertiesSource extends PropertiesFile {
  layer: number;
  /** The schema whose folder it is in; undefined where it is in none. */
  schema: string | undefined;
}
