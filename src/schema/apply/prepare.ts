import { basename } from 'node:path';
import type { Source } from '../../config/config.ts';
import { UsageError } from '../../errors.ts';
import { bundledDocument } from '../../feeds/bundled.ts';
import type { ExportDocument } from '../../feeds/documents/document.ts';
import { parseExportDocument } from '../../feeds/documents/parse.ts';
import { actionOf } from '../../feeds/policy.ts';
import { readBounded } from '../../files.ts';
import { documentText as storedText } from '../../ledger/documents.ts';
import { groupTables } from '../../ledger/followed-feeds.ts';
import { nextChangeId, openChanges } from '../../ledger/schema-changes.ts';
import type { SchemaChange } from '../../ledger/tables.ts';
import { type Limits, limitText, NO_LIMITS } from '../../limits.ts';
import { sha256 } from '../../text.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { changeOf } from '../decide/decide.ts';
import { documentText } from '../documents/find-documents.ts';
import { type DocumentVersion, GroupDocuments } from '../documents/group-documents.ts';
import type { Judgement } from '../judgement.ts';
import { wouldEmpty } from '../row-losses.ts';
import { fingerprint, planGroup } from './group-plan.ts';
import type { GroupTask } from './group-task.ts';

export interface PrepareOptions {
  /** The sources in which a document is looked for. */
  sources: readonly Source[];
  /** A document on this machine, used instead of those of the sources. */
  file: string | undefined;
  judgement: Judgement;
  runId: number | undefined;
  onFailure(source: Source, error: Error): void;
}

/** How many problems of one document are logged. */
const MAX_SHOWN = 10;

/** A document that a group may follow. */
interface FollowableDocument {
  id: number;
  hash: string;
  /** The source where it was last found. */
  source: string;
  document(): Promise<ExportDocument>;
}

/** Prepares the tasks of several groups, one after the other. Changes nothing. */
export class TaskPreparation {
  readonly #workspace: Workspace;
  readonly #options: PrepareOptions;
  readonly #now: Date;
  #nextChange: number | undefined;
  #nextDocument = 0;

  constructor(workspace: Workspace, options: PrepareOptions) {
    this.#workspace = workspace;
    this.#options = options;
    this.#now = workspace.clock();
  }

  async task(group: string): Promise<GroupTask> {
    const { session, config } = this.#workspace;
    const { judgement } = this.#options;
    const documents = await GroupDocuments.of(session, group);
    const rows = judgement.rows.filter(({ feed_group }) => feed_group === group);
    const received = rows.length > 0 ? undefined : this.#numbered(await this.#receive(documents));
    const bundled = this.#numbered(await this.#bundled(documents));
    const judged = this.#judged(rows);
    const followed = await this.#followed(documents, received, judged);

    const { corrections } = this.#workspace;
    const policy = config.policy ?? {};
    const print = fingerprint([followed?.hash, bundled?.facts.sha256, corrections.hash, policy]);
    const source = followed?.source || (config.sources.find((each) => each.group === group)?.name ?? group);
    const open = (await openChanges(session)).filter(({ feed_group }) => feed_group === group);
    const compares =
      rows.length > 0 ||
      documents.followed?.fingerprint !== print ||
      (await this.#hasFirstRows(group, source, open));
    const plan = compares
      ? await planGroup(session, {
          group,
          source,
          vendor: await followed?.document(),
          bundled: bundled?.document,
          overrides: corrections.overrides,
          policy,
          accept: judgement.accept,
          reject: judgement.reject,
          now: this.#now,
          nextId: await this.#changeId(),
        })
      : undefined;
    if (plan) this.#nextChange = Math.max(await this.#changeId(), ...plan.changes.map(({ id }) => id + 1));
    const waiting = open.filter(({ kind }) => kind === 'document_held');
    const same = ({ document_id }: SchemaChange) => document_id === received?.facts.document_id;
    const holds = received?.facts.state === 'held' && !waiting.some(same);
    return {
      group,
      received,
      bundled: bundled?.fresh ? bundled : undefined,
      plan,
      judged,
      follows: compares ? { id: followed?.id ?? null, fingerprint: print } : undefined,
      held: holds ? await this.#heldRow(group, received) : undefined,
      overtaken: received ? waiting.filter((row) => !same(row)) : [],
      seen: rows.filter(({ decision }) => decision === 'applied'),
    };
  }

  /** Whether a version whose switch the policy allows, and which was only held because it had no rows, has rows now. */
  async #hasFirstRows(group: string, source: string, open: readonly SchemaChange[]): Promise<boolean> {
    const { session, config } = this.#workspace;
    const held = open
      .filter(({ kind }) => kind === 'version_added')
      .map(changeOf)
      .filter((change) => actionOf(config.policy ?? {}, { source, change }) === 'apply');
    if (held.length === 0) return false;
    const present = await groupTables(session, group);
    for (const { feed: name, version } of held)
      if (!(await wouldEmpty(session, group, { name, version }, present))) return true;
    return false;
  }

  async #changeId(): Promise<number> {
    this.#nextChange ??= await nextChangeId(this.#workspace.session);
    return this.#nextChange;
  }

  /** Gives each new document of one run its own number. */
  #numbered(document: DocumentVersion | undefined): DocumentVersion | undefined {
    if (!document?.fresh) return document;
    const document_id = Math.max(document.facts.document_id, this.#nextDocument);
    this.#nextDocument = document_id + 1;
    return {
      ...document,
      facts: { ...document.facts, document_id },
      file: { ...document.file, document_id },
    };
  }

  async #receive(documents: GroupDocuments): Promise<DocumentVersion | undefined> {
    const { reporter, signal, catalogue } = this.#workspace;
    const { limits } = this.#workspace.config;
    const { file, onFailure } = this.#options;
    const sources = this.#options.sources.filter(({ group }) => group === documents.group);
    const parse = ({ text, path }: { text: string; path: string }) => parseExportDocument(text, path, limits);
    if (file !== undefined) {
      const text = await readGivenDocument(file, limits);
      const place = { source: sources[0]?.name ?? '', path: basename(file), etag: sha256(text) };
      const given = { ...place, text, origin: 'file', time: undefined } as const;
      return this.#warnOfProblems(await documents.receive(given, this.#now, parse(given)));
    }
    const look = { now: this.#now, reporter, signal, limits, onFailure };
    const delivered = await documents.findNewest(sources, catalogue, look);
    if (!delivered) return undefined;
    const received = { ...delivered, origin: 'source' } as const;
    return this.#warnOfProblems(await documents.receive(received, this.#now, parse(delivered)));
  }

  /**
   * Warns of what could not be understood in a new document.
   * @returns the document
   */
  #warnOfProblems(received: DocumentVersion): DocumentVersion {
    const { facts, file, fresh } = received;
    const { problems } = facts;
    if (!fresh || problems.length === 0) return received;
    const count = problems.length === 1 ? 'one thing' : `${problems.length} things`;
    const more = problems.length > MAX_SHOWN ? '; ops.documents has them all' : '';
    const shown = problems.slice(0, MAX_SHOWN).join('; ');
    this.#workspace.reporter.warn(`${file.path}: ${count} could not be understood: ${shown}${more}`, {
      source: file.source,
    });
    return received;
  }

  async #bundled(documents: GroupDocuments): Promise<DocumentVersion | undefined> {
    const bundled = await bundledDocument(documents.group);
    if (!bundled) return undefined;
    const { text, document } = bundled;
    const place = { source: '', path: `schemas/${documents.group}.yaml`, etag: sha256(text) };
    const delivered = { ...place, text, origin: 'bundled', time: undefined } as const;
    return documents.receive(delivered, this.#now, { document, problems: [], refused: undefined });
  }

  #judged(rows: readonly SchemaChange[]): GroupTask['judged'] {
    const row = rows.find(({ kind }) => kind === 'document_held');
    if (!row) return undefined;
    return { row, state: this.#options.judgement.accept.has(row.change_id) ? 'accepted' : 'rejected' };
  }

  /** The vendor's document that the group follows from now on; undefined before the first one. */
  async #followed(
    documents: GroupDocuments,
    received: DocumentVersion | undefined,
    judged: GroupTask['judged'],
  ): Promise<FollowableDocument | undefined> {
    if (received?.facts.state === 'accepted') {
      const { facts, file, document } = received;
      const { document_id: id, sha256: hash } = facts;
      return { id, hash, source: file.source, document: async () => document };
    }
    const { group } = documents;
    const accepted = judged?.state === 'accepted' ? judged.row.document_id : undefined;
    const id = accepted ?? documents.followed?.document_id;
    const facts = documents.known.find(({ document_id }) => document_id === id);
    if (!facts) return undefined;
    return {
      id: facts.document_id,
      hash: facts.sha256,
      source: documents.sourceOf(facts.document_id),
      document: async () => {
        const text = await storedText(this.#workspace.session, facts.document_id);
        const limits = accepted === undefined ? NO_LIMITS : this.#workspace.config.limits;
        const { document, refused } = parseExportDocument(text, `document ${facts.document_id}`, limits);
        if (refused === undefined) return document;
        throw new UsageError(`the document of ${group} cannot be accepted: ${refused}`, {
          hint: 'raise that limit in limits: of warehouse.yaml, and accept it again',
        });
      },
    };
  }

  async #heldRow(group: string, { facts, file }: DocumentVersion): Promise<SchemaChange> {
    const change_id = await this.#changeId();
    this.#nextChange = change_id + 1;
    return {
      change_id,
      detected_at: this.#now,
      source: file.source,
      feed: '',
      column_name: null,
      kind: 'document_held',
      severity: 'attention',
      before: null,
      after: `${file.path}: ${facts.reason}`,
      decision: 'held',
      applied_at: null,
      feed_group: group,
      version: null,
      document_id: facts.document_id,
      run_id: this.#options.runId ?? null,
      decided_at: null,
      rows_rewritten: null,
      undo: null,
      found_in: 'document',
    };
  }
}

async function readGivenDocument(file: string, limits: Limits): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readBounded(file, limits.document_bytes);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const what = {
      ENOENT: 'is not there',
      EISDIR: 'is a folder',
      EFBIG: `is larger than ${limitText(limits, 'document_bytes')}: nothing of it was read`,
    }[code ?? ''];
    throw new UsageError(`${file} ${what ?? `cannot be read: ${message}`}`, { cause });
  }
  return documentText(file, bytes, limits);
}
