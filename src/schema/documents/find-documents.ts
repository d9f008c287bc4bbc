import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Connector, Entry, ListedFile } from '../../connectors/connector.ts';
import { FileError } from '../../errors.ts';
import { isExportDocument } from '../../feeds/documents/names.ts';
import { type Limits, limitText } from '../../limits.ts';
import { gunzip } from '../../load/gunzip.ts';

/**
 * Finds the schema document in a source, and fetches it. The vendor publishes no path for it, so it is recognized by
 * its name wherever it is: in the root, in a folder of its own, or in dated partitions.
 */

/** A document as a listing shows it. */
export interface FoundDocument {
  listed: ListedFile;
  /** The time in its path; undefined where there is none. */
  time: Date | undefined;
  /** When it was last changed; undefined where the place does not say. */
  modified: Date | undefined;
}

export interface FindOptions {
  /** The file or folder that the configuration names. */
  pinned: string | undefined;
  /** Whether a folder of the root belongs to a feed, and need not be listed. */
  isFeed(folder: string): boolean;
  /** Paths of documents that a listing of feeds came across, relative to the root; newest last. */
  hints: readonly string[];
}

/** Newest first: by the time in the path, those without one last; of one time, by when they were changed, then by path. */
export function byAge(a: FoundDocument, b: FoundDocument): number {
  const age = (time: Date | undefined) => time?.getTime() ?? Number.NEGATIVE_INFINITY;
  for (const [left, right] of [
    [age(a.time), age(b.time)],
    [age(a.modified), age(b.modified)],
  ] as const) {
    if (left !== right) return left > right ? -1 : 1;
  }
  return a.listed.path < b.listed.path ? 1 : a.listed.path > b.listed.path ? -1 : 0;
}

/** The most folders that are listed to find a document. */
const MAX_LISTINGS = 200;
const MAX_DEPTH = 6;
/** How many dated folders are looked into, newest first, until one holds a document. */
const MAX_DATES = 8;

/**
 * The documents of a source that are worth a look, newest first: see {@link byAge}.
 * Bounded: of dated folders only the newest are listed, and of feeds' folders none.
 * @throws SourceError when the place cannot be listed
 */
export async function findDocuments(
  connector: Connector,
  { pinned, isFeed, hints }: FindOptions,
): Promise<FoundDocument[]> {
  const walk = new DocumentWalk(connector);
  if (pinned !== undefined) await walk.pinned(pinned.replace(/^\/+|\/+$/g, ''));
  else {
    const folders = await walk.list('');
    // Folders whose names suggest documents come first, in case there are too many.
    const likely = (name: string) => Number(/doc|schema|meta/i.test(name));
    for (const name of folders.filter((name) => !isFeed(name)).sort((a, b) => likely(b) - likely(a))) {
      await walk.folder(name, 1);
    }
    const met = hints.filter((path) => isExportDocument(baseName(path)));
    for (const path of met.slice(-MAX_DATES)) await walk.list(folderOf(path));
  }
  return walk.found();
}

class DocumentWalk {
  readonly #connector: Connector;
  readonly #documents = new Map<string, FoundDocument>();
  #listings = 0;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  /**
   * Notes the documents in a folder.
   * @returns the folders in it
   */
  async list(path: string, wanted = isExportDocument): Promise<string[]> {
    const folders: string[] = [];
    if (this.#listings >= MAX_LISTINGS) return folders;
    this.#listings += 1;
    for await (const entry of this.#connector.entries(path)) {
      if (entry.kind === 'folder') folders.push(entry.name);
      else if (wanted(entry.name)) this.#note(entry);
    }
    return folders;
  }

  async pinned(path: string): Promise<void> {
    const name = baseName(path);
    const folders = await this.list(folderOf(path), (found) => found === name);
    if (folders.includes(name)) await this.folder(path, 1);
  }

  async folder(path: string, depth: number): Promise<void> {
    const folders = await this.list(path);
    if (depth >= MAX_DEPTH) return;
    const dated = folders.filter(isDated).sort().reverse();
    for (const name of folders) if (!isDated(name)) await this.folder(`${path}/${name}`, depth + 1);
    for (const name of dated.slice(0, MAX_DATES)) {
      const before = this.#documents.size;
      await this.folder(`${path}/${name}`, depth + 1);
      if (this.#documents.size > before) return;
    }
  }

  found(): FoundDocument[] {
    return [...this.#documents.values()].sort(byAge);
  }

  #note({ path, bytes, etag, modified }: Extract<Entry, { kind: 'file' }>): void {
    this.#documents.set(path, { listed: { path, bytes, etag }, time: timeOf(path), modified });
  }
}

function isDated(folder: string): boolean {
  return /^(dt|date|day|hr|hour|mi)=|^\d{4}(-?\d{2}){0,2}$|^\d{2}$/.test(folder);
}

function timeOf(path: string): Date | undefined {
  const day = /(?:^|\/|=)(\d{4})[-/]?(\d{2})[-/]?(\d{2})(?=\/)/.exec(path);
  if (!day) return undefined;
  const part = (name: string) => new RegExp(`/${name}=(\\d{2})/`).exec(path)?.[1] ?? '00';
  const time = new Date(`${day[1]}-${day[2]}-${day[3]}T${part('hr')}:${part('mi')}:00Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

/** A document that cannot be read by trying again: too large, or not what its name says. */
export class UnreadableDocument extends FileError {}

/**
 * The text of a document.
 * @throws UnreadableDocument when it is too large or does not decompress
 * @throws FileError when it changes meanwhile
 * @throws SourceError when the place cannot be read
 */
export async function fetchDocument(
  connector: Connector,
  { listed }: FoundDocument,
  limits: Limits,
  signal?: AbortSignal,
): Promise<string> {
  if (listed.bytes > limits.document_bytes) throw tooLarge(listed.path, limits);
  const folder = await mkdtemp(join(tmpdir(), 'asapp-schema-'));
  try {
    const partial = join(folder, 'document');
    await connector.fetch(listed, partial, signal ? { signal } : {});
    return await documentText(listed.path, await readFile(partial), limits);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The text of a document's bytes, which may be compressed. @throws UnreadableDocument */
export async function documentText(path: string, bytes: Uint8Array, limits: Limits): Promise<string> {
  let plain = bytes;
  if (/\.gz$/i.test(path)) {
    const pieces: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const piece of gunzip(Readable.from([bytes]))) {
        pieces.push(piece);
        length += piece.length;
        if (length > limits.document_bytes) break;
      }
    } catch (cause) {
      throw new UnreadableDocument(`${path} does not decompress to its end`, { cause });
    }
    plain = Buffer.concat(pieces);
  }
  if (plain.length > limits.document_bytes) throw tooLarge(path, limits);
  // The decoder drops a byte order mark, and replaces what is not UTF-8 by a character that no name contains.
  return new TextDecoder('utf-8').decode(plain);
}

function tooLarge(path: string, limits: Limits): UnreadableDocument {
  return new UnreadableDocument(
    `${path} is larger than ${limitText(limits, 'document_bytes')}: nothing of it was read`,
  );
}
