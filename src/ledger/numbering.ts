import type { Session } from '../warehouse/session.ts';
import { qualified, type TableName } from '../warehouse/sql.ts';
import { ledger } from './ledger.ts';

/**
 * `_line` of rows staged the fast way, filled once they are written.
 *
 * DuckDB keeps the order in which rows were inserted, so a row's line follows from its `rowid`. Filled within the
 * transaction that inserts them it costs 0.6 of the whole load, by one that follows next to nothing. `ops.unnumbered` names the
 * files in between.
 */

/** Notes that the rows of these files have no `_line` yet; part of the transaction that inserts them. */
export async function noteUnnumbered(
  session: Session,
  table: TableName,
  files: readonly { fileId: number }[],
): Promise<void> {
  const ids = files.map(({ fileId }) => fileId);
  await session.insert({ schema: 'ops', table: 'unnumbered' }, [
    {
      schema_name: table.schema,
      table_name: table.table,
      first_file_id: Math.min(...ids),
      last_file_id: Math.max(...ids),
    },
  ]);
}

/**
 * Fills `_line` of the rows whose batch was committed and not numbered yet. Called before anything else writes, so that
 * what a killed run left is finished first.
 */
export async function finishNumbering(session: Session): Promise<void> {
  for (const pending of await ledger(session).selectFrom('ops.unnumbered').selectAll().execute()) {
    const table = qualified({ schema: pending.schema_name, table: pending.table_name });
    const range = `_file_id BETWEEN ${pending.first_file_id} AND ${pending.last_file_id} AND _line IS NULL`;
    await session.transaction(async () => {
      await session.run(`UPDATE ${table} AS staged SET _line = staged.rowid - first.row + 1
        FROM (SELECT _file_id AS file, min(rowid) AS row FROM ${table} WHERE ${range} GROUP BY _file_id) AS first
        WHERE staged._file_id = first.file AND staged._line IS NULL`);
      await session.run(
        'DELETE FROM ops.unnumbered WHERE schema_name = $1 AND table_name = $2 AND first_file_id = $3',
        [pending.schema_name, pending.table_name, pending.first_file_id],
      );
    });
  }
}
