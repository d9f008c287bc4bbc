import type { Session } from '../warehouse/session.ts';
import { identifier, literal } from '../warehouse/sql.ts';
import { isAsLeft } from './publish.ts';

const NAME = 'published_before';

/** What a copy shows, in a few numbers: what was built, loaded, found and changed. */
function stateOf(database: string): string {
  return `SELECT (SELECT max(run_id) FROM ${database}.ops.models) AS built,
  (SELECT max(file_id) FROM ${database}.ops.files) AS loaded,
  (SELECT bit_xor(hash(source, path, partition_ts, state)) FROM ${database}.ops.partitions) AS found,
  (SELECT bit_xor(hash(change_id, decision)) FROM ${database}.ops.schema_changes) AS changed`;
}

/**
 * Whether the published copy is not what it should be: because a test failed when it was built, the run was killed before it
 * published, `load` was called alone, or somebody wrote to it. Asked of the copy itself, which cannot be wrong about what
 * it holds.
 */
export async function isBehind(session: Session, target: string): Promise<boolean> {
  if (!(await isAsLeft(session, target))) return true;
  try {
    await session.run(`ATTACH ${literal(target)} AS ${NAME} (READ_ONLY)`);
  } catch {
    // What cannot be opened is no copy that anybody can read.
    return true;
  }
  try {
    const { home } = await session.row<{ home: string }>('SELECT current_database() AS home');
    const { same } = await session.row<{ same: boolean }>(
      `SELECT own IS NOT DISTINCT FROM copied AS same
       FROM (${stateOf(identifier(home))}) AS own, (${stateOf(NAME)}) AS copied`,
    );
    return !same;
  } catch {
    return true;
  } finally {
    await session.run(`DETACH ${NAME}`);
  }
}
