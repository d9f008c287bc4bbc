import { isDeepStrictEqual } from 'node:util';
import type { Session } from '../warehouse/session.ts';
import { identifier, literal } from '../warehouse/sql.ts';
import { isAsLeft } from './left.ts';
import { OLD } from './old.ts';

/** What a copy shows, in a few numbers: what was built, loaded, found and changed. */
function stateOf(database: string): string {
  return `SELECT (SELECT max(run_id) FROM ${database}.ops.models) AS built,
  (SELECT max(file_id) FROM ${database}.ops.files) AS loaded,
  (SELECT bit_xor(hash(source, path, partition_ts, state)) FROM ${database}.ops.partitions) AS found,
  (SELECT bit_xor(hash(change_id, decision)) FROM ${database}.ops.schema_changes) AS changed,
  (SELECT bit_xor(hash(schema_name, table_name, run_id, stale, why)) FROM ${database}.ops.published_tables) AS planned`;
}

/** The same question of two files that are open each for itself: a session that only reads may attach none. */
export async function isBehindCopy(session: Session, copy: Session): Promise<boolean> {
  const [own, copied] = await Promise.all(
    [session, copy].map(async (each) => {
      const { home } = await each.row<{ home: string }>('SELECT current_database() AS home');
      return each.rows(stateOf(identifier(home)));
    }),
  );
  return !isDeepStrictEqual(own, copied);
}

/**
 * Whether the published copy is not what it should be: because a test passes again that failed when it was built, the run was killed before it
 * published, `load` was called alone, or somebody wrote to it. Asked of the copy itself, which cannot be wrong about what
 * it holds.
 */
export async function isBehind(session: Session, target: string): Promise<boolean> {
  if (!(await isAsLeft(session, target))) return true;
  try {
    await session.run(`ATTACH ${literal(target)} AS ${OLD} (READ_ONLY)`);
  } catch {
    // What cannot be opened is no copy that anybody can read.
    return true;
  }
  try {
    const { home } = await session.row<{ home: string }>('SELECT current_database() AS home');
    const { same } = await session.row<{ same: boolean }>(
      `SELECT own IS NOT DISTINCT FROM copied AS same
       FROM (${stateOf(identifier(home))}) AS own, (${stateOf(OLD)}) AS copied`,
    );
    return !same;
  } catch {
    return true;
  } finally {
    await session.run(`DETACH ${OLD}`);
  }
}
