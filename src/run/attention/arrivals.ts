import type { Attention } from '../../attention.ts';
import { namedSources } from '../../config/config.ts';
import { bundledCatalogue } from '../../feeds/bundled.ts';
import { tableName } from '../../feeds/names.ts';
import { openGaps } from '../../ledger/gaps.ts';
import { absentFeeds } from '../../ledger/listings.ts';
import { futurePartitions } from '../../ledger/partitions.ts';
import { count, didYouMean, minuteText } from '../../text.ts';
import type { AttentionContext } from './context.ts';

/** What did not come, and what came from a time to come. */

const ACKNOWLEDGE = 'asapp-warehouse status --acknowledge takes it off this list';

/** Gaps: each is asked for until it comes, and told until it does or a person says that it is known. */
export async function missingPartitions({ session }: AttentionContext): Promise<Attention[]> {
  const gaps = await openGaps(session);
  return gaps.map(({ feed_group, feed, version, missing, first, last }) => {
    const name = `${feed_group}.${tableName(feed, version)}`;
    const times = missing === 1 ? minuteText(first) : `between ${minuteText(first)} and ${minuteText(last)}`;
    return {
      kind: 'missing_partitions',
      severity: 'attention',
      feed: name,
      count: missing,
      message: `${count(missing, 'partition')} of ${name} missing: ${times}`,
      hint: `ask the vendor: what comes late is loaded. ${ACKNOWLEDGE}`,
    };
  });
}

/** Partitions of a time to come. They are loaded, and must not be taken for the newest: told until their time has come. */
export async function comingPartitions({ session, now }: AttentionContext): Promise<Attention[]> {
  const coming = await futurePartitions(session, now);
  return coming.map(({ source, feed_group, feed, version, partitions, path }) => {
    const name = `${feed_group}.${tableName(feed, version)}`;
    return {
      kind: 'future_partition',
      severity: 'attention',
      source,
      feed: name,
      count: partitions,
      message: `${count(partitions, 'partition')} of ${name} of a time to come, in ${source}: ${path}`,
      hint: `its rows win over those of today. Ask the vendor; ${ACKNOWLEDGE}`,
    };
  });
}

/** Feeds that the configuration names, and that never came: misspelt, or not exported. */
export async function unknownFeeds({ session, config }: AttentionContext): Promise<Attention[]> {
  const named = namedSources(config).filter(({ feeds }) => feeds !== undefined);
  if (named.length === 0) return [];
  const absent = await absentFeeds(session);
  const items: Attention[] = [];
  for (const { name: source, group, feeds = [] } of named) {
    const missing = feeds.filter((feed) => absent.some((row) => row.source === source && row.feed === feed));
    if (missing.length === 0) continue;
    const seen = await session.rows<{ feed: string }>(
      'SELECT DISTINCT feed FROM ops.feeds WHERE feed_group = $1',
      [group],
    );
    const documented = (await bundledCatalogue()).feeds(group);
    const known = [...seen, ...documented].map(({ feed }) => feed).filter((feed) => !missing.includes(feed));
    for (const feed of missing) {
      items.push({
        kind: 'unknown_feed',
        severity: 'attention',
        source,
        message: `${source} has no feed named ${feed}${didYouMean(feed, known)}`,
        hint: 'correct feeds: of this source in warehouse.yaml, or ask the vendor whether it is exported',
      });
    }
  }
  return items;
}
