import type { FeedSpec } from '../feeds/catalogue.ts';
import { tableName } from '../feeds/names.ts';
import type { Session } from '../warehouse/session.ts';

/** Records what the schema documents say of feeds that were seen in the data. */
export async function recordFeeds(session: Session, specs: readonly FeedSpec[], now: Date): Promise<void> {
  for (const spec of specs) {
    const facts = {
      description: spec.description,
      unique_condition: [...spec.key],
      order_by: [...spec.orderBy],
      cadence_minutes: spec.cadenceMinutes ?? null,
    };
    const where = `feed_group = $1 AND feed = $2 AND version = $3`;
    const name = [spec.group, spec.feed, spec.version];
    const [known] = await session.rows<{ facts: string }>(
      `SELECT to_json({description: description, unique_condition: unique_condition, order_by: order_by,
         cadence_minutes: cadence_minutes})::VARCHAR AS facts FROM ops.feeds WHERE ${where}`,
      name,
    );
    if (known && known.facts === JSON.stringify(facts)) continue;
    if (known) {
      await session.run(
        `UPDATE ops.feeds SET description = $4, unique_condition = from_json($5, '["VARCHAR"]'),
           order_by = from_json($6, '["VARCHAR"]'), cadence_minutes = $7 WHERE ${where}`,
        [
          ...name,
          facts.description,
          JSON.stringify(facts.unique_condition),
          JSON.stringify(facts.order_by),
          facts.cadence_minutes,
        ],
      );
      continue;
    }
    await session.insert({ schema: 'ops', table: 'feeds' }, [
      { feed_group: spec.group, feed: spec.feed, version: spec.version, ...facts, first_seen_at: now },
    ]);
  }
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
  /** The last run that staged something of it. */
  run: number;
  /** Its newest partition; null where no file of it is left. */
  partition: Date | null;
}

/** How far each feed has come, by the name of its tables: `messaging.calls__v2`. Reads the row of every file. */
export async function stagingProgress(session: Session): Promise<Map<string, StagingProgress>> {
  const rows = await session.rows<StagingProgress>(
    `SELECT feed_group AS "group", feed, version, max(file_id) AS file, count(superseded_by) AS replaced,
       coalesce(max(superseded_by), 0) AS replacing, max(run_id) AS run,
       max(partition_ts) FILTER (superseded_by IS NULL) AS partition
     FROM ops.files GROUP BY ALL ORDER BY ALL`,
  );
  return new Map(rows.map((row) => [`${row.group}.${tableName(row.feed, row.version)}`, row]));
}
