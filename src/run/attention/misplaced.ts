import type { Attention } from '../../attention.ts';
import { namedSources } from '../../config/config.ts';
import { openMisfits } from '../../ledger/misfits.ts';
import { documentFolders, telling } from '../../load/misplaced.ts';
import { count } from '../../text.ts';
import type { AttentionContext } from './context.ts';

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
        kind: 'misplaced_files',
        severity: 'attention',
        source: source.name,
        count: told.length,
        message: `${count(told.length, 'path')} of ${source.name} passed over, since the layout is not the vendor's: ${first.path}: ${first.reason}${told.length > 1 ? '; …' : ''}`,
        hint:
          'asapp-warehouse query "FROM ops.misfits" lists them. Move them, name them in ignore: of the source, or ' +
          'asapp-warehouse status --acknowledge takes those that are there now off this list',
      },
    ];
  });
}
