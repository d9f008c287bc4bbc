import { constants } from 'node:fs';
import { chmod, copyFile, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { StorageError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import { folderMode, PRIVATE_MODE } from '../warehouse/file-modes.ts';
import type { Session } from '../warehouse/session.ts';
import { literal } from '../warehouse/sql.ts';
import { storageTrouble } from '../warehouse/trouble.ts';
import { temporaryName } from '../workspace/copy-files.ts';
import { COPY } from './catalogue.ts';
import { copyComments } from './comments.ts';
import { heldTables, keepOldTables } from './held-tables.ts';
import { OLD_COPY, readOldCopy } from './old-copy.ts';
import { copyTables } from './tables.ts';
import { fileFingerprint, isUntouched } from './untouched.ts';
import { copyViews, dropViews } from './views.ts';

/**
 * Writes the read-only copy that analysts open: the tables of the models and the ledger, without staging.
 *
 * The copy is filled under a temporary name and then renamed. Whoever has the old copy open keeps reading it, and
 * whoever opens the file gets the old or the new copy, always whole. Filling starts from the old copy's bytes, unless
 * somebody else has written to it.
 * @param target the file that analysts open
 * @param mode the mode of the first copy and, to match, of its folder; an existing copy keeps its own
 * @throws StorageError when it cannot be written; the old copy stays
 */
export async function publish(session: Session, target: string, mode: number = PRIVATE_MODE): Promise<void> {
  try {
    await writeCopy(session, resolve(target), mode);
  } catch (error) {
    const trouble = storageTrouble(error, target);
    if (trouble) throw trouble;
    throw new StorageError(
      `the copy for analysts, ${target}, cannot be written: ${(error as Error).message}`,
      {
        hint: 'they keep the old one; the next run writes it again',
        cause: error,
      },
    );
  }
}

async function writeCopy(session: Session, target: string, mode: number): Promise<void> {
  await makeFolder(dirname(target), folderMode(mode));
  await removeUnfinished(target);
  const temporary = temporaryName(target);
  const asLeft = await isUntouched(session, target);
  if (!(asLeft && (await bringUpToDate(session, target, temporary)))) {
    await remove(temporary);
    const fillAnew = () => fill(session, temporary, { anew: true });
    // What is held back is only in the old copy.
    await (asLeft && (await heldTables(session)).length > 0
      ? readOldCopy(session, target, fillAnew)
      : fillAnew());
  }
  // An existing copy keeps its mode, which an administrator may have set.
  const old = await stat(target).catch(() => undefined);
  await chmod(temporary, old?.mode ?? mode);
  await sync(temporary);
  const left = { path: target, fingerprint: await fileFingerprint(temporary) };
  // A leftover write-ahead log of the old copy would be replayed into the new one.
  await rm(`${target}.wal`, { force: true });
  await rename(temporary, target);
  await rm(`${temporary}.wal`, { force: true });
  await sync(dirname(target));
  await session.run('DELETE FROM ops.published');
  await session.insert({ schema: 'ops', table: 'published' }, [left]);
}

/**
 * Fills `temporary` starting from the old copy.
 * @returns false when that is not possible, or failed
 */
async function bringUpToDate(session: Session, target: string, temporary: string): Promise<boolean> {
  try {
    // On file systems that can, both files share their blocks until one is changed.
    await copyFile(target, temporary, constants.COPYFILE_FICLONE);
    await chmod(temporary, 0o600);
    return await fill(session, temporary, { anew: false });
  } catch {
    return false;
  }
}

/** How many bytes of empty space a copy may have whatever its size. */
const SPACE = 64 * 1024 ** 2;

/**
 * Brings the attached copy up to date.
 * @returns false for a file with much empty space, left by replaced tables: it is better written anew
 */
async function fill(session: Session, temporary: string, { anew }: { anew: boolean }): Promise<boolean> {
  // Nobody reads it before it is whole: what a log would save from a crash is thrown away.
  await session.run(`ATTACH ${literal(temporary)} AS ${COPY} (RECOVERY_MODE no_wal_writes)`);
  try {
    const { sparse } = await session.row<{ sparse: boolean }>(
      `SELECT free_blocks > used_blocks / 2 AND free_blocks * block_size > ${SPACE} AS sparse
       FROM pragma_database_size() WHERE database_name = '${COPY}'`,
    );
    if (sparse) return false;
    const held = await heldTables(session);
    await dropViews(session, held);
    await copyTables(session, held);
    if (anew) await keepOldTables(session, OLD_COPY, held);
    await copyViews(session, held);
    await copyComments(session);
    // To be told if it cannot be written: DETACH would not say.
    await session.run(`CHECKPOINT ${COPY}`);
    return true;
  } finally {
    await session.run(`DETACH ${COPY}`);
  }
}

/** Removes unfinished copies of killed runs. The caller holds the warehouse, so nobody else is writing one. */
async function removeUnfinished(target: string): Promise<void> {
  const pattern = /^\.\d+\.tmp(\.wal(\.recovery|\.checkpoint)?)?$/;
  for (const name of await readdir(dirname(target))) {
    const ours = name.startsWith(basename(target)) && pattern.test(name.slice(basename(target).length));
    if (ours) await rm(join(dirname(target), name), { force: true });
  }
}

async function remove(temporary: string): Promise<void> {
  for (const path of [temporary, `${temporary}.wal`]) await rm(path, { force: true });
}

/** Makes sure that a file's bytes, or a folder's names, are on the disk. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
