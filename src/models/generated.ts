import type { ProjectFile } from './files.ts';

/** What the schema documents say of how a feed's records are told apart. */
export interface FeedRule {
  group: string;
  feed: string;
  /** Columns that the feed has and that identify a record; empty where nobody knows them. */
  key: readonly string[];
  /** Columns that tell a later version from an earlier one, most significant first. */
  orderBy: readonly string[];
}

/** The dedup model of a feed as a person would have written it. */
export function generatedModel({ group, feed, key, orderBy }: FeedRule): ProjectFile {
  const order = orderBy.length > 0 ? `, order_by=${list(orderBy)}` : '';
  return {
    kind: 'model',
    layer: 0,
    file: `models/${group}/${feed}.sql (made from the schema documents)`,
    path: `${group}/${feed}.sql`,
    text: `{{ config(materialized='dedup', unique_key=${list(key)}${order}) }}
select * from {{ source(${quoted(group)}, ${quoted(feed)}) }}
`,
  };
}

function list(names: readonly string[]): string {
  return `[${names.map(quoted).join(', ')}]`;
}

function quoted(name: string): string {
  return `'${name.replace(/[\\']/g, '\\$&')}'`;
}
