import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import pMap from 'p-map';
import type { S3Options } from '../../src/connectors/s3/options.ts';
import { writeSampleFeeds } from '../../src/samples/samples.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';
import type { BenchContext } from './bench.ts';
import { busySeconds, runScript, sibling } from './child.ts';
import { type CommandTimes, missingPrograms, runCommand } from './command.ts';
import type { Wanted } from './fetch-script.ts';
import { compared, type Sample, summarize } from './measurement.ts';
import { type CommandRun, Project } from './project.ts';
import { inTurn } from './rounds.ts';
import { rowOf } from './sql.ts';
import { hoursOf } from './staging.ts';

/** Hourly files of so much for a `--size` of 1 GB: 157 MB. */
const SHARE = 0.157;
const HOURS = 48;

/** `load` from the bucket is aimed to take so many times that of a folder. */
const LOAD_AIM = 1.1;

/** A bucket that holds the feeds of a folder. */
interface Case {
  /** For people: `48 files`. */
  what: string;
  /** The bucket's name, too. */
  name: string;
  feeds: string;
  /** Our time for fetching, in times of a program of the machine. */
  aims: Readonly<Record<string, number>>;
}

/** Programs that fetch a whole bucket into a folder. */
const RIVALS: Readonly<Record<string, (bucket: string, endpoint: string, folder: string) => string[]>> = {
  aws: (bucket, endpoint, folder) =>
    `aws --endpoint-url ${endpoint} s3 cp --only-show-errors --recursive s3://${bucket} ${folder}`.split(' '),
  s5cmd: (bucket, endpoint, folder) =>
    `s5cmd --endpoint-url ${endpoint} --log error cp s3://${bucket}/* ${folder}/`.split(' '),
};

/**
 * A bucket of hourly files, and one of many small ones, on a server on loopback, which works on the same cores. Each is
 * fetched whole by our connector, by `aws s3 cp --recursive` and by `s5cmd cp`, all of them processes that are timed from
 * start to end; and loaded, against a `load` of the same files from a folder.
 */
export async function s3(context: BenchContext): Promise<void> {
  const { folder, note, bytes } = context;
  const missing = process.env.S3_TEST_ENDPOINT ? [] : missingPrograms(['radosgw', 'ceph-mon', 'ceph-osd']);
  if (missing.length > 0) return note(`S3 is not measured: this machine has no ${missing.join(', no ')}`);
  for (const program of missingPrograms(Object.keys(RIVALS))) note(`this machine has no ${program}`);
  const server = await startS3();
  try {
    const large = await Project.create(join(folder, 'large'));
    await large.writeHours(await hoursOf(bytes * SHARE, HOURS), 0, HOURS);
    const aims = { aws: 0.8, s5cmd: 1.5 };
    await measure(context, server, { what: `${HOURS} files`, name: 'large', feeds: large.feeds, aims });
    const samples = join(folder, 'samples');
    await writeSampleFeeds(samples);
    const feeds = join(samples, 'messaging');
    const { length } = await filesIn(feeds);
    await measure(context, server, { what: `${length} objects`, name: 'small', feeds, aims: { s5cmd: 1.2 } });
  } finally {
    await server.stop();
  }
}

async function measure(context: BenchContext, server: S3Server, { what, name, feeds, aims }: Case) {
  const files = await filesIn(feeds);
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  context.note(`putting ${what} into a bucket`);
  const bucket = await server.createBucket(name);
  await pMap(files, async (path) => bucket.put(relative(feeds, path), await readFile(path)), {
    concurrency: 8,
  });
  const credentials = { accessKeyId, secretAccessKey };
  await fetching(context, server, { bucket: name, region, prefix: '', endpoint, credentials }, what, aims);
  await loading(context, what, feeds, [
    'connector: s3',
    `bucket: ${name}`,
    `region: ${region}`,
    `endpoint: ${endpoint}`,
    `access_key_id: ${accessKeyId}`,
    `secret_access_key: ${secretAccessKey}`,
  ]);
}

/** All files below a folder. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

async function bytesIn(folder: string): Promise<number> {
  const sizes = await pMap(await filesIn(folder), async (file) => (await stat(file)).size, {
    concurrency: 8,
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function fetching(
  { folder, report, note }: BenchContext,
  server: S3Server,
  options: S3Options,
  what: string,
  aims: Case['aims'],
): Promise<void> {
  const { bucket, region, endpoint = '' } = options;
  const target = join(folder, 'fetched');
  const fetched: number[] = [];
  const sampled = (fetch: () => Promise<CommandTimes>) => async (): Promise<Sample> => {
    await mkdir(target);
    const [busyBefore, serverBefore] = [busySeconds(), await server.cpuSeconds()];
    const times = await fetch();
    const own = times.cpu_seconds + (await server.cpuSeconds()) - serverBefore;
    const others = Math.max(0, busySeconds() - busyBefore - own) / times.seconds;
    fetched.push(await bytesIn(target));
    await rm(target, { recursive: true });
    return { ...times, others };
  };
  const missing = missingPrograms(Object.keys(RIVALS));
  const rivals = Object.entries(RIVALS).filter(([program]) => !missing.includes(program));
  const login = [
    `AWS_ACCESS_KEY_ID=${server.accessKeyId}`,
    `AWS_SECRET_ACCESS_KEY=${server.secretAccessKey}`,
    `AWS_REGION=${region}`,
  ];
  note(`fetching ${what}`);
  const [ours = [], ...theirs] = await inTurn(
    sampled(async () => {
      const wanted: Wanted = { s3: options, folder: target };
      const run = await runScript(sibling('fetch-script'), [], { input: JSON.stringify(wanted) });
      if (run.exitCode !== 0) throw new Error(`fetching ended with ${run.exitCode}: ${run.stderr}`);
      return run;
    }),
    ...rivals.map(([, command]) =>
      sampled(() => runCommand(['env', ...login, ...command(bucket, endpoint, target)], '')),
    ),
  );
  // A bench that did not bring the files has measured nothing.
  if (new Set(fetched).size > 1) throw new Error(`not all bring the same bytes: ${fetched}`);
  const bytes = fetched[0] ?? 0;
  const fetch = `fetch of ${what} from S3`;
  if (rivals.length === 0) report({ what: fetch, ...summarize(ours), bytes });
  for (const [index, [program]] of rivals.entries()) {
    const samples = theirs[index] as Sample[];
    const ratio = compared(ours, samples, program);
    const aim = aims[program];
    report({ what: `${fetch} by ${program}`, ...summarize(samples), bytes });
    report({
      what: `${fetch}, against ${program}`,
      ...summarize(ours),
      bytes,
      ...ratio,
      ...(aim !== undefined && { measure: 'ratio', target: aim }),
    });
  }
}

async function loading({ folder, report, note }: BenchContext, what: string, feeds: string, s3: string[]) {
  // The samples have a broken line.
  const settings = ['max_rejected_rows: 10'];
  const from = ['connector: local', `path: ${feeds}`];
  const local = await Project.create(join(folder, 'from-folder'), settings, from);
  const remote = await Project.create(join(folder, 'from-s3'), settings, s3);
  const load = (project: Project) => async () => {
    await project.reset();
    return project.run('load');
  };
  note(`loading ${what}`);
  const [locals = [], remotes = []] = (await inTurn(load(local), load(remote))) as CommandRun[][];
  const [expected, rows] = await Promise.all([local, remote].map(stagedRows));
  if (rows !== expected || rows === 0) throw new Error(`${rows} rows are staged from S3, not ${expected}`);
  const bare = `load of ${what} from a folder`;
  const bytes = await bytesIn(feeds);
  report({ what: bare, ...summarize(locals), bytes, rows });
  report({
    what: `load of ${what} from S3`,
    ...summarize(remotes),
    bytes,
    rows,
    ...compared(remotes, locals, bare),
    measure: 'ratio',
    target: LOAD_AIM,
  });
  for (const project of [local, remote]) await rm(project.folder, { recursive: true });
}

async function stagedRows({ warehouse }: Project): Promise<number> {
  const sql = 'SELECT coalesce(sum(rows_staged), 0)::DOUBLE AS rows FROM ops.files';
  return (await rowOf<{ rows: number }>(warehouse, sql)).rows;
}
