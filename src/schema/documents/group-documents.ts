import type { Source } from '../../config/config.ts';
import type { Bounds, Connector } from '../../connectors/connector.ts';
import { FileError } from '../../errors.ts';
import type { Catalogue } from '../../feeds/catalogue.ts';
import type { ExportDocument } from '../../feeds/documents/document.ts';
import type { ParsedDocument } from '../../feeds/documents/parse.ts';
import {
  type DocumentFacts,
  documentFiles,
  documentsOf,
  followedDocument,
  nextDocumentId,
} from '../../ledger/documents.ts';
import type { DocumentFile } from '../../ledger/tables.ts';
import type { Limits } from '../../limits.ts';
import type { Reporter } from '../../reporter.ts';
import { dayText, sha256 } from '../../text.ts';
import { asSourceError, fatal } from '../../warehouse/scope.ts';
import type { Session } from '../../warehouse/session.ts';
import {
  byAge,
  type FoundDocument,
  fetchDocument,
  findDocuments,
  UnreadableDocument,
} from './find-documents.ts';

/** A version of a group's document, and where it was found. */
export interface DocumentVersion {
  facts: DocumentFacts;
  /** The ledger does not have it yet. */
  fresh: boolean;
  text: string;
  document: ExportDocument;
  file: DocumentFile;
}

/** The text of a document that was given by hand or fetched, and where it comes from. */
export interface DeliveredDocument {
  text: string;
  origin: 'bundled' | 'source' | 'file';
  source: string;
  path: string;
  etag: string;
  time: Date | undefined;
  /** Why it could not be read; its text is then empty. */
  fault?: string;
}

/** What {@link GroupDocuments.findNewest} needs besides the sources. */
export interface LookOptions extends Bounds {
  limits: Limits;
  now: Date;
  reporter: Reporter;
  onFailure(source: Source, error: Error): void;
}

/** The documents of one group: the followed one, those in the ledger, and those in its sources. */
export class GroupDocuments {
  readonly group: string;
  readonly known: readonly DocumentFacts[];
  readonly followed: { document_id: number | null; fingerprint: string } | undefined;
  readonly #files: readonly DocumentFile[];
  readonly #session: Session;

  private constructor(
    session: Session,
    group: string,
    known: readonly DocumentFacts[],
    files: readonly DocumentFile[],
    followed: GroupDocuments['followed'],
  ) {
    this.#session = session;
    this.group = group;
    this.known = known;
    this.#files = files;
    this.followed = followed;
  }

  static async of(session: Session, group: string): Promise<GroupDocuments> {
    const [known, files, followed] = [
      await documentsOf(session, group),
      await documentFiles(session, group),
      await followedDocument(session, group),
    ];
    return new GroupDocuments(session, group, known, files, followed);
  }

  /** The vendor's document that is followed; undefined before the first one. */
  get current(): DocumentFacts | undefined {
    return this.known.find(({ document_id }) => document_id === this.followed?.document_id);
  }

  /**
   * The newest document of the sources; undefined when it was seen before.
   * @param onFailure told of a source that cannot be read, or whose document cannot; the other sources count
   */
  async findNewest(
    sources: readonly Source[],
    catalogue: Catalogue,
    options: LookOptions,
  ): Promise<Omit<DeliveredDocument, 'origin'> | undefined> {
    let newest: { source: Source; found: FoundDocument } | undefined;
    for (const source of sources) {
      options.signal?.throwIfAborted();
      await this.#withConnector(source, options, async (connector) => {
        const found = await this.#newestOf(source, connector, catalogue);
        if (!found) return;
        if (!newest || byAge(found, newest.found) < 0) newest = { source, found };
      });
    }
    if (!newest || this.#isSeen(newest.source, newest.found) || this.#isOld(newest.found, options.now)) {
      return undefined;
    }
    const { source, found } = newest;
    return this.#withConnector(source, options, async (connector) => {
      options.reporter.progress.activity(`reading ${found.listed.path} of ${source.name}`);
      const { path, etag } = found.listed;
      const delivered = { source: source.name, path, etag, time: found.time };
      try {
        return { ...delivered, text: await fetchDocument(connector, found, options.limits, options.signal) };
      } catch (error) {
        if (!(error instanceof UnreadableDocument)) throw error;
        return { ...delivered, text: '', fault: error.message };
      }
    });
  }

  async #withConnector<T>(
    source: Source,
    { signal, limits, onFailure }: LookOptions,
    work: (connector: Connector) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      await using connector = await source.open({ signal, limits });
      return await work(connector);
    } catch (error) {
      const end = fatal(error, signal);
      if (end !== undefined) throw end;
      onFailure(source, error instanceof FileError ? error : asSourceError(error));
      return undefined;
    }
  }

  /**
   * The newest document of a source. Where several have the same time in their path and the place gives no times of
   * change, one with unseen bytes counts as the newest.
   */
  async #newestOf(
    source: Source,
    connector: Connector,
    catalogue: Catalogue,
  ): Promise<FoundDocument | undefined> {
    const feeds = new Set(catalogue.feeds(source.group).map(({ feed }) => feed));
    const hints = await this.#session.rows<{ path: string }>(
      `SELECT path FROM ops.misfits WHERE source = $1 AND contains(lower(path), 'export_docs') ORDER BY path`,
      [source.name],
    );
    const found = await findDocuments(connector, {
      pinned: source.exportDocs,
      isFeed: (folder) => feeds.has(folder),
      hints: hints.map(({ path }) => path),
    });
    const [first] = found;
    if (first?.modified) return first;
    const newest = found.filter(({ time }) => time?.getTime() === first?.time?.getTime());
    return newest.find((each) => !this.#isSeen(source, each)) ?? first;
  }

  #isSeen(source: Source, { listed }: FoundDocument): boolean {
    return this.#files.some(
      (file) => file.source === source.name && file.path === listed.path && file.etag === listed.etag,
    );
  }

  /** The source in which a version was last found; `''` for the bundled one. */
  sourceOf(documentId: number): string {
    return this.#files.findLast(({ document_id }) => document_id === documentId)?.source ?? '';
  }

  /** Whether a document is of an earlier day than the followed one. */
  #isOld({ time }: FoundDocument, now: Date): boolean {
    const id = this.followed?.document_id;
    const last = this.#files.findLast(({ document_id }) => document_id === id);
    if (!last) return false;
    return dayText(time ?? now) < dayText(last.document_ts ?? last.seen_at);
  }

  /**
   * Makes a version of the document from what was delivered. It is `held`, with the reason, when it must not be
   * followed.
   * @param parsed the parsed text
   */
  async receive(delivered: DeliveredDocument, now: Date, parsed: ParsedDocument): Promise<DocumentVersion> {
    const { text, origin, source, path, etag, time, fault } = delivered;
    // Of a document that could not be read, only its place is known.
    const hash = sha256(fault === undefined ? text : `${source} ${path} ${etag}`);
    const { document, problems, refused } = parsed;
    const known = this.known.find((each) => each.sha256 === hash);
    const reason = origin === 'bundled' ? undefined : (fault ?? refused ?? this.#whyHeld(document));
    const facts: DocumentFacts = known ?? {
      document_id: await nextDocumentId(this.#session),
      feed_group: this.group,
      origin,
      sha256: hash,
      bytes: Buffer.byteLength(text),
      state: reason === undefined ? 'accepted' : 'held',
      reason: reason ?? null,
      feeds: document.feeds.length,
      columns: document.feeds.reduce((sum, { columns }) => sum + columns.length, 0),
      problems: problems.map(
        ({ line, key, message }) => `${line === undefined ? '' : `line ${line}: `}${key}: ${message}`,
      ),
      first_seen_at: now,
    };
    const file = { source, path, etag, document_ts: time ?? null, seen_at: now };
    return {
      facts,
      fresh: known === undefined,
      text,
      document,
      file: { document_id: facts.document_id, ...file },
    };
  }

  /** Why a document is held: one that lists next to nothing is more likely broken than true. */
  #whyHeld({ feeds }: ExportDocument): string | undefined {
    if (feeds.length === 0) return 'no feed in it could be understood';
    const before = this.current?.feeds ?? 0;
    if (feeds.length * 2 >= before) return undefined;
    return `it lists ${feeds.length} feeds, less than half of the ${before} before`;
  }
}
