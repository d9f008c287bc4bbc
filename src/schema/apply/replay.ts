import { replayRejects } from '../../load/rejects.ts';
import { count } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import type { Workspace } from '../../workspace/workspace.ts';

/**
 * Replays lines that were rejected because of a value of their key, once the column can hold it. Runs every time, so it
 * also catches up after a run that was killed between the change and the replay.
 * @returns how many lines were staged
 */
export async function replayKeyRejects(workspace: Workspace): Promise<number> {
  let staged = 0;
  for (const fileId of await filesToReplay(workspace.session)) {
    staged += (await replayRejects(workspace, { fileId, reason: 'key_type' })).staged;
  }
  if (staged > 0) workspace.reporter.info(`staged ${count(staged, 'line')} whose key fits its column now`);
  return staged;
}

async function filesToReplay(session: Session): Promise<number[]> {
  const files = await session.rows<{ file_id: number }>(
    `SELECT DISTINCT r.file_id FROM ops.rejected_rows r JOIN ops.files f USING (file_id)
     JOIN ops.schema_changes c USING (feed_group, feed, version)
     WHERE r.reason = 'key_type' AND r.resolved_at IS NULL AND f.superseded_by IS NULL
       AND c.kind LIKE 'type_%' ESCAPE '' AND c.decision = 'applied' AND c.applied_at >= r.rejected_at
     ORDER BY file_id`,
  );
  return files.map(({ file_id }) => file_id);
}
