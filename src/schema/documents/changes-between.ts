import { UsageError } from '../../errors.ts';
import { bundledOverrides } from '../../feeds/bundled.ts';
import type { Change } from '../../feeds/changes.ts';
import type { ExportDocument } from '../../feeds/documents/document.ts';
import { parseExportDocument } from '../../feeds/documents/parse.ts';
import { documentFiles, documentsOf, documentText } from '../../ledger/documents.ts';
import { NO_LIMITS } from '../../limits.ts';
import { dayText } from '../../text.ts';
import type { Session } from '../../warehouse/session.ts';
import { advance } from '../compare/advance.ts';
import { compare } from '../compare/compare.ts';
import { wantedFeeds } from '../compare/wanted.ts';

/** A difference between a group's documents of two days. */
export interface DayChange extends Change {
  group: string;
}

/**
 * The differences between the documents of two days, for each group those that were newest then.
 * @param from `YYYY-MM-DD`, as `to`: the documents at the end of that day
 * @throws UsageError when no group had a document by then
 */
export async function changesBetween(
  session: Session,
  groups: readonly string[],
  from: string,
  to: string,
): Promise<DayChange[]> {
  const { overrides } = await bundledOverrides();
  const changes: DayChange[] = [];
  let compared = 0;
  for (const group of groups) {
    const [early, late] = [await documentsOn(session, group, from), await documentsOn(session, group, to)];
    if (!early || !late) continue;
    compared += 1;
    const first = wantedFeeds(group, early, overrides);
    const before = advance([], first, compare([], first), from);
    for (const change of compare(before, wantedFeeds(group, late, overrides, before))) {
      changes.push({ ...change, group });
    }
  }
  if (compared > 0) return changes;
  throw new UsageError(`there was no schema document by ${from}`, {
    hint: 'asapp-warehouse schema history shows from when on there are',
  });
}

/** The documents of a group that were newest at the end of a day; undefined when there were none. */
async function documentsOn(
  session: Session,
  group: string,
  day: string,
): Promise<{ vendor: ExportDocument | undefined; bundled: ExportDocument | undefined } | undefined> {
  const facts = new Map((await documentsOf(session, group)).map((each) => [each.document_id, each]));
  const files = (await documentFiles(session, group))
    .map((file) => ({ ...file, day: dayText(file.document_ts ?? file.seen_at) }))
    .filter((file) => file.day <= day && facts.get(file.document_id)?.state === 'accepted')
    .sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0));
  const newest = async (bundled: boolean) => {
    const file = files.findLast(
      ({ document_id }) => (facts.get(document_id)?.origin === 'bundled') === bundled,
    );
    if (!file) return undefined;
    const text = await documentText(session, file.document_id);
    return parseExportDocument(text, `document ${file.document_id}`, NO_LIMITS).document;
  };
  const found = { vendor: await newest(false), bundled: await newest(true) };
  return found.vendor || found.bundled ? found : undefined;
}
