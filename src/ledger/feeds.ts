import type { FeedSpec } from '../feeds/catalogue.ts';
import { type FeedVersion, tableName } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';
import type { Feed } from './tables.ts';

/** Records what the schema documents say of feeds that were seen in the data. */
export async function recordFeeds(session: Session, specs: readonly FeedSpec[], now: Date): Promise<void> {
  const rows = await session.rows<FeedVersion & { feed_group: string; facts: string }>(
    `SELECT feed_group, feed, version, to_json({description: description, unique_condition: unique_condition,
       order_by: order_by, cadence_minutes: cadence_minutes})::VARCHAR AS facts
     FROM ops.feeds WHERE feed_group IN (SELECT unnest(from_json($1, '["VARCHAR"]')))`,
    [JSON.stringify(specs.map(({ group }) => group))],
  );
  const known = new Map(
    rows.map(({ feed_group, feed, version, facts }) => [JSON.stringify([feed_group, feed, version]), facts]),
  );
  const fresh: object[] = [];
  for (const spec of specs) {
    const { group, feed, version } = spec;
    const facts = {
      description: spec.description,
      unique_condition: [...spec.key],
      order_by: [...spec.orderBy],
      cadence_minutes: spec.cadenceMinutes ?? null,
    };
    const before = known.get(JSON.stringify([group, feed, version]));
    if (before === undefined) fresh.push({ feed_group: group, feed, version, ...facts, first_seen_at: now });
    else if (before !== JSON.stringify(facts)) await updateFeed(session, spec, facts);
  }
  await session.insert({ schema: 'ops', table: 'feeds' }, fresh);
}

async function updateFeed(
  session: Session,
  { group, feed, version }: FeedSpec,
  facts: Pick<Feed, 'description' | 'unique_condition' | 'order_by' | 'cadence_minutes'>,
): Promise<void> {
  await session.run(
    `UPDATE ops.feeds SET description = $4, unique_condition = from_json($5, '["VARCHAR"]'),
       order_by = from_json($6, '["VARCHAR"]'), cadence_minutes = $7
     WHERE feed_group = $1 AND feed = $2 AND version = $3`,
    [
      group,
      feed,
      version,
      facts.description,
      JSON.stringify(facts.unique_condition),
      JSON.stringify(facts.order_by),
      facts.cadence_minutes,
    ],
  );
}

/** The feeds of a group that are documented or were seen: those with staged rows are among them. */
export async function seenFeeds(session: Session, group: string): Promise<FeedVersion[]> {
  return session.rows('SELECT feed, version FROM ops.feeds WHERE feed_group = $1', [group]);
}

/** The feeds of a group that have staged rows, oldest first: these own their tables. */
export async function stagedFeeds(
  session: Session,
  group: string,
): Promise<{ feed: string; version: string }[]> {
  return session.rows(
    'SELECT feed, version FROM ops.files WHERE feed_group = $1 GROUP BY feed, version ORDER BY min(file_id)',
    [group],
  );
}

/** How far a feed has come: what is staged of it. */
export interface StagingProgress {
  group: string;
  feed: string;
  version: string;
  /** Its newest file. */
  file: number;
  /** How many of its files another has taken the place of, and the newest that did; 0 where none was replaced. */
  replaced: number;
  replacing: number;
  /** Its staged rows. */
  rows: number;
  /** The last run that staged something of it. */
  run: number;
  /** Its newest partition; null where no file of it is left. */
  partition: Date | null;
}

/** How far each feed has come, by the name of its tables: `messaging.calls__v2`. Reads the row of every file. */
export async function stagingProgress(session: Session): Promise<Map<string, StagingProgress>> {
  const rows = await session.rows<StagingProgress>(
    `SELECT feed_group AS "group", feed, version, max(file_id) AS file, count(superseded_by) AS replaced,
       coalesce(max(superseded_by), 0) AS replacing,
       coalesce(sum(rows_staged) FILTER (superseded_by IS NULL), 0)::BIGINT AS rows, max(run_id) AS run,
       max(partition_ts) FILTER (superseded_by IS NULL) AS partition
     FROM ops.files GROUP BY ALL ORDER BY ALL`,
  );
  return new Map(rows.map((row) => [`${row.group}.${tableName(row.feed, row.version)}`, row]));
}
