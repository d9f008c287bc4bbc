import type { Session } from '../warehouse/session.ts';
import { commentText, identifier, type TableName } from '../warehouse/sql.ts';
import { columnsSql, tablesSql } from '../warehouse/tables.ts';
import { COPY, inCopy, PUBLIC_SCHEMAS } from './catalogue.ts';

/** A table, view or column of the copy whose comment differs from that in the loader's file. */
interface DifferingComment extends TableName {
  kind: 'table' | 'view' | 'column';
  /** Empty for the table or view itself. */
  column: string;
  comment: string | null;
}

/**
 * Brings the comments of the copy up to date, where they differ. The table of a model also says when it was built, and
 * from what.
 */
export async function copyComments(session: Session): Promise<void> {
  const differing = await session.rows<DifferingComment>(
    `WITH own AS (
  SELECT * REPLACE (CASE WHEN "column" = '' THEN concat_ws(chr(10), comment, said) ELSE comment END AS comment)
  FROM (${commentsOf()}) LEFT JOIN (${BUILT}) USING (schema, "table")
), copied AS (${commentsOf(COPY)})
SELECT schema, "table", "column", copied.kind, nullif(own.comment, '') AS comment
FROM copied JOIN own USING (schema, "table", "column") WHERE nullif(own.comment, '') IS DISTINCT FROM copied.comment`,
  );
  const statements = differing.map(({ kind, column, comment, ...table }) => {
    const name = column === '' ? inCopy(table) : `${inCopy(table)}.${identifier(column)}`;
    return `COMMENT ON ${kind} ${name} IS ${commentText(comment)};`;
  });
  if (statements.length > 0) await session.run(statements.join('\n'));
}

/**
 * What the comment of each model's table adds: `Built 2026-01-10 12:00 from messaging.reps (up to 2026-01-09 00:00), 3
 * rows.`
 */
const BUILT = `SELECT schema_name AS schema, table_name AS "table", concat(
    'Built ' || strftime(built_at, '%Y-%m-%d %H:%M') || ' UTC',
    ' from ' || nullif(array_to_string(sources, ', '), ''), ' (up to ' || strftime(data_up_to, '%Y-%m-%d %H:%M') || ')',
    ', ' || format('{:,}', rows) || CASE WHEN rows = 1 THEN ' row' ELSE ' rows' END, '.',
    CASE WHEN stale THEN ' It is older than it should be: ' || why || '.' END) AS said
  FROM ops.published_tables WHERE run_id IS NOT NULL`;

function commentsOf(database?: string): string {
  return `SELECT schema, "table", '' AS "column", kind, comment FROM (${tablesSql(database)}) WHERE ${PUBLIC_SCHEMAS}
UNION ALL SELECT schema, "table", name, 'column', comment FROM (${columnsSql(database)}) WHERE ${PUBLIC_SCHEMAS}`;
}
