import type { Attention } from '../../attention.ts';
import { namedSources, type Source } from '../../config/config.ts';
import { openMisfits } from '../../ledger/misfits.ts';
import { ignoring } from '../../load/ignore.ts';
import { count } from '../../reporter.ts';
import { isExportDocument } from '../../schema/documents/watch.ts';
import type { Session } from '../../warehouse/session.ts';
import type { AttentionContext } from './attention.ts';

/**
 * Files and folders that were passed over, since they do not follow the vendor's layout: there may be rows in them that
 * nobody has. Told until they are gone, `ignore:` names them or a person says that they are known.
 */
export async function misplacedFiles({ session, config }: AttentionContext): Promise<Attention[]> {
  const misfits = await openMisfits(session);
  if (misfits.length === 0) return [];
  const documents = await documentFolders(session);
  return namedSources(config).flatMap((source): Attention[] => {
    const folders = documents.filter((row) => row.source === source.name).map(({ folder }) => folder);
    const isTold = telling(source, new Set(folders));
    const told = misfits.filter((misfit) => misfit.source === source.name && isTold(misfit.path));
    const [first] = told;
    if (first === undefined) return [];
    return [
      {
        ...{ kind: 'misplaced_files', severity: 'attention', source: source.name, count: told.length },
        message: `${count(told.length, 'path')} of ${source.name} passed over, since the layout is not the vendor's: ${first.path}: ${first.reason}${told.length > 1 ? '; …' : ''}`,
        hint:
          'asapp-warehouse query "FROM ops.misfits" lists them. Move them, name them in ignore: of the source, or ' +
          'asapp-warehouse status --acknowledge takes those that are there now off this list',
      },
    ];
  });
}

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
function documentFolders(session: Session): Promise<{ source: string; folder: string }[]> {
  return session.rows(
    `SELECT DISTINCT source, split_part(path, '/', 1) AS folder FROM ops.document_files AS found
     WHERE contains(path, '/') AND NOT EXISTS (
       FROM ops.partitions AS p WHERE p.source = found.source AND p.feed = split_part(found.path, '/', 1))`,
  );
}

/** Of a source: what is read all the same, as schema documents are, is not passed over; nor is what nobody wants of it. */
function telling(
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
