import { commentText, identifier, literal, qualified, type TableName } from '../../warehouse/sql.ts';
import type { Dialect } from './dialect.ts';
import { refresh, winners } from './duckdb-dedup.ts';

/** The rows that an incremental model brings. */
const NEW_ROWS = 'incremental_rows';

/** The warehouse's own SQL. */
export const duckdb: Dialect = {
  transactional: true,
  keepsCapitals: true,

  identifier,
  qualified,
  literal,
  type: (type) => type,
  tryCast: (value, type) => `TRY_CAST(${value} AS ${type})`,

  describe: (query) => [`DESCRIBE (${query}\n)`],
  meaning: (query) =>
    `SELECT regexp_replace(json_serialize_sql(${literal(query)})::VARCHAR, '"query_location":\\d+', '""', 'g') AS meaning`,
  count(kind, relation) {
    const everyValue = kind === 'view' ? ', bit_xor(hash(t))' : '';
    return `SELECT count(*) AS rows${everyValue} FROM ${qualified(relation)} AS t`;
  },

  createSchema: (schema) => `CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`,
  create: (kind, target, query) => [
    `CREATE OR REPLACE ${kind.toUpperCase()} ${qualified(target)} AS\n${query}`,
  ],
  drop: (kind, target) => `DROP ${kind.toUpperCase()} ${qualified(target)}`,
  comment: (kind, target, text) => commentOn(`${kind.toUpperCase()} ${qualified(target)}`, text),
  commentColumn: (target, column, text) =>
    commentOn(`COLUMN ${qualified(target)}.${identifier(column)}`, text),

  append: (target, query) => [`INSERT INTO ${qualified(target)} BY NAME\n${query}`],
  merge,
  winners,
  refresh,
};

function commentOn(what: string, text: string): string {
  return `COMMENT ON ${what} IS ${commentText(text)}`;
}

function merge(target: TableName, query: string, uniqueKey: readonly string[], twice: string): string[] {
  const keys = uniqueKey.map(identifier);
  const same = keys.map((key) => `old.${key} IS NOT DISTINCT FROM new.${key}`).join(' AND ');
  return [
    `CREATE OR REPLACE TEMP TABLE ${NEW_ROWS} AS\n${query}`,
    `SELECT error(${literal(twice)} || concat_ws(', ', ${keys.join(', ')})) FROM ${NEW_ROWS}
GROUP BY ${keys.join(', ')} HAVING count(*) > 1 LIMIT 1`,
    `DELETE FROM ${qualified(target)} AS old USING ${NEW_ROWS} AS new WHERE ${same}`,
    `INSERT INTO ${qualified(target)} BY NAME FROM ${NEW_ROWS}`,
    `DROP TABLE ${NEW_ROWS}`,
  ];
}
