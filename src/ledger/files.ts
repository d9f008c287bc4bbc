import { foldCase, foldCaseSql } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import { ledger } from './ledger.ts';
import type { FileFailure, UndeclaredField } from './tables.ts';

/** The number that the next staged file gets. */
export async function nextFileId(session: Session): Promise<number> {
  const { next } = await session.row<{ next: number }>(
    'SELECT coalesce(max(file_id), 0) + 1 AS next FROM ops.files',
  );
  return next;
}

/** Records that a file could not be staged. */
export async function recordFileFailure(
  session: Session,
  failure: Pick<FileFailure, 'source' | 'path' | 'etag' | 'bytes' | 'message' | 'fingerprint'>,
  now: Date,
): Promise<void> {
  const { source, path } = failure;
  const open = await ledger(session)
    .selectFrom('ops.file_failures')
    .select('attempts')
    .where('source', '=', source)
    .where('path', '=', path)
    .where('resolved_at', 'is', null)
    .executeTakeFirst();
  if (open) {
    await ledger(session)
      .updateTable('ops.file_failures')
      .set({ ...failure, attempts: open.attempts + 1, last_failed_at: now })
      .where('source', '=', source)
      .where('path', '=', path)
      .where('resolved_at', 'is', null)
      .execute();
    return;
  }
  const row: FileFailure = {
    ...failure,
    attempts: 1,
    first_failed_at: now,
    last_failed_at: now,
    resolved_at: null,
  };
  await session.insert({ schema: 'ops', table: 'file_failures' }, [row]);
}

/** Files of a source that could not be staged, and have not been since. */
export async function openFileFailures(session: Session, source: string): Promise<FileFailure[]> {
  return ledger(session)
    .selectFrom('ops.file_failures')
    .selectAll()
    .where('source', '=', source)
    .where('resolved_at', 'is', null)
    .execute();
}

/** How many files of each source could not be staged, and have not been since. */
export async function countFailingFiles(session: Session): Promise<{ source: string; files: number }[]> {
  return session.rows(
    `SELECT source, count(DISTINCT path) AS files FROM ops.file_failures WHERE resolved_at IS NULL
     GROUP BY source ORDER BY source`,
  );
}

/** Fields that came with feeds though their tables have no column for them. */
export async function undeclaredFields(session: Session): Promise<Omit<UndeclaredField, 'first_seen_at'>[]> {
  return session.rows('SELECT feed_group, feed, version, field FROM ops.undeclared_fields');
}

/** Removes fields that have a column now from the undeclared ones, whatever their case. */
export async function forgetUndeclaredFields(
  session: Session,
  feed: Pick<UndeclaredField, 'feed_group' | 'feed' | 'version'>,
  fields: readonly string[],
): Promise<void> {
  await session.run(
    `DELETE FROM ops.undeclared_fields WHERE feed_group = $1 AND feed = $2 AND version = $3
       AND ${foldCaseSql('field')} IN (SELECT unnest(from_json($4, '["VARCHAR"]')))`,
    [feed.feed_group, feed.feed, feed.version, JSON.stringify(fields.map(foldCase))],
  );
}

/** Resolves the failures of files that were staged, or no longer exist. */
export async function resolveFileFailures(
  session: Session,
  source: string,
  paths: readonly string[],
  now: Date,
): Promise<void> {
  if (paths.length === 0) return;
  await session.run(
    `UPDATE ops.file_failures SET resolved_at = $1 WHERE source = $2 AND resolved_at IS NULL
     AND path IN (SELECT unnest(from_json($3, '["VARCHAR"]')))`,
    [now, source, JSON.stringify(paths)],
  );
}
