import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SUCCESS } from '../feeds/paths.ts';
import type { SampleFeed, SampleRow, Window } from './feed.ts';
import { dayOf, hourOf, minuteOf } from './times.ts';

/** More lines than this, and an export comes in several files. */
const LINES_PER_FILE = 150;

/** What was written, in files and bytes. */
export interface Written {
  files: number;
  bytes: number;
}

/**
 * Writes one export in the vendor's layout. One without lines is only its `_SUCCESS`. There are thousands of small ones
 * and nothing to do meanwhile, so it writes synchronously, which takes half the time.
 * @param directory the group's folder
 * @param sealed whether to close it with `_SUCCESS`
 */
export function writePartition(
  directory: string,
  feed: Pick<SampleFeed, 'name' | 'every' | 'gzip'>,
  window: Window,
  lines: readonly string[],
  sealed: boolean,
): Written {
  const folder = join(
    directory,
    feed.name,
    'version=1',
    'format=jsonl',
    ...partitionFolders(feed.every, window),
  );
  mkdirSync(folder, { recursive: true });
  const written: Written = { files: 0, bytes: 0 };
  const put = (name: string, content: Buffer) => {
    writeFileSync(join(folder, name), content);
    written.files += 1;
    written.bytes += content.length;
  };
  for (const [name, part] of splits(feed, lines)) {
    const text = Buffer.from(part.map((line) => `${line}\n`).join(''));
    put(name, feed.gzip ? gzipSync(text) : text);
  }
  if (sealed) put(SUCCESS, Buffer.alloc(0));
  return written;
}

/** The folders below `format=…`: `dt=2026-01-05`, `hr=07`, `mi=15`. */
function partitionFolders(every: SampleFeed['every'], { from }: Window): string[] {
  return [`dt=${dayOf(from)}`, ...interval(every, from)];
}

/** An export's interval within its day, as the vendor's File Exporter names it: `hr=07`, `hr=07/mi=15`; `day` for a whole one. */
export function intervalName(every: SampleFeed['every'], { from }: Window): string {
  return interval(every, from).join('/') || 'day';
}

function interval(every: SampleFeed['every'], from: number): string[] {
  if (every === 'day') return [];
  return every === 'hour' ? [`hr=${hourOf(from)}`] : [`hr=${hourOf(from)}`, `mi=${minuteOf(from)}`];
}

function splits(
  { name, gzip }: Pick<SampleFeed, 'name' | 'gzip'>,
  lines: readonly string[],
): [string, readonly string[]][] {
  const end = gzip ? '.gz' : '';
  if (lines.length === 0) return [];
  if (lines.length <= LINES_PER_FILE) return [[`${name}.jsonl${end}`, lines]];
  const parts: [string, readonly string[]][] = [];
  for (let from = 0; from < lines.length; from += LINES_PER_FILE) {
    const number = String(parts.length + 1).padStart(2, '0');
    parts.push([`${name}.jsonl.${number}${end}`, lines.slice(from, from + LINES_PER_FILE)]);
  }
  return parts;
}

/** One row as a line of JSON; bigints keep every digit. */
export function jsonLine(row: SampleRow): string {
  const fields = Object.entries(row).map(
    ([name, value]) => `${JSON.stringify(name)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`,
  );
  return `{${fields.join(',')}}`;
}
