import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { literal } from '../../src/warehouse/sql.ts';
import type { BenchContext } from './bench.ts';
import { partitionFolder } from './feed.ts';
import { summarize } from './measurement.ts';
import { type CommandRun, Project } from './project.ts';
import { inTurn } from './rounds.ts';
import { rowOf, runSql } from './sql.ts';

export const FEEDS = 43;
const HOURS = 8760;
/** The folders that are really there: more than the look-back reaches. */
const PRESENT_HOURS = 9 * 24;
const FIRST = Date.UTC(2025, 0, 1);

/** `run` with nothing new, over a ledger of a year of hourly exports of 43 feeds: 376,680 partitions. */
export async function idle({ folder, scale, report, note }: BenchContext): Promise<void> {
  const { project, partitions } = await yearOfExports(folder, scale, note);
  note('running with nothing new');
  const [runs] = (await inTurn(() => project.run('run', '--quiet'))) as [CommandRun[]];
  const { seconds, ...rest } = summarize(runs);
  const what = `run with nothing new, ${partitions} partitions`;
  report({ what, seconds: seconds as number, ...rest, rows: 0, measure: 'seconds', target: 1 });
  report({
    what: `memory of ${what}`,
    peak_memory_mb: rest.peak_memory_mb as number,
    measure: 'peak_memory_mb',
    target: 300,
  });
}

/**
 * A year of hourly exports, loaded, built and published. The last days are so by the real command; the rest of the year is
 * put into the ledger by SQL.
 */
export async function yearOfExports(
  folder: string,
  scale: number,
  note: BenchContext['note'],
): Promise<{ project: Project; feeds: FeedDocument[]; hours: number; partitions: number }> {
  const hours = Math.max(PRESENT_HOURS, Math.ceil(HOURS * Math.min(1, scale)));
  note(`loading ${PRESENT_HOURS} hours of ${FEEDS} feeds`);
  const project = await Project.create(folder);
  const feeds = (await documentedFeeds()).slice(0, FEEDS);
  for (const feed of feeds)
    for (let hour = hours - PRESENT_HOURS; hour < hours; hour += 1)
      await writeExport(project.feeds, feed, hour);
  await project.run('run');

  note('filling the ledger');
  await fillLedger(project, feeds, hours - PRESENT_HOURS);
  // The models see that the ledger has changed; from then on there is nothing new.
  await project.run('run');
  const { partitions, rejected } = await rowOf<{ partitions: number; rejected: number }>(
    project.warehouse,
    `SELECT (SELECT count(*) FROM ops.partitions) AS partitions,
       (SELECT count(*) FROM ops.rejected_rows) AS rejected`,
  );
  if (partitions !== FEEDS * hours || rejected > 0)
    throw new Error(`the ledger has ${partitions} partitions and ${rejected} rejected rows`);
  return { project, feeds, hours, partitions };
}

interface FeedDocument {
  name: string;
  columns: { name: string; type?: string }[];
}

/** Feeds of the published schema, but for those that say something of other feeds. */
async function documentedFeeds(): Promise<FeedDocument[]> {
  const document: unknown = parse(await readFile('schemas/messaging.yaml', 'utf8'));
  return feedsIn(document).filter(({ name, columns }) => name !== 'export_row_counts' && columns.length > 0);
}

/** Wherever in the document they are. */
function feedsIn(node: unknown): FeedDocument[] {
  if (typeof node !== 'object' || node === null) return [];
  const found = node as Partial<FeedDocument>;
  if (typeof found.name === 'string' && Array.isArray(found.columns)) return [found as FeedDocument];
  return Object.values(node).flatMap(feedsIn);
}

/** The export of one hour, counted from the beginning of the year: one row in one file. */
export async function writeExport(
  root: string,
  { name, columns }: FeedDocument,
  hour: number,
): Promise<void> {
  const row = `${JSON.stringify(Object.fromEntries(columns.map((column) => [column.name, fittingValue(column)])))}\n`;
  const path = join(root, partitionFolder(name, new Date(FIRST + hour * 3_600_000)));
  await mkdir(path, { recursive: true });
  await writeFile(join(path, `${name}.jsonl`), row);
  await writeFile(join(path, '_SUCCESS'), '');
}

/** A value that fits: 1 is a number, a flag and a text. */
function fittingValue({ name, type = '' }: FeedDocument['columns'][number]): string | number {
  if (/^(timestamp|datetime)/i.test(type)) return '2025-12-31T00:00:00+00:00';
  if (/^date/i.test(type)) return '2025-12-31';
  // Of a text or an untyped column the name says whether it holds times; numbers are called so, too.
  return /^(character varying.*|varchar.*|string|text|)$/i.test(type) && /_(ts|time|at)$/.test(name)
    ? '2025-12-31T00:00:00+00:00'
    : 1;
}

/** What the real command would have written of the hours before. */
async function fillLedger(project: Project, feeds: readonly FeedDocument[], hours: number): Promise<void> {
  const names = feeds.map(({ name }) => literal(name)).join(', ');
  const first = new Date(FIRST).toISOString().slice(0, 19);
  const each = `FROM (SELECT unnest([${names}]) AS feed) CROSS JOIN (
    SELECT TIMESTAMP ${literal(first)} + to_hours(range) AS partition_ts FROM range(${hours}))`;
  const path = `feed || strftime(partition_ts, '/version=1/format=jsonl/dt=%Y-%m-%d/hr=%H')`;
  const common = `'messaging' AS source, 'messaging' AS feed_group, feed, '1' AS version, partition_ts`;
  const loaded = 'partition_ts + INTERVAL 90 MINUTE AS loaded_at';
  await runSql(project.warehouse, [
    `INSERT INTO ops.files BY NAME SELECT ${common}, ${path} || '/' || feed || '.jsonl' AS path,
       (SELECT max(file_id) FROM ops.files) + row_number() OVER () AS file_id, 1000 AS bytes,
       hash(feed, partition_ts)::VARCHAR AS etag, sha256(feed || partition_ts) AS sha256, 10 AS lines,
       10 AS rows_staged, 0 AS rows_rejected, 1 AS run_id, ${loaded} ${each}`,
    `INSERT INTO ops.partitions BY NAME SELECT ${common}, ${path} AS path, 'loaded' AS state, 1 AS files, 10 AS rows,
       partition_ts + INTERVAL 1 HOUR AS sealed_at, ${loaded} ${each}`,
  ]);
}
