import { tableNameSql } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import { ledger } from './ledger.ts';
import type { SourceOrder } from './tables.ts';

/**
 * The order of the sources (`ops.sources`). Where two sources deliver a file of the same partition and name, it decides
 * which one is the later version.
 *
 * The ledger keeps it, so that `why` and `verify` rank as the build did without reading the configuration, and so that
 * a source that was renamed or removed is still known: what it brought must not rank above corrections from its
 * successor.
 */

/**
 * Ranks the sources: by precedence, the highest first, then as the configuration lists them. Sources that it no longer
 * has come last, in the order they had. Pure.
 */
export function rankSources(
  known: readonly SourceOrder[],
  configured: readonly { name: string; precedence?: number }[],
): SourceOrder[] {
  const names = new Set(configured.map(({ name }) => name));
  const here = configured
    .map((source, index) => ({ ...source, index }))
    .sort((a, b) => (b.precedence ?? 0) - (a.precedence ?? 0) || a.index - b.index);
  const gone = known.filter(({ source }) => !names.has(source)).sort((a, b) => a.place - b.place);
  return [
    ...here.map(({ name }) => ({ source: name, configured: true })),
    ...gone.map(({ source }) => ({ source, configured: false })),
  ].map((source, index) => ({ ...source, place: index + 1 }));
}

/** Records the order when it has changed. */
export async function recordSources(
  session: Session,
  configured: readonly { name: string; precedence?: number }[],
): Promise<void> {
  const known = await ledger(session).selectFrom('ops.sources').selectAll().orderBy('place').execute();
  const delivered = await session.rows<{ source: string }>(
    'SELECT DISTINCT source FROM ops.files WHERE source NOT IN (SELECT source FROM ops.sources) ORDER BY source',
  );
  // Of sources that an older program loaded from, only the names are known.
  const before = [
    ...known,
    ...delivered.map(({ source }, index) => ({ source, configured: false, place: known.length + index + 1 })),
  ];
  const now = rankSources(before, configured);
  const text = (order: readonly SourceOrder[]) =>
    JSON.stringify(order.map(({ source, place, configured: is }) => [source, place, is]));
  if (text(now) === text(known)) return;
  await session.transaction(async () => {
    await session.run('DELETE FROM ops.sources');
    await session.insert({ schema: 'ops', table: 'sources' }, now);
  });
}

/**
 * The files in their order: what decides when the ordering columns do not.
 *
 * Files of one name in one partition, which two sources deliver, rank by the order of the sources: the first
 * one's is the later version. What came from a source that is not configured any more ranks below whatever a
 * configured one has for that partition, under whichever names: a source that was renamed, or moved to a connector that
 * calls its files otherwise, corrects what it brought before.
 */
export const FILE_ORDER = `SELECT file_id, row_number() OVER (ORDER BY partition_ts, coalesce(o.configured, false),
    regexp_extract(path, '[^/]*$'), o.place DESC NULLS FIRST, path, sha256, file_id) AS file_order
  FROM ops.files LEFT JOIN ops.sources AS o USING (source) WHERE superseded_by IS NULL`;

/**
 * The sources that delivered each feed, in their order and as one text, by the feed's table (`messaging.calls__v2`).
 * Feeds from a single source are left out, since their order decides nothing. When the text changes, a model over the
 * feed is rebuilt from all of its rows.
 */
export async function sourceOrderByFeed(session: Session): Promise<Map<string, string>> {
  const { sources } = await session.row<{ sources: number }>('SELECT count(*) AS sources FROM ops.sources');
  // To find that out from the files takes longer with each that ever came.
  if (sources < 2) return new Map();
  const rows = await session.rows<{ feed: string; sources: string }>(
    `SELECT f.feed_group || '.' || ${tableNameSql('f')} AS feed,
       to_json(list((f.source, coalesce(o.configured, false)) ORDER BY o.configured DESC NULLS LAST, o.place NULLS LAST, f.source))::VARCHAR
         AS sources
     FROM (SELECT DISTINCT feed_group, feed, version, source FROM ops.files WHERE superseded_by IS NULL) AS f
     LEFT JOIN ops.sources AS o USING (source)
     GROUP BY ALL HAVING count(*) > 1`,
  );
  return new Map(rows.map(({ feed, sources }) => [feed, sources]));
}
