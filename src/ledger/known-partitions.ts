import { groupBy } from '../group-by.ts';
import type { Session } from '../warehouse/session.ts';
import { timestamp } from '../warehouse/sql.ts';
import type { File, Partition } from './tables.ts';

/** A staged file, with what it takes to recognize it or a changed version of it in a listing. */
export type KnownFile = Pick<File, 'file_id' | 'path' | 'bytes' | 'etag' | 'rows_staged'>;

const NOTED = ['path', 'state', 'sealed_at', 'loaded_at', 'acknowledged_at', 'files_gone_at'] as const;

/** How a partition stands: what a run that lists it again goes by. */
export type NotedPartition = Pick<Partition, (typeof NOTED)[number]>;

/**
 * Which partitions of a feed to read from the ledger: those since a time, and some single times and days before it. All
 * of them when `since` is undefined.
 */
export interface Horizon {
  feed: string;
  version: string;
  since: Date | undefined;
  times: readonly Date[];
  days: readonly Date[];
}

/** What the ledger has of a source's partitions, by folder. */
export interface KnownPartitions {
  /** Staged files that have not been superseded. */
  files: ReadonlyMap<string, KnownFile[]>;
  /** The same, each by its own path. */
  byPath: ReadonlyMap<string, KnownFile>;
  partitions: ReadonlyMap<string, NotedPartition>;
}

const HORIZONS = `SELECT unnest(from_json($2,
  '[{"feed":"VARCHAR","version":"VARCHAR","since":"TIMESTAMP","times":["TIMESTAMP"],"days":["TIMESTAMP"]}]'), max_depth := 2)`;
const WITHIN = `(since IS NULL OR partition_ts >= since OR list_contains(times, partition_ts)
  OR list_contains(days, date_trunc('day', partition_ts)))`;

/** The first time that any of them reaches to, so that what is older need not be read; undefined where one reaches to all. */
function firstOf(horizons: readonly Horizon[]): Date | undefined {
  const times = horizons.flatMap(({ since, times, days }) => [
    since?.getTime() ?? Number.NaN,
    ...[...times, ...days].map(Number),
  ]);
  const first = Math.min(...times);
  return Number.isFinite(first) ? new Date(first) : undefined;
}

/** Reads the partitions and files of many feeds at once, so that each table is scanned only once. */
export async function readKnownPartitions(
  session: Session,
  source: string,
  horizons: readonly Horizon[],
): Promise<KnownPartitions> {
  const parameters = [source, JSON.stringify(horizons)];
  const first = firstOf(horizons);
  const within = first ? `partition_ts >= ${timestamp(first)} AND ${WITHIN}` : WITHIN;
  const files = await session.rows<KnownFile>(
    `SELECT file_id, path, bytes, etag, rows_staged
     FROM ops.files JOIN (${HORIZONS}) AS horizon USING (feed, version)
     WHERE source = $1 AND superseded_by IS NULL AND ${within}`,
    parameters,
  );
  const partitions = await session.rows<NotedPartition>(
    `SELECT ${NOTED.join(', ')} FROM ops.partitions JOIN (${HORIZONS}) AS horizon USING (feed, version)
     WHERE source = $1 AND path IS NOT NULL AND ${within}`,
    parameters,
  );
  return {
    files: groupBy(files, ({ path }) => path.slice(0, path.lastIndexOf('/'))),
    byPath: new Map(files.map((file) => [file.path, file])),
    partitions: new Map(partitions.map((row) => [row.path as string, row])),
  };
}
