import type { Source } from '../config/config.ts';
import { isExportDocument } from '../feeds/documents/names.ts';
import type { Session } from '../warehouse/session.ts';
import { ignoring } from './ignore.ts';

/** Of what was passed over of a source, what a person need know: not the schema document that the same run has read. */
export async function toldMisfits<Found extends { path: string }>(
  session: Session,
  source: Source,
  misfits: readonly Found[],
): Promise<Found[]> {
  if (misfits.length === 0) return [];
  const own = (await documentFolders(session)).filter((row) => row.source === source.name);
  const isTold = telling(source, new Set(own.map(({ folder }) => folder)));
  return misfits.filter(({ path }) => isTold(path));
}

/** Folders that schema documents were found in, and no feed. */
export function documentFolders(session: Session): Promise<{ source: string; folder: string }[]> {
  return session.rows(
    `SELECT DISTINCT source, split_part(path, '/', 1) AS folder FROM ops.document_files AS found
     WHERE contains(path, '/') AND NOT EXISTS (
       FROM ops.partitions AS p WHERE p.source = found.source AND p.feed = split_part(found.path, '/', 1))`,
  );
}

/** Of a source: what is read all the same, as schema documents are, is not passed over; nor is what nobody wants of it. */
export function telling(
  { feeds, ignore, exportDocs }: Source,
  documentFolders: ReadonlySet<string>,
): (path: string) => boolean {
  const isIgnored = ignoring(ignore);
  const pinned = exportDocs?.replace(/^\/+|\/+$/g, '');
  return (path) => {
    const [top = ''] = path.split('/', 1);
    if (feeds !== undefined && !feeds.includes(top)) return false;
    const isDocument =
      isExportDocument(path.slice(path.lastIndexOf('/') + 1)) ||
      documentFolders.has(top) ||
      (pinned !== undefined && `${path}/`.startsWith(`${pinned}/`));
    return !isDocument && !isIgnored(path);
  };
}
