import type { Session } from '../warehouse/session.ts';
import { literal } from '../warehouse/sql.ts';

/** The name of the present copy's database while it is attached. */
export const OLD_COPY = 'published_before';

/**
 * Attaches the present copy while `work` reads it.
 * @param work gets its name, as SQL
 */
export async function readOldCopy<T>(
  session: Session,
  target: string,
  work: (session: Session, database: string) => Promise<T>,
): Promise<T> {
  await session.run(`ATTACH ${literal(target)} AS ${OLD_COPY} (READ_ONLY)`);
  try {
    return await work(session, OLD_COPY);
  } finally {
    await session.run(`DETACH ${OLD_COPY}`);
  }
}
