import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileList, identifier, literal } from '../../src/warehouse/sql.ts';
import type { BenchContext } from './bench.ts';
import { rows, type Shape } from './feed.ts';
import { compared, summarize } from './measurement.ts';
import { round } from './numbers.ts';
import { type CommandRun, Project } from './project.ts';
import { inTurn } from './rounds.ts';
import { rowOf, rowsOf, runSql, type SqlRun } from './sql.ts';

const HOURS = 48;

/**
 * `load` of hourly files into a fresh warehouse, against one bare typed `CREATE TABLE AS SELECT * FROM read_json` of the
 * same files into a fresh DuckDB file. Both are processes of their own, timed from start to end, so that start-up and the
 * last checkpoint count for both. Once with plain files, once with gzipped ones.
 */
export async function staging(context: BenchContext): Promise<void> {
  const shape = await hoursOf(context.bytes);
  for (const gzip of [false, true]) await stagingOf(context, shape, gzip);
}

/** The shape of hourly exports that are so many bytes in all. */
export async function hoursOf(bytes: number, hours = HOURS): Promise<Shape> {
  const sample = { rowsPerHour: 2000, versions: 2.5 };
  const { size } = await rowOf<{ size: number }>(
    ':memory:',
    `SELECT avg(len(to_json(sample)::VARCHAR)) + 1 AS size FROM (${rows(sample, 3, 4, 'written')}) AS sample`,
  );
  // One in a hundred more: the sample is small.
  return { rowsPerHour: Math.ceil((bytes * 1.01) / size / hours), versions: 2.5 };
}

async function stagingOf({ folder, report, note }: BenchContext, shape: Shape, gzip: boolean): Promise<void> {
  const kind = gzip ? 'gzipped files' : 'files';
  note(`writing ${HOURS} ${kind}`);
  const project = await Project.create(join(folder, gzip ? 'gzip' : 'plain'));
  const files = await project.writeHours(shape, 0, HOURS, { gzip });
  const bytes = await warm(files);
  const expected = shape.rowsPerHour * HOURS;
  await project.run('load');
  const select = bareRead(await project.stagedTypes(), files);

  note(`staging ${HOURS} ${kind}`);
  const bareFile = join(folder, 'bare.duckdb');
  const [loads, bares] = (await inTurn<CommandRun | SqlRun>(
    async () => {
      await project.reset();
      return project.run('load');
    },
    async () => {
      await rm(bareFile, { force: true });
      return runSql(bareFile, [`CREATE TABLE bare AS ${select}`]);
    },
  )) as [CommandRun[], SqlRun[]];
  await mustHold(project.warehouse, 'staging_messaging.convos_metrics', expected);
  await mustHold(bareFile, 'bare', expected);

  const bare = `bare read_json of ${kind}`;
  report({ what: bare, ...summarize(bares), bytes, rows: expected });
  report({
    what: `load of ${kind}`,
    ...summarize(loads),
    bytes,
    rows: expected,
    ...compared(loads, bares, bare),
    measure: 'ratio',
    target: 1.5,
    limit: 1.9,
  });
  const last = loads.at(-1) as CommandRun;
  for (const [phase, seconds] of await phases(project, last)) {
    report({ what: `load of ${kind}, ${phase}`, seconds: round(seconds, 3), ratio_to: 'one of its rounds' });
  }
  await rm(project.folder, { recursive: true });
  await rm(bareFile);
}

/** What a person would write who does not care about anything but the types. */
function bareRead(types: ReadonlyMap<string, string>, files: readonly string[]): string {
  const columns = [...types].map(([name, type]) => `${identifier(name)}: ${literal(type)}`).join(', ');
  return `SELECT * FROM read_json(${fileList(files)}, columns = {${columns}},
    format = 'newline_delimited', hive_partitioning = false)`;
}

/** Reads files once, so that none of the rounds finds them on the disk. @returns their bytes */
export async function warm(files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    bytes += (await stat(file)).size;
    for await (const _ of createReadStream(file, { highWaterMark: 1 << 20 }));
  }
  return bytes;
}

/** A bench whose command did something else has measured nothing. */
async function mustHold(file: string, table: string, expected: number): Promise<void> {
  const { count } = await rowOf<{ count: number }>(file, `SELECT count(*) AS count FROM ${table}`);
  if (count !== expected) throw new Error(`${table} holds ${count} rows, not ${expected}`);
}

/**
 * Where the time of a `load` goes, from what it leaves behind: the ledger knows when the run began and when the staging
 * of each batch did, the log when each was done.
 */
async function phases(
  { warehouse }: Project,
  { startedAt, endedAt, log }: CommandRun,
): Promise<[string, number][]> {
  const batches = await rowsOf<{ at: string }>(
    warehouse,
    'SELECT DISTINCT loaded_at AS at FROM ops.files ORDER BY 1',
  );
  const { at: begun } = await rowOf<{ at: string }>(warehouse, 'SELECT max(started_at) AS at FROM ops.runs');
  const staged = log.filter(({ message }) => message.startsWith('staged ')).map(({ time }) => time.getTime());
  const starts = batches.map(({ at }) => new Date(at).getTime());
  if (starts.length !== staged.length) throw new Error('the log and the ledger know of different batches');
  const between = starts.map((start, index) => start - (staged[index - 1] ?? new Date(begun).getTime()));
  const inserting = starts.map((start, index) => (staged[index] as number) - start);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const all: [string, number][] = [
    ['starting', new Date(begun).getTime() - startedAt.getTime()],
    ['listing and looking at the first batch', between[0] as number],
    ['staging, in all batches', sum(inserting)],
    ['waiting for later batches', sum(between.slice(1))],
    ['closing', endedAt.getTime() - (staged.at(-1) as number)],
  ];
  return all.map(([phase, milliseconds]) => [phase, milliseconds / 1000]);
}
