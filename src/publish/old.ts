import type { Session } from '../warehouse/session.ts';
import { literal } from '../warehouse/sql.ts';

/** The name that the copy goes by that analysts have open. */
export const OLD = 'published_before';

/**
 * Reads the copy that analysts have.
 * @param work gets its name, as SQL
 */
export async function readOld<T>(
  session: Session,
  target: string,
  work: (session: Session, database: string) => Promise<T>,
): Promise<T> {
  await session.run(`ATTACH ${literal(target)} AS ${OLD} (READ_ONLY)`);
  try {
    return await work(session, OLD);
  } finally {
    await session.run(`DETACH ${OLD}`);
  }
}
