import type { Session } from '../warehouse/session.ts';
import { ledger } from './ledger.ts';
import type { SourceOrder } from './tables.ts';

/**
 * The order of the sources (`ops.sources`), by which files rank that two of them deliver for one partition under one name.
 *
 * It is kept in the ledger, not taken from the configuration, so that `why` and `verify` rank as the build did, and so that
 * a source that was renamed or moved is still known for one that is not there any more: what it brought must not beat what
 * its successor corrects.
 */

/**
 * The places of the sources: by precedence, the highest first, then as the configuration lists them; behind them, in the
 * order they had, those that it does not have any more. Pure.
 */
export function orderOfSources(
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

/** Writes the order down, when it is another than it was. */
export async function rememberSources(
  session: Session,
  configured: readonly { name: string; precedence?: number }[],
): Promise<void> {
  const known = await ledger(session).selectFrom('ops.sources').selectAll().orderBy('place').execute();
  const delivered = await session.rows<{ source: string }>(
    'SELECT DISTINCT source FROM ops.files WHERE source NOT IN (SELECT source FROM ops.sources) ORDER BY source',
  );
  // Of those that an older program loaded from, only the names are known.
  const before = [
    ...known,
    ...delivered.map(({ source }, index) => ({ source, configured: false, place: known.length + index + 1 })),
  ];
  const now = orderOfSources(before, configured);
  const text = (order: readonly SourceOrder[]) =>
    JSON.stringify(order.map(({ source, place, configured: is }) => [source, place, is]));
  if (text(now) === text(known)) return;
  await session.transaction(async () => {
    await session.run('DELETE FROM ops.sources');
    await session.insert({ schema: 'ops', table: 'sources' }, now);
  });
}

/**
 * The sources that delivered a feed, in their order, by the feed's table (`messaging.calls__v2`), as one text; left out
 * where one source delivers it all, since then their order decides nothing. A model over the feed is built from all of its
 * rows when it changes.
 */
export async function orderByFeed(session: Session): Promise<Map<string, string>> {
  const rows = await session.rows<{ feed: string; sources: string }>(
    `SELECT f.feed_group || '.' || f.feed || CASE WHEN f.version = '1' THEN '' ELSE '__v' || f.version END AS feed,
       to_json(list((f.source, coalesce(o.configured, false)) ORDER BY o.configured DESC NULLS LAST, o.place NULLS LAST, f.source))::VARCHAR
         AS sources
     FROM (SELECT DISTINCT feed_group, feed, version, source FROM ops.files WHERE superseded_by IS NULL) AS f
     LEFT JOIN ops.sources AS o USING (source)
     GROUP BY ALL HAVING count(*) > 1`,
  );
  return new Map(rows.map(({ feed, sources }) => [feed, sources]));
}
