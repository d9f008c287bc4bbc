import { tableName } from '../feeds/names.ts';
import type { ProjectFile } from './files.ts';
import type { FeedRule } from './rule.ts';

/** The dedup model of a feed as a person would have written it. */
export function generatedModel({ group, feed, version = '1', key, orderBy }: FeedRule): ProjectFile {
  return {
    kind: 'model',
    layer: 0,
    file: `models/${group}/${feed}.sql (made from the schema documents)`,
    path: `${group}/${feed}.sql`,
    text: `{{ config(materialized='dedup', unique_key=${list(key)}, order_by=${list(orderBy)}) }}
select * from {{ source(${quoted(group)}, ${quoted(tableName(feed, version))}) }}
`,
  };
}

function list(names: readonly string[]): string {
  return `[${names.map(quoted).join(', ')}]`;
}

function quoted(name: string): string {
  return `'${name.replace(/[\\']/g, '\\$&')}'`;
}
