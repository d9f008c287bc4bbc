import { dayText } from '../text.ts';
import { isPlainName } from './names.ts';

/**
 * The vendor's conventions for where an export lies and what its files are called. Pure.
 *
 * `FEED/version=V/format=F/dt=YYYY-MM-DD[/hr=HH[/mi=MM]]/FEED.jsonl[.NN][.gz][.enc]`, closed by an empty `_SUCCESS`
 * (vendor guide "Retrieving data from S3", *Folder Structure* and *File Naming*).
 */

/** The empty file that closes a partition. */
export const SUCCESS = '_SUCCESS';

/** One export of a feed. */
export interface PartitionKey {
  feed: string;
  version: string;
  format: string;
  /** The start of the day, hour or minute that it covers, UTC. */
  time: Date;
  /** Its folder, relative to the source's root. */
  path: string;
}

/** The parts of a data file's name. */
export interface FileName {
  /** The number of this part of a split file; undefined when the partition is in one file. */
  split: number | undefined;
  gzip: boolean;
  encrypted: boolean;
}

export type ParsedPath =
  | { kind: 'data'; partition: PartitionKey; file: FileName }
  | { kind: 'success'; partition: PartitionKey }
  | { kind: 'misfit'; reason: string };

const PARTITION =
  /^(?<feed>[^/=]+)\/version=(?<version>[^/]+)\/format=(?<format>[^/]+)\/dt=(?<dt>[^/]+)(?:\/hr=(?<hr>[^/]+)(?:\/mi=(?<mi>[^/]+))?)?\/(?<name>[^/]+)$/;

/**
 * Reads the path of one listed file.
 * @param path relative to the source's root, as in {@link ListedFile}
 * @param anyName for places whose data files can have any name: the File Exporter API calls them `file1.jsonl`
 * @returns what it is, or how it breaks the convention; never throws
 */
export function parsePath(path: string, anyName = false): ParsedPath {
  const parts = PARTITION.exec(path)?.groups;
  if (!parts) return misfit('not FEED/version=V/format=F/dt=D[/hr=H[/mi=M]]/FILE');
  const { feed, version, format, dt, hr, mi, name } = parts as Record<string, string> & {
    hr?: string;
    mi?: string;
  };
  if (!isFeedName(feed as string)) return misfit('not the name of a feed');
  if (!isPlainName(version as string)) return misfit('not a version of a feed');
  // Checked before `_SUCCESS`: an empty export in another format says nothing about ours.
  if (format !== 'jsonl') return misfit(`format ${JSON.stringify(format)} is not jsonl`);
  const time = partitionTime(dt as string, hr, mi);
  if (typeof time === 'string') return misfit(time);
  const partition: PartitionKey = {
    feed: feed as string,
    version: version as string,
    format: format as string,
    time,
    path: path.slice(0, path.lastIndexOf('/')),
  };
  if (name === SUCCESS) return { kind: 'success', partition };
  const base = anyName ? /^[^.]+(?=\.jsonl)/.exec(name as string)?.[0] : feed;
  const file = base === undefined ? undefined : parseFileName(base, name as string);
  return file
    ? { kind: 'data', partition, file }
    : misfit(`not named ${anyName ? 'NAME' : feed}.jsonl[.NN][.gz][.enc]`);
}

/** Reads a data file's name, whose base is the feed's name; undefined when it is not one of this feed's. */
export function parseFileName(feed: string, name: string): FileName | undefined {
  if (!name.startsWith(`${feed}.jsonl`)) return undefined;
  const rest = /^(?:\.(\d{2,}))?(\.gz)?(\.enc)?$/.exec(name.slice(feed.length + '.jsonl'.length));
  if (!rest) return undefined;
  return {
    split: rest[1] === undefined ? undefined : Number(rest[1]),
    gzip: rest[2] !== undefined,
    encrypted: rest[3] !== undefined,
  };
}

/**
 * Whether a file is something that programs leave beside data: Hadoop's checksums (`.NAME.crc`), Spark's job notes,
 * files of file managers. Any other file that breaks the convention is reported.
 */
export function isHousekeeping(path: string): boolean {
  return /^(?:\..+\.crc|_(?:committed|started)_\d+|\.DS_Store|Thumbs\.db)$/.test(
    path.slice(path.lastIndexOf('/') + 1),
  );
}

/** The instant of `dt=…[/hr=…[/mi=…]]`, or why it is not one. */
function partitionTime(dt: string, hr = '00', mi = '00'): Date | string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(dt)) return `dt=${dt} is not a YYYY-MM-DD date`;
  if (!/^([01]\d|2[0-3])$/.test(hr)) return `hr=${hr} is not an hour from 00 to 23`;
  if (!/^[0-5]\d$/.test(mi)) return `mi=${mi} is not a minute from 00 to 59`;
  const time = new Date(`${dt}T${hr}:${mi}:00Z`);
  // 30 February parses to 2 March: a day that is not in the calendar comes back as another one.
  if (Number.isNaN(time.getTime()) || !time.toISOString().startsWith(dt))
    return `dt=${dt} is not a day of the calendar`;
  return time;
}

/** Whether a feed can have this name, which also names folders and tables. */
export function isFeedName(name: string): boolean {
  return isPlainName(name) && !/^\.{1,2}$/.test(name);
}

function misfit(reason: string): ParsedPath {
  return { kind: 'misfit', reason };
}

/** The folder component that holds the day of `time`: `dt=2026-01-31`. */
export function dayFolder(time: Date): string {
  return `dt=${dayText(time)}`;
}

/** The start of the day that `time` lies in, UTC. */
export function startOfDay(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 86_400_000) * 86_400_000);
}
