import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ledger } from '../ledger/ledger.ts';
import type { Session } from '../warehouse/session.ts';

/** Whether the copy is as this program left it: nobody has written to it or replaced it. */
export async function isUntouched(session: Session, target: string): Promise<boolean> {
  const [left] = await ledger(session).selectFrom('ops.published').selectAll().execute();
  const path = resolve(target);
  return (
    left?.path === path && !existsSync(`${path}.wal`) && left.fingerprint === (await fileFingerprint(path))
  );
}

/**
 * Identifies a file and its state: it changes when the file is written to or replaced. Undefined when there is no file.
 */
export async function fileFingerprint(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs].join(' ');
  } catch {
    return undefined;
  }
}
