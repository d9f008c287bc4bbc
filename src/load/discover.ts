import pMap from 'p-map';
import type { Connector, ListedFile } from '../connectors/connector.ts';
import { isPlainName } from '../feeds/names.ts';
import { dayFolder, isFeedName, isHousekeeping, parsePath } from '../feeds/paths.ts';
import type { FoundFile } from './file.ts';
import type { FoundPartition } from './partition.ts';

/** A path that does not follow the vendor's conventions. */
export interface FoundMisfit {
  path: string;
  reason: string;
}

/** Takes a misfit; @returns whether anybody is to be told of it */
export type OnMisfit = (misfit: FoundMisfit) => boolean;

/** A feed, version and format in a source: the part of a listing that is walked by itself. */
export interface Target {
  feed: string;
  version: string;
  /** `FEED/version=V/format=F` */
  path: string;
}

/** The folder of the daily schema documents, which `schema/documents/find-documents.ts` reads: no feed. */
const DOCUMENTS = 'export_docs';

/** How many folders of a source are listed at the same time. */
const LISTINGS = 8;

interface OnTargets {
  onLevel?(folder: string, folders: readonly string[]): void;
  onFailure?(feed: string, error: unknown): Promise<void>;
}

/**
 * The feeds, versions and formats a source holds.
 * @param feeds only these, when given; one that is not there yields nothing
 * @param told.onLevel is called with each folder that was listed, one level deep, and the names of the folders in it
 * @param told.onFailure takes a feed whose folders cannot be listed; throws where that is not the affair of this feed alone
 */
export async function findTargets(
  connector: Connector,
  feeds: readonly string[] | undefined,
  onMisfit: OnMisfit,
  { onLevel, onFailure }: OnTargets = {},
): Promise<Target[]> {
  const foldersOf = async (path: string, wanted: string) => {
    // A folder that is named twice is one.
    const names = new Set<string>();
    for await (const entry of connector.entries(path)) {
      if (entry.kind === 'folder') names.add(entry.name);
      else if (!isHousekeeping(entry.path)) onMisfit({ path: entry.path, reason: `not in ${wanted}` });
    }
    onLevel?.(path, [...names]);
    return [...names];
  };
  const there = feeds ?? (await foldersOf('', 'the folder of a feed')).filter((name) => name !== DOCUMENTS);
  const found = there.filter((feed) => {
    if (!isFeedName(feed)) onMisfit({ path: `${feed}/`, reason: 'not the name of a feed' });
    return isFeedName(feed);
  });
  const targetsOf = async (feed: string): Promise<Target[]> => {
    const versions = await foldersOf(feed, 'a version=V folder');
    const perVersion = versions.map(async (folder): Promise<Target[]> => {
      const version = /^version=(.+)$/.exec(folder)?.[1];
      if (version === undefined || !isPlainName(version)) {
        onMisfit({ path: `${feed}/${folder}/`, reason: 'not a version=V folder' });
        return [];
      }
      const formats = await foldersOf(`${feed}/${folder}`, 'a format=jsonl folder');
      return formats.flatMap((format) => {
        const path = `${feed}/${folder}/${format}`;
        if (format === 'format=jsonl') return [{ feed, version, path }];
        onMisfit({ path: `${path}/`, reason: 'not a format=jsonl folder' });
        return [];
      });
    });
    return (await Promise.all(perVersion)).flat();
  };
  const nested = await pMap(
    found,
    (feed) =>
      targetsOf(feed).catch(async (error): Promise<Target[]> => {
        if (!onFailure) throw error;
        await onFailure(feed, error);
        return [];
      }),
    { concurrency: LISTINGS },
  );
  return nested.flat().sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * The partitions below one target, as they are met. Memory holds one day.
 * @param since the first day that is listed; everything when left out
 * @param options.path lists this folder below the target only
 * @param options.known files as they were listed last, by path
 */
export async function* findPartitions(
  connector: Connector,
  target: Target,
  since: Date | undefined,
  onMisfit: OnMisfit,
  { path = target.path, known }: { path?: string; known?: ReadonlyMap<string, ListedFile> } = {},
): AsyncGenerator<FoundPartition> {
  let day = '';
  let found = new Map<string, FoundPartition>();
  let seen = new Map<string, FoundFile>();
  // Files with other names, by their folders: of those that turn out to be partitions they are strays.
  let strays = new Map<string, number>();
  const partitions = () =>
    [...found].map(([folder, partition]) => ({ ...partition, strays: strays.get(folder) ?? 0 }));
  for await (const listed of connector.files(path, since && dayFolder(since), known)) {
    const parsed = parsePath(listed.path, connector.seal === 'always');
    if (parsed.kind === 'misfit') {
      if (isHousekeeping(listed.path)) continue;
      const folder = listed.path.slice(0, listed.path.lastIndexOf('/'));
      const told = onMisfit({ path: listed.path, reason: parsed.reason });
      if (told) strays.set(folder, (strays.get(folder) ?? 0) + 1);
      continue;
    }
    const { partition } = parsed;
    // Folders of one day come together, those of one hour not always: `hr=07` may lie between two files of its day.
    const today = dayFolder(partition.time);
    if (today !== day) {
      yield* partitions();
      found = new Map();
      seen = new Map();
      strays = new Map([...strays].filter(([folder]) => folder.split('/').includes(today)));
      day = today;
    }
    let entry = found.get(partition.path);
    if (!entry) {
      entry = { key: partition, sealed: connector.seal === 'always', files: [], strays: 0 };
      found.set(partition.path, entry);
    }
    if (parsed.kind === 'success') entry.sealed = true;
    else addFile({ ...listed, name: parsed.file, partition }, entry.files, seen);
  }
  yield* partitions();
}

/**
 * A file that is listed twice in the same way is one. Listed in two ways, there is no telling which of them is there: it
 * fails, is told, and is listed again by the next run, when whoever was replacing it has come to an end.
 */
function addFile(file: FoundFile, files: FoundFile[], seen: Map<string, FoundFile>): void {
  const { path, bytes, etag } = file;
  const twin = seen.get(path);
  if (!twin) {
    seen.set(path, file);
    files.push(file);
  } else if (twin.bytes !== bytes || twin.etag !== etag) {
    twin.problem = 'it is listed twice, with different sizes or versions';
  }
}
