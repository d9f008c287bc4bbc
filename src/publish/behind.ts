import type { Session } from '../warehouse/session.ts';
import { identifier, literal } from '../warehouse/sql.ts';
import { OLD_COPY } from './old-copy.ts';
import { isUntouched } from './untouched.ts';

/** A query for the state that a file shows, in a few numbers: what was built, loaded, found, changed and planned. */
function stateQuery(database: string): string {
  return `SELECT (SELECT max(run_id) FROM ${database}.ops.models) AS built,
  (SELECT max(file_id) FROM ${database}.ops.files) AS loaded,
  (SELECT bit_xor(hash(source, path, partition_ts, state)) FROM ${database}.ops.partitions) AS found,
  (SELECT bit_xor(hash(change_id, decision)) FROM ${database}.ops.schema_changes) AS changed,
  (SELECT bit_xor(hash(schema_name, table_name, run_id, stale, why)) FROM ${database}.ops.published_tables) AS planned`;
}

/**
 * Whether the published copy is not what it should be: a test passes that failed when it was made, the run was killed
 * before publishing, only `load` was called, or somebody wrote to it. The copy itself is compared, since it cannot be
 * wrong about what it holds.
 */
export async function isBehind(session: Session, target: string): Promise<boolean> {
  if (!(await isUntouched(session, target))) return true;
  try {
    await session.run(`ATTACH ${literal(target)} AS ${OLD_COPY} (READ_ONLY)`);
  } catch {
    // A copy that cannot be opened is of no use to anybody.
    return true;
  }
  try {
    const { home } = await session.row<{ home: string }>('SELECT current_database() AS home');
    const { same } = await session.row<{ same: boolean }>(
      `SELECT own IS NOT DISTINCT FROM copied AS same
       FROM (${stateQuery(identifier(home))}) AS own, (${stateQuery(OLD_COPY)}) AS copied`,
    );
    return !same;
  } catch {
    return true;
  } finally {
    await session.run(`DETACH ${OLD_COPY}`);
  }
}
