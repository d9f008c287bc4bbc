import pMap from 'p-map';
import { SourceError } from '../../errors.ts';
import type { Entry } from '../connector.ts';
import {
  type Attributes,
  abortable,
  hasStatus,
  type NamedAttributes,
  type SftpSession,
  STATUS,
} from './session.ts';

/** How many entries are examined at once when their listed attributes are not enough. */
const LOOKS_AT_ONCE = 16;

/** Turns a path of the connector contract into one on the server. */
export type Locate = (path: string) => string;

/**
 * The contents of a folder, in pieces as the server sends them. Nothing when the folder does not exist.
 * @param path relative to the source's root
 */
export async function* folder(
  session: SftpSession,
  locate: Locate,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Entry[]> {
  const handle = await unlessMissing(session.openFolder(locate(path)));
  if (!handle) return;
  try {
    // Two requests are always in flight, so that the end of a folder arrives together with its last entries.
    let coming = session.readFolder(handle);
    for (;;) {
      const next = session.readFolder(handle);
      next.catch(() => {}); // Reported when its turn comes; what follows the end does not matter.
      const found = await (signal ? abortable(coming, signal) : coming);
      if (!found) return;
      const entries = await pMap(found, (child) => toEntry(session, locate, path, child), {
        concurrency: LOOKS_AT_ONCE,
      });
      yield entries.filter((entry) => entry !== undefined);
      coming = next;
    }
  } finally {
    session.release(handle);
  }
}

/** One child of a folder; undefined when it is neither file nor folder, or leads nowhere. */
async function toEntry(
  session: SftpSession,
  locate: Locate,
  folder: string,
  { filename: name, attrs: listed }: NamedAttributes,
): Promise<Entry | undefined> {
  if (name === '.' || name === '..') return undefined;
  if (name === '' || /[/\0]/.test(name))
    throw new SourceError(
      `the server lists ${JSON.stringify(name)} in ${locate(folder)}: that is not a name`,
      {
        hint: 'Nothing of this server can be trusted before those who run it have looked into that.',
      },
    );
  const path = joined(folder, name);
  // A listing shows the symbolic link and not its target, and may leave out attributes.
  const isWhole = listed.mode !== undefined && listed.size !== undefined && listed.mtime !== undefined;
  const attributes =
    isWhole && !listed.isSymbolicLink() ? listed : await unlessMissing(session.stat(locate(path)));
  if (!attributes) return undefined;
  if (attributes.isFile())
    return {
      kind: 'file',
      name,
      path,
      bytes: attributes.size,
      etag: etagOf(attributes),
      modified: new Date(attributes.mtime * 1000),
    };
  if (!attributes.isDirectory()) return undefined;
  return listed.isSymbolicLink?.() && (await isLoop(session, locate, folder, path))
    ? undefined
    : { kind: 'folder', name };
}

/** Version 3 of the protocol has times in whole seconds, and nothing else that changes with the bytes. */
export function etagOf({ mtime }: Attributes): string {
  return String(mtime);
}

/** Whether the symbolic link `path` leads to `folder` itself or to one above it, so that it would never end. */
async function isLoop(session: SftpSession, locate: Locate, folder: string, path: string): Promise<boolean> {
  const names = folder === '' ? [] : folder.split('/');
  const above = Array.from({ length: names.length + 1 }, (_, depth) => names.slice(0, depth).join('/'));
  const [target, ...real] = await Promise.all([path, ...above].map((each) => session.realPath(locate(each))));
  return real.includes(target as string);
}

/** The result of a request; undefined when its target does not exist. */
export async function unlessMissing<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (hasStatus(error, STATUS.noSuchFile)) return undefined;
    throw error;
  }
}

export function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
