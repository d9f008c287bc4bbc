import { fieldName } from '../../feeds/names.ts';
import type { ColumnType } from '../../feeds/types.ts';
import type { Moves } from '../../load/staging/rescued-values.ts';
import { identifier, literal, qualified, type TableName } from '../../warehouse/sql.ts';
import { asJson, type Retype, unfitRowsQuery } from './moves.ts';

/**
 * Removes rows from staging whose key does not fit the type that its column gets back: lines that `schema accept` let
 * in are rejected again when it is undone. Pure, SQL as text.
 *
 * A line that had been rejected before is still in `ops.rejected_rows` as it was sent. A line that came later is
 * rebuilt from its columns. It loses nothing but its exact spelling, and its detail says that it was rebuilt.
 */
export function rejectAgain(
  table: TableName,
  columns: readonly { name: string; type: ColumnType }[],
  retype: Retype,
  changeId: number,
): Pick<Moves, 'read' | 'update'> {
  const unfit = `unfit_${changeId}`;
  const detail = `the value of ${retype.column}, which identifies a record, is no ${retype.to}`;
  const isHere = `file_id = u._file_id AND line = u._line`;
  return {
    read: [
      `CREATE OR REPLACE TEMP TABLE ${unfit} AS
SELECT t._file_id, t._line, ${lineOf(columns)} AS text FROM ${qualified(table)} AS t
SEMI JOIN (${unfitRowsQuery(table, retype)}) AS v ON t._file_id = v._file_id AND t._line = v._line`,
    ],
    update: [
      `UPDATE ops.rejected_rows SET resolved_at = NULL, resolution = NULL, detail = ${literal(detail)}
FROM ${unfit} AS u WHERE ${isHere} AND resolution = 'replayed'`,
      `INSERT INTO ops.rejected_rows (file_id, line, raw, reason, detail, rejected_at)
SELECT u._file_id, u._line, encode(u.text), 'key_type', ${literal(`${detail}; the line is put together again from its columns`)}, f.loaded_at
FROM ${unfit} AS u JOIN ops.files AS f ON f.file_id = u._file_id
WHERE NOT EXISTS (FROM ops.rejected_rows AS r WHERE r.file_id = u._file_id AND r.line = u._line AND r.resolved_at IS NULL)`,
      `UPDATE ops.files SET rows_staged = rows_staged - n.rows, rows_rejected = rows_rejected + n.rows
FROM (SELECT _file_id, count(*) AS rows FROM ${unfit} GROUP BY _file_id) AS n WHERE file_id = n._file_id`,
      `DELETE FROM ${qualified(table)} AS t USING ${unfit} AS u WHERE t._file_id = u._file_id AND t._line = u._line`,
      `DROP TABLE ${unfit}`,
    ],
  };
}

/** A row as a line of JSON, made of its columns that have a value and of `_rescued`. */
function lineOf(columns: readonly { name: string; type: ColumnType }[]): string {
  const fields = columns.map(({ name, type }) => {
    const value = `t.${identifier(name)}`;
    const json = `CAST(${asJson(value, type, undefined)} AS VARCHAR)`;
    return `CASE WHEN ${value} IS NOT NULL THEN ${literal(`${JSON.stringify(fieldName(name))}:`)} || ${json} END`;
  });
  const rescued = `CASE WHEN t._rescued IS NOT NULL THEN substr(CAST(t._rescued AS VARCHAR), 2, len(CAST(t._rescued AS VARCHAR)) - 2) END`;
  return `'{' || concat_ws(',', ${[...fields, rescued].join(', ')}) || '}'`;
}
