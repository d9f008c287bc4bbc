import { constants } from 'node:fs';
import { chmod, copyFile, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { StorageError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import { folderMode, PRIVATE_MODE } from '../warehouse/modes.ts';
import type { Session } from '../warehouse/session.ts';
import { literal } from '../warehouse/sql.ts';
import { storageTrouble } from '../warehouse/trouble.ts';
import { temporaryName } from '../workspace/copy-files.ts';
import { COPY } from './catalogue.ts';
import { copyComments } from './comments.ts';
import { heldTables, takeOldTables } from './held.ts';
import { fingerprint, isAsLeft } from './left.ts';
import { OLD, readOld } from './old.ts';
import { copyTables } from './tables.ts';
import { copyViews, dropViews } from './views.ts';

/**
 * Writes the read-only copy that analysts open: the tables of the models and the ledger, without staging.
 *
 * It is filled under a temporary name and takes the place of the old copy by one rename. Whoever has the old one open
 * keeps reading it; whoever opens the name gets the old or the new one, whole. It starts from the old copy's bytes, as long
 * as nobody but this program has written to that.
 * @param target the file that analysts open
 * @param mode who may do what with the first copy, and so with its folder; one that is there keeps its own
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
  const asLeft = await isAsLeft(session, target);
  if (!(asLeft && (await bringUpToDate(session, target, temporary)))) {
    await remove(temporary);
    const fillAnew = () => fill(session, temporary, { anew: true });
    // What analysts are to keep is in the old copy only.
    await (asLeft && (await heldTables(session)).length > 0
      ? readOld(session, target, fillAnew)
      : fillAnew());
  }
  // Who may read it is for those to say who look after it.
  const old = await stat(target).catch(() => undefined);
  await chmod(temporary, old?.mode ?? mode);
  await sync(temporary);
  const left = { path: target, fingerprint: await fingerprint(temporary) };
  // What a client that was killed wrote to the old copy would be read into the new one.
  await rm(`${target}.wal`, { force: true });
  await rename(temporary, target);
  await rm(`${temporary}.wal`, { force: true });
  await sync(dirname(target));
  await session.run('DELETE FROM ops.published');
  await session.insert({ schema: 'ops', table: 'published' }, [left]);
}

/** Fills `temporary` from the old copy. @returns false when that will not do, or it did not go well */
async function bringUpToDate(session: Session, target: string, temporary: string): Promise<boolean> {
  try {
    // Where the file system can, both share their blocks until one of them changes.
    await copyFile(target, temporary, constants.COPYFILE_FICLONE);
    await chmod(temporary, 0o600);
    return await fill(session, temporary, { anew: false });
  } catch {
    return false;
  }
}

/** How many bytes of empty space the copy may have, however small it is otherwise. */
const SPACE = 64 * 1024 ** 2;

/** @returns false for a file that holds much empty space, left by tables that were replaced: it is better written anew */
async function fill(session: Session, temporary: string, { anew }: { anew: boolean }): Promise<boolean> {
  await session.run(`ATTACH ${literal(temporary)} AS ${COPY}`);
  try {
    const { sparse } = await session.row<{ sparse: boolean }>(
      `SELECT free_blocks > used_blocks / 2 AND free_blocks * block_size > ${SPACE} AS sparse
       FROM pragma_database_size() WHERE database_name = '${COPY}'`,
    );
    if (sparse) return false;
    const held = await heldTables(session);
    await dropViews(session, held);
    await copyTables(session, held);
    if (anew) await takeOldTables(session, OLD, held);
    await copyViews(session, held);
    await copyComments(session);
    return true;
  } finally {
    await session.run(`DETACH ${COPY}`);
  }
}

/** Copies that earlier runs were killed over. The caller holds the warehouse, so nobody else is writing one. */
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
