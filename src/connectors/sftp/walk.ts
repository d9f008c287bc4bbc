import { PassThrough } from 'node:stream';
import type { Entry, ListedFile } from '../connector.ts';
import { joined } from './folders.ts';

/** How many lists may wait for the consumer. The walk pauses beyond that, so that a whole tree is never in memory. */
const WAITING_LISTS = 16;

/**
 * Every file below a folder. Folders with the last names come first, so the newest days before older ones. Several
 * folders are listed at once.
 * @param list the contents of a folder, piece by piece
 * @param from skips children of `path` whose name sorts before it
 */
export async function* walk(
  list: (path: string) => AsyncIterable<Entry[]>,
  path: string,
  from: string | undefined,
  foldersAtOnce: number,
): AsyncGenerator<ListedFile> {
  const found = new PassThrough({ objectMode: true, highWaterMark: WAITING_LISTS });
  const pending = [path];
  let busy = 0;
  let room: Promise<void> | undefined;

  const visit = async (folder: string) => {
    const folders: string[] = [];
    for await (const entries of list(folder)) {
      const files: ListedFile[] = [];
      for (const entry of entries) {
        if (folder === path && from !== undefined && entry.name < from) continue;
        if (entry.kind === 'folder') folders.push(joined(folder, entry.name));
        else files.push({ path: entry.path, bytes: entry.bytes, etag: entry.etag });
      }
      if (found.destroyed) return;
      if (files.length > 0 && !found.write(files)) {
        room ??= drained(found).finally(() => {
          room = undefined;
        });
        await room;
      }
    }
    for (const next of folders.sort()) pending.push(next);
  };
  const work = () => {
    while (busy < foldersAtOnce && pending.length > 0 && !found.destroyed) {
      busy++;
      visit(pending.pop() as string)
        .then(() => {
          busy--;
          if (busy === 0 && pending.length === 0) found.end();
          else work();
        })
        .catch((error) => found.destroy(error));
    }
  };
  work();
  for await (const files of found as AsyncIterable<ListedFile[]>) yield* files;
}

/** Resolves when there is room again, or the consumer has stopped. */
function drained(stream: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
