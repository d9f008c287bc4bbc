import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Session } from '../warehouse/session.ts';
import { hasTable } from '../warehouse/tables.ts';
import { ledger } from './ledger.ts';
import type { DocumentFile, StoredDocument } from './tables.ts';

/** Versions of the schema documents, each kept whole. */

/** Whether the ledger has tables for documents: a dry run opens it as an older program left it. */
export async function hasDocumentTables(session: Session): Promise<boolean> {
  return hasTable(session, { schema: 'ops', table: 'documents' });
}

export type DocumentFacts = Omit<StoredDocument, 'content'>;

/** The documents of a group, oldest first, without their text. */
export async function documentsOf(session: Session, group: string): Promise<DocumentFacts[]> {
  return ledger(session)
    .selectFrom('ops.documents')
    .select(['document_id', 'feed_group', 'origin', 'sha256', 'bytes', 'state', 'reason', 'feeds'])
    .select(['columns', 'problems', 'first_seen_at'])
    .where('feed_group', '=', group)
    .orderBy('document_id')
    .execute();
}

/** The text of a document. */
export async function documentText(session: Session, documentId: number): Promise<string> {
  const { content } = await session.row<{ content: string }>(
    'SELECT to_base64(content) AS content FROM ops.documents WHERE document_id = $1',
    [documentId],
  );
  return (await promisify(gunzip)(Buffer.from(content, 'base64'))).toString('utf8');
}

export async function nextDocumentId(session: Session): Promise<number> {
  const { next } = await session.row<{ next: number }>(
    'SELECT coalesce(max(document_id), 0) + 1 AS next FROM ops.documents',
  );
  return next;
}

export async function storeDocument(session: Session, facts: DocumentFacts, text: string): Promise<void> {
  const content = (await promisify(gzip)(Buffer.from(text, 'utf8'))).toString('base64');
  await session.run(
    `INSERT INTO ops.documents BY NAME SELECT $1 AS document_id, $2 AS feed_group, $3 AS origin, $4 AS sha256,
       $5 AS bytes, $6 AS state, $7 AS reason, $8 AS feeds, $9 AS columns, from_json($10, '["VARCHAR"]') AS problems,
       $11 AS first_seen_at, from_base64($12) AS content`,
    [
      facts.document_id,
      facts.feed_group,
      facts.origin,
      facts.sha256,
      facts.bytes,
      facts.state,
      facts.reason,
      facts.feeds,
      facts.columns,
      JSON.stringify(facts.problems),
      facts.first_seen_at,
      content,
    ],
  );
}

export async function setDocumentState(
  session: Session,
  documentId: number,
  state: StoredDocument['state'],
): Promise<void> {
  await ledger(session)
    .updateTable('ops.documents')
    .set({ state })
    .where('document_id', '=', documentId)
    .execute();
}

/** Where the documents of a group were found, oldest first. */
export async function documentFiles(session: Session, group: string): Promise<DocumentFile[]> {
  return ledger(session)
    .selectFrom('ops.document_files as f')
    .innerJoin('ops.documents as d', 'd.document_id', 'f.document_id')
    .where('d.feed_group', '=', group)
    .select(['f.document_id', 'f.source', 'f.path', 'f.etag', 'f.document_ts', 'f.seen_at'])
    .orderBy('f.seen_at')
    .orderBy('f.document_id')
    .execute();
}

export async function storeDocumentFile(session: Session, file: DocumentFile): Promise<void> {
  await session.insert({ schema: 'ops', table: 'document_files' }, [file]);
}

/** What a group follows; undefined before the first time. */
export async function followedDocument(
  session: Session,
  group: string,
): Promise<{ document_id: number | null; fingerprint: string } | undefined> {
  return ledger(session)
    .selectFrom('ops.followed_documents')
    .select(['document_id', 'fingerprint'])
    .where('feed_group', '=', group)
    .executeTakeFirst();
}

export async function storeFollowedDocument(
  session: Session,
  group: string,
  documentId: number | null,
  fingerprint: string,
  now: Date,
): Promise<void> {
  await ledger(session).deleteFrom('ops.followed_documents').where('feed_group', '=', group).execute();
  await session.insert({ schema: 'ops', table: 'followed_documents' }, [
    { feed_group: group, document_id: documentId, fingerprint, followed_at: now },
  ]);
}
