import type { Session } from '../warehouse/session.ts';
import { qualified, type TableName } from '../warehouse/sql.ts';
import { ledger } from './ledger.ts';

/**
 * `_line` of rows that were staged the fast way, where they are many: it is filled in after they are written. Of few it is
 * filled as they are inserted, by one thread (`load/staging/fast.ts`).
 *
 * DuckDB keeps rows in the order in which they were inserted, so the line follows from `rowid`. Filling it in the
 * transaction that inserts the rows would cost 0.6 of the whole load; in a later transaction it costs next to nothing.
 * Until then `ops.unnumbered` names the files.
 */

/** Records that the rows of these files have no `_line` yet. Part of the transaction that inserts them. */
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
 * Fills `_line` of rows whose batch is committed and not numbered yet. Called before anything else writes, so that what
 * a killed run left over is finished first.
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
