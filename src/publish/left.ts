import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ledger } from '../ledger/ledger.ts';
import type { Session } from '../warehouse/session.ts';

/** Whether the copy is there as this loader left it: nobody has written to it, or put another in its place. */
export async function isAsLeft(session: Session, target: string): Promise<boolean> {
  const [left] = await ledger(session).selectFrom('ops.published').selectAll().execute();
  const path = resolve(target);
  return left?.path === path && !existsSync(`${path}.wal`) && left.fingerprint === (await fingerprint(path));
}

/** Tells a file from any other, and from itself once it was written to; undefined when there is none. */
export async function fingerprint(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs].join(' ');
  } catch {
    return undefined;
  }
}
