import { FILE_ORDER } from '../../ledger/sources.ts';
import { instant } from '../../warehouse/instant.ts';
import { identifier, qualified, type TableName } from '../../warehouse/sql.ts';
import type { DedupQuery, DedupRule } from './dialect.ts';

/** The dedup rule as DuckDB's SQL: of the versions of a record, the latest. Pure. */

/** The order of the files that some rows are from: a ledger of years knows of very many more. */
function fileOrderOf(rows: string): string {
  return `${FILE_ORDER} AND file_id IN (SELECT _file_id FROM ${rows})`;
}

/** The ranking of rows `s` joined with their files `f`, best first: for the window's ORDER BY. */
export function ranking({ orderBy, orderTypes }: DedupRule): string {
  const columns = orderBy.flatMap((name, index) =>
    rankedBy(`s.${identifier(name)}`, orderTypes[index] ?? '').map((value) => `${value} DESC NULLS LAST`),
  );
  return [...columns, 'f.file_order DESC', 's._line DESC'].join(', ');
}

/** What a value of an ordering column ranks by. */
function rankedBy(value: string, type: string): string[] {
  if (type !== 'VARCHAR') return [value];
  const number = `CASE WHEN regexp_full_match(${value}, '-?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?') THEN try_cast(${value} AS DOUBLE) END`;
  return [instant(value), number, value];
}

/**
 * The ranking as one number, where there is one ordering column at most and its values are numbers of 64 bits.
 *
 * The largest of one number DuckDB finds by an aggregate that holds a number for each key, and that spills where memory
 * ends. That takes half the time of a window over several columns, or a third; one value of a text or a `create_sort_key`
 * would be found so as well, but in memory only.
 */
function rankingNumber({ orderBy, orderTypes }: DedupRule): string | undefined {
  // 31 bits for the file, 32 for the line: DuckDB fails rather than shift further.
  const delivered = '((f.file_order << 32) | s._line)';
  const [name, more] = orderBy;
  if (name === undefined) return delivered;
  const order = more === undefined && wholeNumber(`s.${identifier(name)}`, orderTypes[0] ?? '');
  return order ? `${order} * ${2n ** 63n} + ${delivered}` : undefined;
}

/** A value as a HUGEINT in the same order, NULL first; undefined for a type that has others than integers of 64 bits. */
function wholeNumber(value: string, type: string): string | undefined {
  if (['BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT'].includes(type))
    return `coalesce(${value}::HUGEINT, ${-(2n ** 63n) - 1n})`;
  // Of the infinite times `epoch_us` says NULL. No finite one comes near the ends of 64 bits.
  const infinite = `CASE ${value} WHEN 'infinity' THEN ${2n ** 63n - 1n} WHEN '-infinity' THEN ${-(2n ** 63n) + 1n} END`;
  if (type === 'TIMESTAMP') return `coalesce(epoch_us(${value}), ${infinite}, ${-(2n ** 63n)})::HUGEINT`;
  return undefined;
}

/**
 * A query for the winners: of a staging table by their `rowid`, since a window over whole rows, not only over keys, ordering
 * and `rowid`, takes three times as long, and far more memory. Rows of a query have none to be fetched by.
 */
export function winners(query: DedupQuery): string {
  const { from, isTable, columns, rule } = query;
  if (isTable)
    return fetch(
      query,
      `SELECT s.rowid FROM ${from} AS s ${bestOf(rule, fileOrderOf(from), byNumber(rule))}`,
    );
  return `SELECT ${columns.map((name) => `s.${identifier(name)}`).join(', ')}
FROM ${from} AS s ${bestOf(rule, FILE_ORDER, ranking(rule))}`;
}

/** The keys that an incremental build ranks again, and all rows of theirs. */
const CHANGED_KEYS = 'dedup_changed_keys';
const CANDIDATES = 'dedup_candidates';

/**
 * The statements that bring a dedup table up to date: only keys that have new rows, or whose winner went with its file, are
 * ranked again, among all of their rows. What comes out is what a full build gives, row for row.
 *
 * Keys are compared by `=`, which lets DuckDB leave out the row groups that none of them lie in; those with a NULL
 * somewhere, which `=` does not find, by statements of their own.
 */
export function refresh(target: TableName, query: DedupQuery, watermark: number): string[] {
  const { rule, from } = query;
  const names = rule.uniqueKey.map(identifier);
  const keys = names.join(', ');
  const ranked = [...rule.uniqueKey, ...rule.orderBy].map((name) => `s.${identifier(name)}`);
  const same = (alias: string, by: string) =>
    names.map((name) => `${alias}.${name} ${by} k.${name}`).join(' AND ');
  const hasNull = (alias: string) => names.map((name) => `${alias}.${name} IS NULL`).join(' OR ');
  const candidates = `SELECT s.rowid AS _rowid, ${[...new Set(ranked), 's._file_id', 's._line'].join(', ')} FROM ${from} AS s`;
  const nullSafe = `SELECT 1 FROM ${CHANGED_KEYS} AS k WHERE`;
  return [
    `CREATE OR REPLACE TEMP TABLE ${CHANGED_KEYS} AS
SELECT ${keys} FROM ${from} WHERE _file_id > ${watermark}
UNION
SELECT ${keys} FROM ${qualified(target)} WHERE _file_id IN (
  SELECT file_id FROM ops.files WHERE superseded_by > ${watermark})`,
    `CREATE OR REPLACE TEMP TABLE ${CANDIDATES} AS
${candidates} SEMI JOIN ${CHANGED_KEYS} AS k ON ${same('s', '=')}
UNION ALL
${candidates} WHERE (${hasNull('s')}) AND EXISTS (${nullSafe} ${same('s', 'IS NOT DISTINCT FROM')})`,
    `DELETE FROM ${qualified(target)} AS t USING ${CHANGED_KEYS} AS k WHERE ${same('t', '=')}`,
    `DELETE FROM ${qualified(target)} AS t
WHERE (${hasNull('t')}) AND EXISTS (${nullSafe} ${same('t', 'IS NOT DISTINCT FROM')})`,
    `INSERT INTO ${qualified(target)} (${query.columns.map(identifier).join(', ')})
${fetch(query, `SELECT s._rowid FROM ${CANDIDATES} AS s ${bestOf(rule, fileOrderOf(CANDIDATES), byNumber(rule))}`)}`,
    `DROP TABLE ${CANDIDATES}; DROP TABLE ${CHANGED_KEYS}`,
  ];
}

/** The rows of a staging table whose `rowid` a query names. */
function fetch({ from, columns }: DedupQuery, rowids: string): string {
  return `SELECT ${columns.map(identifier).join(', ')}
FROM ${from}
WHERE rowid IN (
  ${rowids})`;
}

/** Joins rows `s` with their files, and leaves the best of each key. */
function bestOf(rule: DedupRule, fileOrder: string, order: string): string {
  return `JOIN (${fileOrder}) AS f ON f.file_id = s._file_id
QUALIFY row_number() OVER (PARTITION BY ${keyOf('s', rule)} ORDER BY ${order}) = 1`;
}

/** The ranking by its number where it has one. */
function byNumber(rule: DedupRule): string {
  const number = rankingNumber(rule);
  return number === undefined ? ranking(rule) : `${number} DESC`;
}

function keyOf(alias: string, { uniqueKey }: DedupRule): string {
  return uniqueKey.map((name) => `${alias}.${identifier(name)}`).join(', ');
}
