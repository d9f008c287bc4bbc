import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { literal } from '../../src/warehouse/sql.ts';
import { busySeconds } from './child.ts';
import { runCommand } from './command.ts';
import { FEED, hourTime, rows, type Shape } from './feed.ts';
import type { Sample } from './measurement.ts';
import { type CommandRun, Project } from './project.ts';
import { rowOf, runSql, type SqlRun } from './sql.ts';

/** How many rows an hour's export has where a bench does not say otherwise. */
export const ROWS_PER_HOUR = 30_000;
const MODEL = `messaging.${FEED}`;

/**
 * A warehouse with many hours of exports staged. The first is loaded by the real command, which makes the tables; the
 * others are put there, with their ledger rows, by SQL.
 */
export async function stagedProject(folder: string, shape: Shape, hours: number): Promise<Project> {
  const project = await Project.create(folder);
  await project.writeHours(shape, 0, 1);
  await project.run('load');
  await project.stagedTypes();
  const time = `TIMESTAMP ${literal(hourTime(0).toISOString().slice(0, 19))} + to_hours(hour)`;
  const loaded = `TIMESTAMP ${literal(hourTime(hours).toISOString().slice(0, 19))}`;
  const path = `strftime(${time}, ${literal(`${FEED}/version=1/format=jsonl/dt=%Y-%m-%d/hr=%H`)})`;
  const feed = `'messaging' AS source, 'messaging' AS feed_group, ${literal(FEED)} AS feed, '1' AS version, ${time} AS partition_ts`;
  const each = `FROM (SELECT unnest(range(1, ${hours})) AS hour)`;
  const staged = rows(shape, 1, hours, 'typed', [
    `${time} AS _partition_ts`,
    'hour + 1 AS _file_id',
    'line + 1 AS _line',
    `${loaded} AS _loaded_at`,
  ]);
  await runSql(project.warehouse, [
    `INSERT INTO staging_messaging.${FEED} BY NAME ${staged}`,
    `INSERT INTO ops.files BY NAME SELECT ${feed}, hour + 1 AS file_id, ${path} || '/${FEED}.jsonl' AS path,
       1000 AS bytes, hour::VARCHAR AS etag, sha256(hour::VARCHAR) AS sha256, ${shape.rowsPerHour} AS lines,
       ${shape.rowsPerHour} AS rows_staged, 0 AS rows_rejected, 1 AS run_id, ${loaded} AS loaded_at ${each}`,
    `INSERT INTO ops.partitions BY NAME SELECT ${feed}, ${path} AS path, 'loaded' AS state, 1 AS files,
       ${shape.rowsPerHour} AS rows, ${loaded} AS sealed_at, ${loaded} AS loaded_at ${each}`,
    `CREATE VIEW main.vendor_rows AS SELECT * EXCLUDE (_loaded_at, _rescued) FROM staging_messaging.${FEED}`,
  ]);
  return project;
}

/** A new hour's export appears in the source. */
export function newHour(project: Project, shape: Shape, hour: number): Promise<string[]> {
  return project.writeHours(shape, hour, hour + 1);
}

/** What one build of the model took, without what the command does before and after it. */
export interface BuildSample {
  seconds: number;
  others: number;
  /** From the start of the process until the record of the run was closed, which is before it is published. */
  command: number;
  /** From then until the end of the process: it publishes, and closes its own file. 0 where nothing is published. */
  publishing: number;
}

/**
 * Builds the model by the real command. The time of the build is from `started_at` in `ops.model_runs` to the line
 * that the command logs once the transaction is committed: `finished_at` is written within that transaction, so it
 * knows nothing of the commit. Publishing comes after both.
 */
export async function buildModel(project: Project, ...options: string[]): Promise<BuildSample> {
  const run = await project.run('build', '--select', MODEL, ...options);
  const { started, closed } = await rowOf<{ started: string; closed: string }>(
    project.warehouse,
    `SELECT m.started_at AS started, r.finished_at AS closed FROM ops.model_runs m JOIN ops.runs r USING (run_id)
     WHERE m.model = ${literal(MODEL)} AND run_id = (SELECT max(run_id) FROM ops.runs)`,
  );
  const done = builtLine(run).getTime();
  const command = (new Date(closed).getTime() - run.startedAt.getTime()) / 1000;
  return {
    seconds: (done - new Date(started).getTime()) / 1000,
    others: run.others,
    command,
    publishing: run.seconds - command,
  };
}

function builtLine({ log }: CommandRun): Date {
  const line = log.find(({ message }) => message.startsWith(`built ${MODEL},`));
  if (!line) throw new Error(`${MODEL} was not built`);
  return line.time;
}

/** The query of the vendor's guide, over the same columns that the model has, as a table of the same file. */
const VENDOR_QUERY = `CREATE OR REPLACE TABLE main.vendor AS
SELECT *
FROM
    (SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY issue_id ORDER BY first_utterance_ts DESC, _partition_ts DESC) AS row_idx
    FROM main.vendor_rows
    )
WHERE row_idx = 1`;

/** @returns how long the vendor's query took, commit included, in a fresh process as the model's build is */
export function buildAsVendor(project: Project): Promise<BuildSample> {
  return runAlone(project, VENDOR_QUERY);
}

/** The least that any build has to do: it writes the model's rows, from a table that holds nothing else. */
export function writeAlone(project: Project): Promise<BuildSample> {
  return runAlone(project, `CREATE OR REPLACE TABLE main.written AS FROM ${MODEL}`);
}

/** A copy of the published file, on the disk: the least that publishing can do where files cannot share their blocks. */
export async function copyAlone({ folder, published }: Project): Promise<Sample> {
  const busy = busySeconds();
  const copy = join(folder, 'copy.duckdb');
  const { seconds, cpu_seconds } = await runCommand(
    ['sh', '-c', 'cp "$1" "$2" && sync "$2"', 'sh', published, copy],
    '',
  );
  await rm(copy);
  return {
    seconds,
    cpu_seconds,
    others: Math.max(0, (busySeconds() - busy) / seconds - cpu_seconds / seconds),
  };
}

async function runAlone({ warehouse }: Project, statement: string): Promise<BuildSample> {
  const run: SqlRun = await runSql(warehouse, [statement]);
  return { seconds: run.answers[0]?.seconds ?? 0, others: run.others, command: run.seconds, publishing: 0 };
}

/** Both results hold as many rows as there are records: else nothing was measured. */
export async function mustAgree({ warehouse }: Project): Promise<{ staged: number; kept: number }> {
  const counts = await rowOf<{ staged: number; records: number; vendor: number; kept: number }>(
    warehouse,
    `SELECT (SELECT count(*) FROM main.vendor_rows) AS staged,
       (SELECT count(DISTINCT issue_id) FROM main.vendor_rows) AS records,
       (SELECT count(*) FROM main.vendor) AS vendor, (SELECT count(*) FROM ${MODEL}) AS kept`,
  );
  const { staged, records, vendor, kept } = counts;
  if (records !== vendor || records !== kept)
    throw new Error(`the results differ: ${JSON.stringify(counts)}`);
  return { staged, kept };
}
