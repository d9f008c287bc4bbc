import { tableName } from '../feeds/names.ts';
import type { ProjectFile } from './files.ts';
import type { ParsedSql } from './model.ts';
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

/**
 * What `parseSql` makes of the text of such a model, with whatever comment above it, known without going through a template:
 * nearly all models are of this kind, and every run reads all of them.
 * @returns undefined for another text
 */
export function parseGenerated(file: string, text: string, rule: FeedRule): ParsedSql | undefined {
  const own = generatedModel(rule).text;
  const comment = text.slice(0, -own.length);
  // Such a character may mean something to a template.
  if (!text.endsWith(own) || /[{\r\uFEFF]/.test(comment)) return undefined;
  const { group, feed, version = '1', key, orderBy } = rule;
  const table = tableName(feed, version);
  const line = comment.split('\n').length;
  const config = { materialized: 'dedup', unique_key: key, order_by: orderBy };
  return {
    file,
    text,
    config: new Map(Object.entries(config).map(([name, value]) => [name, { value, file, line }])),
    refs: [],
    sources: [{ group, feed: table, line: line + 1 }],
    render: (context) => ({
      sql: `${comment}\nselect * from ${context.source(group, table)}`,
      sourceLine: (rendered) => Math.min(Math.max(rendered, 1), line + 1),
      messages: [],
    }),
  };
}

function list(names: readonly string[]): string {
  return `[${names.map(quoted).join(', ')}]`;
}

function quoted(name: string): string {
  return `'${name.replace(/[\\']/g, '\\$&')}'`;
}
