import type { Connector, ListedFile } from '../../connectors/connector.ts';
import { SourceError } from '../../errors.ts';
import { type FileName, parsePath } from '../../feeds/paths.ts';

export interface NewestFile {
  listed: ListedFile;
  name: FileName;
}

/** The most folders that are listed to find a file. */
const MAX_LISTINGS = 60;

/**
 * Counts the feeds of a source, and finds the newest file of the first feed that has any.
 * @param wanted the configured feeds; left out: all
 * @throws SourceError when there are no feeds, or a configured one is missing
 */
export async function findNewest(
  connector: Connector,
  wanted: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<{ feeds: number; file: NewestFile | undefined }> {
  const found: string[] = [];
  for await (const entry of connector.entries('')) if (entry.kind === 'folder') found.push(entry.name);
  const missing = (wanted ?? []).filter((feed) => !found.includes(feed));
  if (found.length === 0)
    throw new SourceError(`there are no feeds in ${connector.location}`, {
      hint: 'Look whether the source begins where the folders of the feeds are: its prefix, root or path.',
    });
  if (missing.length > 0)
    throw new SourceError(`there is no feed ${missing.join(', ')} in ${connector.location}`, {
      hint: 'Correct feeds of this source, or ask ASAPP whether they are exported.',
    });
  const search = { connector, signal, listings: 0 };
  for (const feed of (wanted ?? found).toSorted()) {
    const file = await newestBelow(feed, search);
    if (file) return { feeds: (wanted ?? found).length, file };
  }
  return { feeds: (wanted ?? found).length, file: undefined };
}

/** The newest file that is not empty. The names of folders for versions, days, hours and minutes sort by time. */
async function newestBelow(
  path: string,
  search: { connector: Connector; signal: AbortSignal; listings: number },
): Promise<NewestFile | undefined> {
  const { connector, signal } = search;
  if (search.listings >= MAX_LISTINGS) return undefined;
  search.listings += 1;
  signal.throwIfAborted();
  const folders: string[] = [];
  for await (const entry of connector.entries(path)) {
    if (entry.kind === 'folder') {
      folders.push(entry.name);
      continue;
    }
    const parsed = parsePath(entry.path, connector.seal === 'always');
    if (parsed.kind === 'data' && entry.bytes > 0)
      return { listed: { path: entry.path, bytes: entry.bytes, etag: entry.etag }, name: parsed.file };
  }
  for (const folder of folders.sort().reverse()) {
    const file = await newestBelow(`${path}/${folder}`, search);
    if (file) return file;
  }
  return undefined;
}
