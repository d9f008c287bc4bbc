import { type Config, namedSources, type Source } from '../config/config.ts';
import { ageLimits, type FreshnessState, freshnessState } from '../feeds/freshness.ts';
import { tableName } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';

/** How fresh an expected feed is. */
export interface FeedFreshness {
  /** As its table is called: `messaging.calls__v2`. */
  feed: string;
  state: FreshnessState;
  newest: Date;
  /** How old its newest partition may be, in milliseconds. */
  errorAfter: number;
  /** The sources that deliver it. */
  sources: string[];
}

interface FreshnessRow {
  feed_group: string;
  feed: string;
  version: string;
  newest: Date;
  cadence_minutes: number | null;
  sources: string[];
}

/**
 * The freshness of every feed that has come, that has not ended according to its document, and that a configured source
 * is expected to deliver.
 */
export async function feedFreshness(
  session: Session,
  { config, now }: { config: Config; now: Date },
): Promise<FeedFreshness[]> {
  // To learn how far apart partitions come takes a look at all that ever did, which an archive can do without.
  if (expectsNothing(config)) return [];
  const rows = await session.rows<FreshnessRow>(
    `SELECT feed_group, feed, version, newest_partition_ts AS newest, cadence_minutes, sources
     FROM ops.freshness ANTI JOIN (FROM ops.feeds WHERE state IN ('ended', 'gone')) AS over
       USING (feed_group, feed, version)
     ORDER BY ALL`,
  );
  return rows.flatMap((row): FeedFreshness[] => {
    const bringing = namedSources(config).filter((source) => isExpectedFrom(source, row));
    const expected = bringing.flatMap((source) => ageLimitsFor(source, row, config) ?? []);
    // Where several sources deliver it, the strictest limit counts.
    const [ages] = expected.sort((a, b) => a.errorAfter - b.errorAfter);
    if (ages === undefined) return [];
    return [
      {
        feed: `${row.feed_group}.${tableName(row.feed, row.version)}`,
        newest: row.newest,
        state: freshnessState(row.newest, ages, now),
        errorAfter: ages.errorAfter,
        sources: bringing.map(({ name }) => name),
      },
    ];
  });
}

function expectsNothing(config: Config): boolean {
  const { all, feeds } = config.freshness;
  const others = [...Object.values(feeds), ...namedSources(config).map(({ freshness }) => freshness)];
  return all === 'off' && others.every((rule) => rule === undefined || rule === 'off');
}

function isExpectedFrom({ name, group, feeds }: Source, row: FreshnessRow): boolean {
  return row.sources.includes(name) && group === row.feed_group && (feeds?.includes(row.feed) ?? true);
}

function ageLimitsFor(source: Source, row: FreshnessRow, { freshness }: Config) {
  const table = tableName(row.feed, row.version);
  const named = [`${row.feed_group}.${table}`, table].map((name) =>
    Object.hasOwn(freshness.feeds, name) ? freshness.feeds[name] : undefined,
  );
  const cadences = [row.cadence_minutes, source.deliveryMinutes].filter((minutes) => minutes != null);
  const cadence = cadences.length > 0 ? Math.max(...cadences) : null;
  return ageLimits([...named, source.freshness, freshness.all], cadence);
}
